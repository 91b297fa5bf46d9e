"""An import as it is asked for: a file uploaded as multipart, its settings as one JSON part or as simple fields; or a
file that lies below the external root, named in a body of JSON."""

import json
import re
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from pydantic import AfterValidator, BeforeValidator, Field

from campaigns.columns import IGNORED, PROPERTY
from campaigns.csv_reading import SEPARATORS
from campaigns.intake import Order
from campaigns.reading import Body, Text, Uuid
from campaigns.recipient_v1.request import PERSON_NAMES
from campaigns.states import Duplicates
from gateway import multipart
from gateway.body import decode_json
from gateway.caller import Caller
from gateway.declared import read, wrong
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.incoming import Incoming
from gateway.multipart import Bounds, Received, at_part
from sending.mime import safe_file_name

FILE, DOCUMENT, PATH = "file", "import", "relativeFilePath"
NAMES = {
    "group_uuid": "recipientGroupId",
    "separator": "csvSeparator",
    "duplicates": "duplicationHandlingType",
    "meaning": "columns",
    "upload": FILE,
    "path": PATH,
    "file_name": "fileName",
    "checksum": "checksum",
}
_LONGEST_FIELD = 64 * 1024
_SHA_1 = re.compile(r"[0-9A-Fa-f]{40}", re.ASCII)
_TABS = ("\\t", "TAB")
MEANINGS = {outward: member for member, outward in PERSON_NAMES.items() if member not in ("properties", "group_uuid")}
MEANINGS |= {PROPERTY: PROPERTY, IGNORED: IGNORED}


def _separator(text: str) -> str:
    found = "\t" if text in _TABS else text
    if found and found not in SEPARATORS:
        raise wrong("must be one of ; , | or a tab")
    return found


def _duplicates(value: Any) -> Any:
    if value in (None, ""):
        return Duplicates.ALLOW
    if not isinstance(value, str) or value not in set(Duplicates):
        raise wrong(f"must be one of {', '.join(Duplicates)}")
    return Duplicates(value)


def _columns(value: Any) -> dict[str, str]:
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = 0
    if value in (None, ""):
        return {}
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise wrong('must be an object as {"E-mail cím": "emailAddress"}')
    if unknown := [name for name, meaning in value.items() if meaning not in MEANINGS]:
        raise wrong(f"{unknown[0][:100]} must be one of {', '.join(filter(None, MEANINGS))} or empty")
    return {name: MEANINGS[meaning] for name, meaning in value.items()}


def _checksum(text: str) -> str:
    if text and not _SHA_1.fullmatch(text):
        raise wrong("must be a SHA-1 in hex")
    return text.lower()


def _flag(value: Any) -> Any:
    text = value.lower() if isinstance(value, str) else value
    if text in ("true", "false", "", None):
        return text == "true"
    return value


def _file_name(text: str) -> str:
    return safe_file_name(text) if text else ""


class ImportRequest(Body):
    """What is asked of an import."""

    group_uuid: Uuid = Field(alias="recipientGroupId")
    separator: Annotated[Text, AfterValidator(_separator)] = Field("", alias="csvSeparator")
    duplicates: Annotated[Duplicates, BeforeValidator(_duplicates)] = Field(
        Duplicates.ALLOW, alias="duplicationHandlingType"
    )
    columns: Annotated[dict[str, str], BeforeValidator(_columns)] = {}
    checksum: Annotated[Text, AfterValidator(_checksum)] = ""
    file_name: Annotated[Text, AfterValidator(_file_name)] = Field("", alias="fileName")
    relative_file_path: Text = Field("", alias="relativeFilePath")
    dry_run: Annotated[bool, BeforeValidator(_flag), Field(strict=True)] = Field(False, alias="dryRun")


_FIELDS = tuple(field.alias or name for name, field in ImportRequest.model_fields.items())


def receive(request: HttpRequest, incoming: Incoming, *, caller: Caller) -> tuple[Received, dict[str, Any]]:
    """Read a multipart request, its file into ``incoming``: what came, and what is asked as plain data. Raises Refusal
    for what is too much, or cannot be read or kept."""
    most = settings.HAMMY_MAX_UPLOAD_BYTES
    most = most if caller.max_upload_bytes is None else min(most, caller.max_upload_bytes)
    bounds = Bounds(request=most, upload=most, held=_LONGEST_FIELD, parts=len(_FIELDS) + 2)
    received = multipart.read(request, incoming, held=DOCUMENT, bounds=bounds)
    problems = list(received.problems)
    data: dict[str, Any] = {}
    if received.held is not None:
        try:
            data = _document(received.held.content)
        except Refusal as refusal:
            # What stands at no member of the document stands at the part.
            problems += [one if one.field else at_part(one.code, one.sentence, DOCUMENT) for one in refusal.problems]
    for name, stored in received.uploads.items():
        if name == FILE or not stored.path:
            continue
        if name == PATH:
            problems.append(at_part(Code.EXCLUSIVE, f"not together with the part {FILE}", name))
        elif name not in _FIELDS:
            problems.append(at_part(Code.UNKNOWN_FIELD, "unknown field", name))
        elif name in data:
            problems.append(at_part(Code.EXCLUSIVE, f"is given in the part {DOCUMENT} too", name))
        elif stored.size > _LONGEST_FIELD:
            problems.append(at_part(Code.INVALID, f"is larger than {_LONGEST_FIELD} bytes", name))
        else:
            data[name] = (
                Path(stored.path).read_bytes().decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
            )
    if FILE not in received.uploads:
        problems.append(at_part(Code.REQUIRED, "required: the part with the file", FILE))
    if problems:
        raise Refusal(problems)
    return received, data


def _document(content: bytes) -> dict[str, Any]:
    body = decode_json(content)
    resource = body.get("data", body) if isinstance(body, dict) else body
    data = resource.get("attributes", {}) if isinstance(resource, dict) and resource is not body else resource
    if not isinstance(data, dict):
        raise refuse(Code.MALFORMED, "must be a JSON object", DOCUMENT)
    return dict(data)


def read_order(data: dict[str, Any], received: Received | None = None) -> tuple[Order, bool]:
    """The import that is asked for, and whether only to look; raises Refusal with every problem (1001 to 1004)."""
    problems: list[Problem] = []
    if received is None and not data.get(PATH):
        problems.append(Problem(code=Code.REQUIRED, sentence="required where no file is uploaded", field=(PATH,)))
    if received is not None and data.get(PATH):
        problems.append(Problem(code=Code.EXCLUSIVE, sentence=f"not together with the part {FILE}", field=(PATH,)))
    try:
        asked = read(ImportRequest, data)
    except Refusal as refusal:
        raise Refusal([*refusal.problems, *problems]) from refusal
    if problems:
        raise Refusal(problems)
    name = asked.file_name
    if received is not None and not name:
        name = _file_name(received.file_names.get(FILE, ""))
    order = Order(
        group_uuid=UUID(str(asked.group_uuid)),
        upload=received.uploads[FILE] if received else None,
        path=asked.relative_file_path,
        file_name=name,
        separator=asked.separator,
        duplicates=asked.duplicates,
        checksum=asked.checksum,
        meaning=asked.columns,
    )
    return order, asked.dry_run
