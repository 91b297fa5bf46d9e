"""Templates from one site to another, as files: written out, and taken in as drafts that change nothing in use."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import translation

from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal
from gateway.models import ApiClient
from sending import editorial
from sending.models import Template, TemplateVersion
from sending.states import VersionStatus
from sending.template_files import PARTS, Fault, TemplateFiles, VersionFiles, read, written
from sending.templating import TemplateError, compile_template

# The parts that versions have; all of them are texts but the sample.
_PARTS = tuple(part for part in PARTS if part in editorial.WORDS)
_JINJA = ("subject", "text", "html", "list_unsubscribe")
_LONGEST = {"list_unsubscribe": 500}
_MOST_FAULTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a version of the files: ``version`` is its number here, ``told`` theirs.

    ``is_new``: it was made now, and not found to be here already; ``status`` is the one that it has now, ``doubts``
    what an editor should look at again.
    """

    template: str
    told: int
    version: int
    is_new: bool
    status: str
    doubts: tuple[str, ...] = ()

    def __str__(self) -> str:
        number = f"v{self.told}" if self.told == self.version else f"v{self.told} → v{self.version}"
        return f"{self.template} {number}: {'new' if self.is_new else 'here already'}, {self.status}"


def export(*, names: Collection[str] = ()) -> dict[str, bytes]:
    """The files of these templates, or of all, by their paths (sending.template_files); 3000 names what is not here."""
    templates = Template.objects.prefetch_related("clients", "versions").order_by("name")
    if names:
        templates = templates.filter(name__in=names)
        found = set(templates.values_list("name", flat=True))
        if missing := sorted(set(names) - found):
            raise Refusal([Problem(code=Code.NOT_FOUND, sentence=f"template {name} not found") for name in missing])
    return written((_files_of(template) for template in templates), parts=_PARTS)


def take_in(
    *,
    caller: Caller,
    files: Mapping[str, bytes],
    faults: Sequence[Fault] = (),
    enable: bool = False,
    dry_run: bool = False,
) -> list[Taken]:
    """Take in what the files hold: all of it or, with every fault of every file told at once, nothing.

    A version that says what one here says is left as that is. Any other is made a draft, under its own number where
    that is above all there are, else under the next. With ``enable``, drafts get the status that the files tell; what
    was enabled once never changes. ``faults`` were found while the files were read; ``dry_run`` only tells.
    """
    found = list(faults)
    templates = read(files, found, parts=_PARTS)
    for template in templates:
        found.extend(_faults_of(template))
    with transaction.atomic(), translation.override("en"):
        found.extend(_strangers(templates))
        if found:
            raise _refusal(found)
        taken = [one for template in templates for one in _take_template(caller, template, found, enable=enable)]
        if found:
            raise _refusal(found)
        if dry_run:
            transaction.set_rollback(True)
    return taken


def _files_of(template: Template) -> TemplateFiles:
    return TemplateFiles(
        name=template.name,
        description=template.description,
        clients=tuple(sorted(client.name for client in template.clients.all())),
        versions=tuple(
            VersionFiles(version=version.version, status=VersionStatus(version.status), words=_words_of(version))
            for version in sorted(template.versions.all(), key=lambda one: one.version)
        ),
    )


def _words_of(version: TemplateVersion) -> dict[str, Any]:
    return {part: getattr(version, part) for part in (*_PARTS, "sample")}


def _faults_of(template: TemplateFiles) -> Iterator[Fault]:
    """What keeps its versions from being letters."""
    for version in template.versions:
        words = version.words
        if not words.get("subject", "").strip():
            yield Fault(place=version.places[""], sentence=f"{PARTS['subject']}: required")
        if not words.get("text") and not words.get("html"):
            sentence = f"{PARTS['text']}: required, unless {PARTS['html']} is given"
            yield Fault(place=version.places[""], sentence=sentence)
        for part, source in words.items():
            if part in _LONGEST and len(source) > _LONGEST[part]:
                sentence = f"must be at most {_LONGEST[part]} characters"
                yield Fault(place=version.places[part], sentence=sentence)
            elif part in _JINJA:
                try:
                    compile_template(source, html=part == "html")
                except TemplateError as error:
                    yield Fault(place=version.places[part], sentence=error.sentence, line=error.line or 0)


