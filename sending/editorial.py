"""What editors do with templates: write versions, enable and retire them, suspend a template and let it go on."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext

from gateway.caller import Caller
from gateway.errors import Code, not_found, refuse
from jobs import services as job_services
from jobs.models import Job
from sending import layouts, queue, services
from sending.models import Message, MessageEvent, Template, TemplateVersion
from sending.models.message import MessageQuerySet
from sending.previewing import sample_data
from sending.rendering import KNOWN_NAMES, compile_version
from sending.states import HeldFor, Status, TemplateStatus, VersionStatus
from sending.templating import TemplateError, check_source

WORDS = ("subject", "text", "html", "list_unsubscribe", "letter", "sample")
# Those of them that are Jinja2.
_TEMPLATES = ("subject", "text", "html", "list_unsubscribe")
# The job that lets go what an enabled template held, and its parameters (contract job_v1, "Job classes").
RELEASE_JOB = "hu.dbx.hammy.processor.suspend.SuspendRequestHandlerJobRunner"
RELEASE_TEMPLATE, RELEASE_REASON = "templates.suspended_to_enabled", "REASON"
# One transaction of a suspension or a release: a template may have a million letters waiting.
_BATCH = 1000
_LOOK = 50_000


def create_version(*, caller: Caller, template_id: int, words: Mapping[str, Any], at_least: int = 1) -> TemplateVersion:
    """The template's next version, a draft that says ``words`` (by the names of WORDS), numbered ``at_least`` so."""
    with transaction.atomic():
        template = _locked_template(template_id)
        last = template.versions.aggregate(last=Max("version"))["last"] or 0
        return TemplateVersion.objects.create(
            template=template,
            version=max(last + 1, at_least),
            status=VersionStatus.DRAFT,
            author=caller.user_name,
            **{name: words[name] for name in WORDS if name in words},
        )


def edit_draft(*, caller: Caller, version_id: int, words: Mapping[str, Any]) -> TemplateVersion:
    """The same draft saying ``words``; 3001 for a version that was enabled once."""
    with transaction.atomic():
        version = _locked_version(version_id)
        _require(version, VersionStatus.DRAFT)
        for name in WORDS:
            if name in words:
                setattr(version, name, words[name])
        version.author = caller.user_name
        version.save(update_fields=[*WORDS, "author"])
    return version


def discard_draft(*, version_id: int) -> None:
    """Forget a draft; 3001 for a version that was enabled once."""
    with transaction.atomic():
        version = _locked_version(version_id)
        _require(version, VersionStatus.DRAFT)
        version.delete()


def enable_version(*, version_id: int) -> None:
    """Let letters use a draft, which never changes again. Raises TemplateError when it does not compile, or its letter
    layout cannot be set with the sample data.

    Versions enabled before stay so, for clients that ask for them by number; the newest is the default.
    """
    # Outside the transaction: setting a letter takes its time.
    drafts = TemplateVersion.objects.filter(pk=version_id, status=VersionStatus.DRAFT).exclude(letter="")
    checked = drafts.first()
    if checked is not None:
        layouts.check(checked, sample_data(checked.sample))
    with transaction.atomic():
        version = _locked_version(version_id)
        _require(version, VersionStatus.DRAFT)
        compile_version(version)
        if version.letter != (checked.letter if checked else ""):
            raise refuse(Code.STATE_CONFLICT, f"version {version.version} was edited at this moment: look at it again")
        _set_status(version, VersionStatus.ENABLED)


def retire_version(*, version_id: int) -> None:
    """Take no new letters with a version; what was accepted with it still goes out."""
    with transaction.atomic():
        version = _locked_version(version_id)
        _require(version, VersionStatus.ENABLED)
        _set_status(version, VersionStatus.RETIRED)


def suspend_template(*, caller: Caller, template_id: int, reason: str) -> int:
    """Take letters of a template but hold them, those that wait already too; how many of those."""
    _change_template(template_id, TemplateStatus.SUSPENDED, from_=TemplateStatus.ENABLED)
    letters = _letters_of(template_id)
    # What waits for its time would otherwise go out when it comes.
    _hold_timed(letters, reason=reason, actor=caller.actor)
    count = 0
    while moved := queue.move(
        _some(letters.filter(status=Status.ACCEPTED)),
        Status.HELD,
        reason=reason,
        actor=caller.actor,
        held_for=HeldFor.TEMPLATE,
    ):
        count += len(moved)
    return count


def enable_template(*, caller: Caller, template_id: int, reason: str) -> Job | None:
    """Take letters of a template again; the job that lets go those it held, None when it held none."""
    with transaction.atomic():
        template = _change_template(
            template_id,
            TemplateStatus.ENABLED,
            from_=(TemplateStatus.SUSPENDED, TemplateStatus.DISABLED, TemplateStatus.ARCHIVED),
        )
        if not held_for(template).exists():
            return None
        params = [(RELEASE_TEMPLATE, template.name), (RELEASE_REASON, reason)]
        return job_services.submit(caller=caller, job_class=RELEASE_JOB, params=params)


def held_for(template: Template) -> MessageQuerySet:
    """The letters that wait for this template to be enabled."""
    return _letters_of(template.pk).filter(status=Status.HELD, held_for=HeldFor.TEMPLATE)


def held_ids(template: Template) -> list[int]:
    """Some of the letters that wait for this template, as many as are worth one look; none when none is left."""
    # In no order: to find the first by one, each look would read all that wait.
    return sorted(held_for(template).order_by().values_list("id", flat=True)[:_LOOK])


