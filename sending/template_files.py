"""Templates as files: a folder for each, readable and comparable, that reads back byte for byte.

``NAME/template.json`` holds the name, the description, the clients it is kept to and the status of each version;
``NAME/v3/`` what version 3 says, each part in a file of its own (``PARTS``) that is absent where the part is empty.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from gateway.body import decode_json
from gateway.errors import Refusal
from sending.states import VersionStatus

HEAD = "template.json"
SAMPLE = "sample.json"
PARTS = {
    "subject": "subject.txt",
    "text": "text.txt",
    "html": "body.html",
    "list_unsubscribe": "list_unsubscribe.txt",
    "letter": "letter.typ",
}
LARGEST_VERSION = 2**31 - 1
_VERSION = re.compile(r"v([1-9][0-9]{0,9})", re.ASCII)
_LONGEST_FOLDER = 100
_MEMBERS = {"name": str, "description": str, "clients": list, "versions": dict}


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFiles:
    """One version: ``words`` by the model's names (the sample among them), ``places`` the file of each."""

    version: int
    status: VersionStatus
    words: dict[str, Any]
    places: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFiles:
    """One template with its versions, the oldest first; ``place`` is the file that it was read from."""

    name: str
    description: str = ""
    clients: tuple[str, ...] = ()
    versions: tuple[VersionFiles, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a file; ``line`` counts from 1, 0 where it is the file as a whole."""

    place: str
    sentence: str
    line: int = 0

    def __str__(self) -> str:
        shown = "".join(character if character.isprintable() else "�" for character in self.place)
        return f"{shown}:{self.line}: {self.sentence}" if self.line else f"{shown}: {self.sentence}"


def written(templates: Iterable[TemplateFiles], *, parts: Iterable[str] = PARTS) -> dict[str, bytes]:
    """The files of templates by their paths."""
    files: dict[str, bytes] = {}
    taken: set[str] = set()
    for template in templates:
        folder = _folder(template.name, taken)
        taken.add(folder.casefold())
        head = {
            "name": template.name,
            "description": template.description,
            "clients": list(template.clients),
            "versions": {str(version.version): version.status.value for version in template.versions},
        }
        files[f"{folder}/{HEAD}"] = _json(head)
        for version in template.versions:
            below = f"{folder}/v{version.version}"
            for part in parts:
                if version.words.get(part):
                    files[f"{below}/{PARTS[part]}"] = version.words[part].encode()
            if version.words.get("sample"):
                files[f"{below}/{SAMPLE}"] = _json(version.words["sample"], sort=True)
    return files


def read(files: Mapping[str, bytes], faults: list[Fault], *, parts: Iterable[str] = PARTS) -> list[TemplateFiles]:
    """The templates that the files hold, in the order of their names; what is wrong goes to ``faults``."""
    known = {PARTS[part]: part for part in parts} | {SAMPLE: "sample"}
    heads = {str(PurePosixPath(path).parent): path for path in files if PurePosixPath(path).name == HEAD}
    places = set(heads.values())
    versions: dict[str, dict[int, dict[str, str]]] = {folder: {} for folder in heads}
    for path in sorted(files):
        folder, number, part = _place(path, known)
        if number and folder in versions:
            versions[folder].setdefault(number, {})[part] = path
        elif path not in places:
            faults.append(Fault(place=path, sentence=f"is no file of a template: {HEAD} or v1/{', v1/'.join(known)}"))
    if not files:
        faults.append(Fault(place=".", sentence=f"holds no template: no folder with {HEAD}"))
    found = [_template(files, heads[folder], versions[folder], faults) for folder in sorted(heads)]
    _check_names(found, faults)
    return sorted((template for template in found if template.name), key=lambda template: template.name)


def _place(path: str, known: Mapping[str, str]) -> tuple[str, int, str]:
    """The template's folder, the version and the part of a file, the version 0 when it is none."""
    parts = PurePosixPath(path).parts
    match = _VERSION.fullmatch(parts[-2]) if len(parts) >= 2 else None
    if match is None or parts[-1] not in known or int(match[1]) > LARGEST_VERSION:
        return "", 0, ""
    return str(PurePosixPath(*parts[:-2])), int(match[1]), known[parts[-1]]


def _template(
    files: Mapping[str, bytes], place: str, versions: Mapping[int, Mapping[str, str]], faults: list[Fault]
) -> TemplateFiles:
    head = _object(files[place], place, faults)
    for name in head.keys() - _MEMBERS.keys():
        faults.append(Fault(place=place, sentence=f"{name}: unknown member; there are {', '.join(_MEMBERS)}"))
    for name, kind in _MEMBERS.items():
        if not isinstance(head.setdefault(name, kind()), kind):
            faults.append(Fault(place=place, sentence=f"{name}: must be {_KINDS[kind]}"))
            head[name] = kind()
    if not all(isinstance(client, str) for client in head["clients"]):
        faults.append(Fault(place=place, sentence="clients: must be a list of names"))
        head["clients"] = []
    statuses = dict(_statuses(head["versions"], versions, place, faults))
    return TemplateFiles(
        name=head["name"],
        description=head["description"],
        clients=tuple(head["clients"]),
        versions=tuple(
            VersionFiles(
                version=number,
                status=statuses.get(number, VersionStatus.DRAFT),
                words=dict(_words(files, versions[number], faults)),
                places={**versions[number], "": f"{PurePosixPath(place).parent}/v{number}"},
            )
            for number in sorted(versions)
        ),
        place=place,
    )


_KINDS = {str: "text", list: "a list of names", dict: "an object of versions and their status"}


def _statuses(
    told: Mapping[str, Any], versions: Mapping[int, Any], place: str, faults: list[Fault]
) -> Iterator[tuple[int, VersionStatus]]:
    for number, status in told.items():
        if not _VERSION.fullmatch(f"v{number}") or int(number) not in versions:
            faults.append(Fault(place=place, sentence=f"versions: there is no folder v{number[:20]}"))
        elif status not in list(VersionStatus):
            faults.append(Fault(place=place, sentence=f"versions: {number} must be one of {', '.join(VersionStatus)}"))
        else:
            yield int(number), VersionStatus(status)


def _words(files: Mapping[str, bytes], parts: Mapping[str, str], faults: list[Fault]) -> Iterator[tuple[str, Any]]:
    for part, place in parts.items():
        if part == "sample":
            yield part, _object(files[place], place, faults)
        else:
            yield part, _text(files[place], place, faults)


def _text(data: bytes, place: str, faults: list[Fault]) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        faults.append(Fault(place=place, sentence="is not UTF-8", line=data.count(b"\n", 0, error.start) + 1))
        return ""
    if text.startswith("\ufeff"):
        faults.append(Fault(place=place, sentence="begins with a byte order mark: save it as UTF-8 without one"))
        return ""
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        faults.append(Fault(place=place, sentence="must not contain NUL characters", line=line))
        return ""
    return text


def _object(data: bytes, place: str, faults: list[Fault]) -> dict[str, Any]:
    """A JSON object that every database can keep; empty where the file holds none."""
    if not (text := _text(data, place, faults)):
        return {}
    try:
        value = decode_json(data)
    except Refusal as refusal:
        # It is the house's one strict reader, and takes what it reads for a request.
        faults.append(Fault(place=place, sentence=str(refusal).replace("the body", "the file"), line=_line_of(text)))
        return {}
    if isinstance(value, dict):
        return value
    faults.append(Fault(place=place, sentence="must be an object: names and values"))
    return {}


def _line_of(text: str) -> int:
    """Where a text stops being JSON, 0 where it is JSON and refused for something else."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.lineno
    except (ValueError, RecursionError):
        return 0
    return 0


def _check_names(templates: list[TemplateFiles], faults: list[Fault]) -> None:
    seen: dict[str, str] = {}
    for template in templates:
        if not template.name.strip() or len(template.name) > 100 or not template.name.isprintable():
            faults.append(Fault(place=template.place, sentence="name: must be 1 to 100 printable characters"))
        elif template.name in seen:
            faults.append(Fault(place=template.place, sentence=f"name: {seen[template.name]} has the same"))
        seen.setdefault(template.name, template.place)


def _folder(name: str, taken: set[str]) -> str:
    """A folder that every file system can hold, told apart whatever case it makes of it."""
    folder = quote(name, safe=" ()+,=@")
    if folder.startswith(".") or folder.endswith((".", " ")):
        folder = folder.replace(".", "%2E").replace(" ", "%20")
    if len(folder) > _LONGEST_FOLDER or folder.casefold() in taken:
        folder = f"{folder[:_LONGEST_FOLDER]}~{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    return folder


def _json(value: Any, *, sort: bool = False) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=sort) + "\n").encode()