def _take_template(caller: Caller, told: TemplateFiles, faults: list[Fault], *, enable: bool) -> Iterator[Taken]:
    template, is_new = Template.objects.select_for_update().get_or_create(
        name=told.name, defaults={"description": told.description}
    )
    if is_new:
        # Only a new one: who may use it here is this site's to say.
        template.clients.set(ApiClient.objects.filter(name__in=told.clients))
    elif template.description != told.description:
        template.description = told.description
        template.save(update_fields=["description", "updated_at"])
    pairs = _pairs(told, list(template.versions.all()))
    for version in told.versions:
        now, is_new = pairs.get(version.version), version.version not in pairs
        if now is None:
            now = editorial.create_version(
                caller=caller, template_id=template.pk, words=version.words, at_least=version.version
            )
        if enable:
            _enable(now, version, faults)
        yield Taken(
            template=told.name,
            told=version.version,
            version=now.version,
            is_new=is_new,
            status=now.status,
            doubts=_doubts(now) if is_new else (),
        )


def _pairs(told: TemplateFiles, here: list[TemplateVersion]) -> dict[int, TemplateVersion]:
    """Which version of the files is which one here: it says the same, and has its number if any does."""
    pairs: dict[int, TemplateVersion] = {}
    by_words: dict[Any, dict[int, TemplateVersion]] = {}
    for version in sorted(here, key=lambda one: -one.version):
        by_words.setdefault(_said(_words_of(version)), {})[version.version] = version
    alike = {version.version: by_words.get(_said(version.words), {}) for version in told.versions}
    for number, found in alike.items():
        if number in found:
            pairs[number] = found.pop(number)
    for number, found in alike.items():
        if number not in pairs and found:
            pairs[number] = found.pop(next(iter(found)))
    return pairs


def _strangers(templates: Sequence[TemplateFiles]) -> Iterator[Fault]:
    """Clients that templates are kept to and that are not here, for templates that are not here either."""
    here = set(Template.objects.filter(name__in=[told.name for told in templates]).values_list("name", flat=True))
    wanted = {client for told in templates for client in told.clients}
    known = set(ApiClient.objects.filter(name__in=wanted).values_list("name", flat=True))
    for told in templates:
        for client in told.clients if told.name not in here else ():
            if client not in known:
                yield Fault(place=told.place, sentence=f"clients: there is no client {client} here")


def _enable(version: TemplateVersion, told: VersionFiles, faults: list[Fault]) -> None:
    if version.status != VersionStatus.DRAFT or told.status == VersionStatus.DRAFT:
        return
    try:
        editorial.enable_version(version_id=version.pk)
    except TemplateError as error:
        faults.append(Fault(place=told.places[""], sentence=f"cannot be enabled: {error}"))
        return
    if told.status == VersionStatus.RETIRED:
        editorial.retire_version(version_id=version.pk)
    version.status = told.status


def _doubts(version: TemplateVersion) -> tuple[str, ...]:
    try:
        return tuple(editorial.doubts(version))
    except TemplateError as error:
        return (str(error),)


def _said(words: Mapping[str, Any]) -> tuple[Any, ...]:
    """Equal for versions that say the same, wherever their lines were ended by another editor."""
    texts = (words.get(part, "").replace("\r\n", "\n").replace("\r", "\n") for part in _PARTS)
    return (*texts, _frozen(words.get("sample", {})))


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return ("{}", frozenset((key, _frozen(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("[]", tuple(map(_frozen, value)))
    # As numbers are kept, 1e2 comes back as 100; a truth value is no number.
    return (isinstance(value, bool), value)


def _refusal(faults: Sequence[Fault]) -> Refusal:
    shown = [Problem(code=Code.INVALID, sentence=str(fault)) for fault in islice(faults, _MOST_FAULTS)]
    if len(faults) > _MOST_FAULTS:
        shown.append(Problem(code=Code.INVALID, sentence=f"and {len(faults) - _MOST_FAULTS} more faults"))
    return Refusal(shown)
