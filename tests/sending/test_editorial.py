"""What editors may do with templates, and what that does to letters."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from gateway.caller import Caller
from gateway.errors import Code, Refusal
from jobs.models import Job
from sending import editorial, services
from sending.letter import Property
from sending.models import Message, MessageEvent, Template, TemplateVersion
from sending.states import HeldFor, TemplateStatus
from sending.templating import TemplateSyntax
from tests.factories import make_caller
from tests.sending.factories import a_letter, event_names, make_template, submitted

pytestmark = pytest.mark.django_db
EDITOR = Caller.house("szerkeszto")
WORDS = {"subject": "Tárgy", "text": "Szöveg", "html": "", "list_unsubscribe": "", "sample": {"recipientName": "Elek"}}


def _template() -> Template:
    return Template.objects.create(name="LEVEL")


def _draft(template: Template | None = None) -> TemplateVersion:
    return editorial.create_version(caller=EDITOR, template_id=(template or _template()).pk, words=WORDS)


def _typed(caller=None, **overrides) -> Message:
    data = {
        "message_type": "TEST.MAIL",
        "mail_subject": "",
        "mail_body": "",
        "properties": (Property(key="AZON", value="1"),),
    }
    return submitted(caller or make_caller(), **data | overrides)


def test_versions_are_counted_on_and_begin_as_drafts() -> None:
    template = _template()
    first, second = _draft(template), _draft(template)
    assert [(v.version, v.status, v.author, v.subject) for v in (first, second)] == [
        (1, "DRAFT", "szerkeszto", "Tárgy"),
        (2, "DRAFT", "szerkeszto", "Tárgy"),
    ]


def test_a_draft_is_edited_and_discarded() -> None:
    version = _draft()
    editorial.edit_draft(caller=Caller.house("masik"), version_id=version.pk, words=WORDS | {"text": "Új"})
    version.refresh_from_db()
    assert (version.text, version.author) == ("Új", "masik")
    editorial.discard_draft(version_id=version.pk)
    assert not TemplateVersion.objects.exists()


def test_what_was_enabled_once_never_changes() -> None:
    version = _draft()
    editorial.enable_version(version_id=version.pk)
    for retire in (False, True):
        if retire:
            editorial.retire_version(version_id=version.pk)
        with pytest.raises(Refusal) as refused:
            editorial.edit_draft(caller=EDITOR, version_id=version.pk, words=WORDS | {"text": "Új"})
        assert refused.value.code == Code.STATE_CONFLICT
        with pytest.raises(Refusal):
            editorial.discard_draft(version_id=version.pk)
        with pytest.raises(Refusal):
            editorial.enable_version(version_id=version.pk)
    assert TemplateVersion.objects.get().text == "Szöveg"


def test_the_newest_enabled_version_is_the_default_and_older_ones_serve_by_number() -> None:
    template = _template()
    first, second = _draft(template), _draft(template)
    editorial.enable_version(version_id=first.pk)
    editorial.enable_version(version_id=second.pk)
    caller = make_caller()
    assert _typed(caller, message_type="LEVEL").template_version == second
    assert _typed(caller, message_type="LEVEL", message_type_version=1).template_version == first
    editorial.retire_version(version_id=second.pk)
    assert _typed(caller, message_type="LEVEL").template_version == first


def test_a_version_that_does_not_compile_is_not_enabled() -> None:
    version = editorial.create_version(caller=EDITOR, template_id=_template().pk, words=WORDS | {"text": "a\n{% if %}"})
    with pytest.raises(TemplateSyntax, match="Line 2"):
        editorial.enable_version(version_id=version.pk)
    version.refresh_from_db()
    assert version.status == "DRAFT"


def test_an_editor_is_told_of_unknown_names_and_what_the_sample_lacks() -> None:
    words = WORDS | {"text": '{{ recipientName }}\n{{ nincs }} {{ properties["K"] }}'}
    version = editorial.create_version(caller=EDITOR, template_id=_template().pk, words=words)
    with translation.override("en"):
        assert editorial.doubts(version) == [
            "text: Line 2: nincs is not known",
            "the sample lacks nincs",
            'the sample lacks properties["K"]',
        ]


def test_r14_suspending_a_template_holds_what_waits_and_what_comes() -> None:
    version = make_template()
    caller = make_caller()
    waiting, timed = _typed(caller), _typed(caller, send_at=timezone.now() + timedelta(hours=1))
    other = submitted(caller)
    failed = _typed(caller)
    Message.objects.filter(pk=failed.pk).update(status="FAILED", closed_at=timezone.now(), due_at=None)
    assert editorial.suspend_template(caller=EDITOR, template_id=version.template_id, reason="hibás szöveg") == 1
    late = _typed(caller)
    states = dict(Message.objects.values_list("pk", "status"))
    assert states == {waiting.pk: "HELD", timed.pk: "HELD", other.pk: "ACCEPTED", failed.pk: "FAILED", late.pk: "HELD"}
    assert set(Message.objects.filter(status="HELD").values_list("held_for", flat=True)) == {HeldFor.TEMPLATE}
    event = MessageEvent.objects.filter(message=waiting).latest("id")
    assert (event.name, event.reason, event.actor) == ("HELD", "hibás szöveg", "szerkeszto")
    assert event_names(timed) == ["HELD", "HELD"]


def test_r14_enabling_it_again_leaves_releasing_to_a_job_that_knows_why_and_by_whom() -> None:
    version = make_template()
    held = _typed()
    editorial.suspend_template(caller=EDITOR, template_id=version.template_id, reason="hibás")
    job = editorial.enable_template(caller=EDITOR, template_id=version.template_id, reason="javítva")
    assert job is not None
    assert (job.job_class, job.status, job.user_name) == (editorial.RELEASE_JOB, "NEW", "szerkeszto")
    assert job.params == [["templates.suspended_to_enabled", "TEST.MAIL"], ["REASON", "javítva"]]
    assert event_names(held) == ["ACCEPTED", "HELD"]


def test_enabling_a_template_that_holds_nothing_starts_no_job() -> None:
    version = make_template()
    by_hand = _typed()
    services.hold(caller=EDITOR, message_ids=[by_hand.pk], reason="kézzel")
    editorial.suspend_template(caller=EDITOR, template_id=version.template_id, reason="r")
    assert editorial.enable_template(caller=EDITOR, template_id=version.template_id, reason="r") is None
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        (TemplateStatus.ENABLED, {"suspend", "disable", "archive"}),
        (TemplateStatus.SUSPENDED, {"enable", "disable", "archive"}),
        (TemplateStatus.DISABLED, {"enable", "archive"}),
        (TemplateStatus.ARCHIVED, {"enable", "disable"}),
    ],
)
def test_a_template_changes_only_along_these_ways(status: TemplateStatus, allowed: set[str]) -> None:
    ways = {
        "enable": (lambda pk: editorial.enable_template(caller=EDITOR, template_id=pk, reason="r"), "ENABLED"),
        "suspend": (lambda pk: editorial.suspend_template(caller=EDITOR, template_id=pk, reason="r"), "SUSPENDED"),
        "disable": (lambda pk: editorial.disable_template(template_id=pk), "DISABLED"),
        "archive": (lambda pk: editorial.archive_template(template_id=pk), "ARCHIVED"),
    }
    for verb, (change, after) in ways.items():
        template = Template.objects.create(name=f"{verb}", status=status)
        if verb in allowed:
            change(template.pk)
        else:
            with pytest.raises(Refusal, match=f"the template is {status}"):
                change(template.pk)
        template.refresh_from_db()
        assert template.status == (after if verb in allowed else status)


def test_a_disabled_template_refuses_letters_and_keeps_what_it_held() -> None:
    version = make_template()
    held = _typed()
    editorial.suspend_template(caller=EDITOR, template_id=version.template_id, reason="r")
    editorial.disable_template(template_id=version.template_id)
    with pytest.raises(Refusal, match="disabled"):
        services.submit(caller=make_caller(), letter=a_letter(message_type="TEST.MAIL", mail_subject="", mail_body=""))
    held.refresh_from_db()
    assert held.status == "HELD"


@pytest.mark.parametrize(
    "call",
    [
        lambda: editorial.create_version(caller=EDITOR, template_id=9, words=WORDS),
        lambda: editorial.enable_version(version_id=9),
        lambda: editorial.archive_template(template_id=9),
    ],
)
def test_what_is_not_there_is_not_found(call) -> None:
    with pytest.raises(Refusal) as refused:
        call()
    assert refused.value.code == Code.NOT_FOUND