def release_held(template: Template, message_ids: Sequence[int], *, reason: str, actor: str) -> int:
    """Let go those of these letters of an enabled template that are still held for it, in the caller's transaction; how
    many. Raises 3001 when the template is not enabled, or not any more: its letters stay held."""
    # Locked, so that whoever suspends it now waits, and then finds what was let go here.
    now_as = Template.objects.select_for_update(no_key=True).get(pk=template.pk).status
    if now_as != TemplateStatus.ENABLED:
        raise refuse(Code.STATE_CONFLICT, f"the template {template.name} is {now_as}: its letters stay held")
    moved = _release(message_ids, reason=reason, actor=actor)
    services.wake_channels(Message.objects.filter(id__in=moved))
    return len(moved)


def release_forgotten() -> int:
    """Let go what is held for a template that is enabled again: letters that were just being taken when it was
    enabled. How many."""
    enabled = Message.objects.filter(
        template_version__template__status=TemplateStatus.ENABLED, status=Status.HELD, held_for=HeldFor.TEMPLATE
    )
    count = 0
    while ids := list(enabled.order_by().values_list("id", flat=True)[:_BATCH]):
        count += len(_release(ids, reason="the template is enabled", actor=""))
    return count


def _release(message_ids: Sequence[int], *, reason: str, actor: str) -> list[int]:
    """Let go these letters; the ids of those that were still held for their template."""
    now = timezone.now()
    # By ids alone: asked for the template as well, the database looks at all that it holds each time.
    held = Message.objects.filter(id__in=message_ids, held_for=HeldFor.TEMPLATE)
    with transaction.atomic():
        # A letter whose SEND_AT is still ahead keeps it: it is due then and not before.
        later = queue.move(held.filter(due_at__gt=now), Status.ACCEPTED, reason=reason, actor=actor)
        due = queue.move(held, Status.ACCEPTED, reason=reason, actor=actor, due_at=now)
    return [*later, *due]


def disable_template(*, template_id: int) -> None:
    """Refuse new letters of a template; what it holds stays held until it is enabled."""
    _change_template(
        template_id,
        TemplateStatus.DISABLED,
        from_=(TemplateStatus.ENABLED, TemplateStatus.SUSPENDED, TemplateStatus.ARCHIVED),
    )


def archive_template(*, template_id: int) -> None:
    """Put a template away: it refuses letters and leaves the editors' list."""
    _change_template(
        template_id,
        TemplateStatus.ARCHIVED,
        from_=(TemplateStatus.ENABLED, TemplateStatus.SUSPENDED, TemplateStatus.DISABLED),
    )


def doubts(version: TemplateVersion) -> list[str]:
    """What an editor should look at again: names no letter has, and what the sample lacks; raises TemplateSyntax."""
    found = [
        f"{part}: {sentence}"
        for part in _TEMPLATES
        for sentence in check_source(getattr(version, part), html=part == "html", known_names=KNOWN_NAMES)
    ]
    missing = compile_version(version).missing(sample_data(version.sample))
    if version.letter and not missing:
        try:
            layouts.check(version, sample_data(version.sample))
        except TemplateError as error:
            found.append(str(error))
    return [*found, *(gettext("the sample lacks %(name)s") % {"name": name} for name in missing)]


def _locked_template(template_id: int) -> Template:
    template = Template.objects.select_for_update().filter(pk=template_id).first()
    if template is None:
        raise not_found(f"template {template_id}")
    return template


def _locked_version(version_id: int) -> TemplateVersion:
    version = TemplateVersion.objects.select_for_update(of=("self",)).filter(pk=version_id).first()
    if version is None:
        raise not_found(f"template version {version_id}")
    return version


def _require(version: TemplateVersion, status: VersionStatus) -> None:
    if version.status != status:
        raise refuse(Code.STATE_CONFLICT, f"version {version.version} is {version.status}, not {status}")


def _set_status(version: TemplateVersion, status: VersionStatus) -> None:
    version.status = status
    version.save(update_fields=["status"])


def _change_template(
    template_id: int, to: TemplateStatus, *, from_: TemplateStatus | tuple[TemplateStatus, ...]
) -> Template:
    allowed = (from_,) if isinstance(from_, TemplateStatus) else from_
    with transaction.atomic():
        template = _locked_template(template_id)
        if template.status not in allowed:
            raise refuse(Code.STATE_CONFLICT, f"the template is {template.status}: it cannot become {to}")
        template.status = to
        template.save(update_fields=["status", "updated_at"])
    return template


def _letters_of(template_id: int) -> MessageQuerySet:
    versions = TemplateVersion.objects.filter(template=template_id).values_list("id", flat=True)
    return Message.objects.filter(template_version__in=list(versions))


def _some(messages: MessageQuerySet) -> MessageQuerySet:
    return messages.filter(id__in=list(messages.order_by("due_at").values_list("id", flat=True)[:_BATCH]))


def _hold_timed(letters: MessageQuerySet, *, reason: str, actor: str) -> None:
    """Letters held for their time become held for the template: the status stays, so it is no move but an event."""
    timed = letters.filter(status=Status.HELD, held_for=HeldFor.TIME)
    while ids := list(timed.order_by("due_at").values_list("id", flat=True)[:_BATCH]):
        now = timezone.now()
        with transaction.atomic():
            locked = Message.objects.filter(id__in=ids, status=Status.HELD, held_for=HeldFor.TIME).select_for_update()
            still = list(locked.values_list("id", flat=True))
            Message.objects.filter(id__in=still).update(held_for=HeldFor.TEMPLATE, reason=reason, updated_at=now)
            MessageEvent.objects.bulk_create(
                MessageEvent(message_id=pk, created_at=now, name=Status.HELD, reason=reason, actor=actor)
                for pk in still
            )
