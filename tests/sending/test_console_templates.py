"""The console's pages of templates and their versions."""

import json

import pytest

from jobs.models import Job
from sending.models import Message, Template, TemplateVersion
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.sending.factories import make_template, submitted

pytestmark = pytest.mark.django_db
TEMPLATES = "/admin/sending/template/"
VERSIONS = "/admin/sending/templateversion/"


def _words(template: Template, **overrides: str) -> dict[str, object]:
    return {
        "template": template.pk,
        "subject": "Kedves {{ recipientName }}!",
        "text": "Szöveg",
        "html": "<p>{{ recipientName }}</p>",
        "list_unsubscribe": "",
        "sample": json.dumps({"recipientName": "<Elek>"}),
    } | overrides


def _draft(**overrides) -> TemplateVersion:
    return make_template(status="DRAFT", **overrides)


def test_an_editor_makes_a_template_and_its_first_version() -> None:
    client = client_of("Template editor")
    assert client.post(f"{TEMPLATES}add/", {"name": "UJ.LEVEL", "description": ""}).status_code == 302
    template = Template.objects.get()
    assert (template.name, template.status) == ("UJ.LEVEL", "ENABLED")
    response = client.post(f"{VERSIONS}add/?template={template.pk}", _words(template))
    version = TemplateVersion.objects.get()
    assert response["Location"] == f"{VERSIONS}{version.pk}/preview/"
    assert (version.template, version.version, version.status) == (template, 1, "DRAFT")
    assert version.author == client.get(TEMPLATES).wsgi_request.user.username
    page = client.get(f"{TEMPLATES}{template.pk}/change/").content.decode()
    assert f'href="{VERSIONS}{version.pk}/change/"' in page
    assert f"{VERSIONS}add/?template={template.pk}" in page


def test_a_new_version_begins_with_an_older_ones_words() -> None:
    old = make_template(subject="Első")
    make_template(subject="Második")
    client = client_of("Template editor")
    assert 'value="Első"' in client.get(f"{VERSIONS}add/?from={old.pk}").content.decode()
    assert 'value="Második"' in client.get(f"{VERSIONS}add/?template={old.template_id}").content.decode()


@pytest.mark.parametrize(
    ("field", "source", "words"),
    [
        ("text", "jó\n{% if %}", "Line 2:"),
        ("html", "{{ x.__class__ }}", "cannot be reached"),
        ("subject", "{{ ", "Line 1:"),
        ("list_unsubscribe", "{% include 'x' %}", "not offered"),
        ("sample", "[1]", "names and values"),
        ("sample", "{", "JSON"),
        ("sample", '{"a":' * 100_000 + "1" + "}" * 100_000, "JSON"),
        ("sample", '{"a": 1e400}', "JSON"),
        ("sample", '{"a": "\\u0000"}', "JSON"),
    ],
)
def test_a_draft_that_cannot_work_is_not_saved_and_says_where(field: str, source: str, words: str) -> None:
    version = _draft()
    response = client_of("Template editor").post(
        f"{VERSIONS}{version.pk}/change/", _words(version.template, **{field: source})
    )
    assert response.status_code == 200
    assert words in " ".join(response.context["adminform"].form.errors[field])
    assert TemplateVersion.objects.get().subject == version.subject


def test_a_letter_needs_a_body() -> None:
    version = _draft()
    response = client_of("Template editor").post(
        f"{VERSIONS}{version.pk}/change/", _words(version.template, text="", html="")
    )
    assert response.context["adminform"].form.errors["text"] == ["A letter needs a text, an HTML body or both."]


def test_unknown_names_are_warned_of_when_a_draft_is_saved() -> None:
    version = _draft()
    response = client_of("Template editor").post(
        f"{VERSIONS}{version.pk}/change/", _words(version.template, text="{{ nincs }}"), follow=True
    )
    page = response.content.decode()
    assert "text: Line 1: nincs is not known" in page
    assert "the sample lacks nincs" in page


def test_a_preview_shows_the_sample_as_a_letter_would_be() -> None:
    version = _draft(
        html="<p>{{ recipientName }}</p>", text="T: {{ recipientName }}", sample={"recipientName": "<Elek>"}
    )
    client = client_of("Viewer")
    page = client.get(f"{VERSIONS}{version.pk}/preview/").content.decode()
    assert "Kedves &lt;Elek&gt;!" in page
    assert "T: &lt;Elek&gt;" in page
    address = f"{VERSIONS}{version.pk}/preview/html/"
    assert f'sandbox="" referrerpolicy="no-referrer" loading="lazy" title="HTML" src="{address}"' in page
    frame = client.get(address)
    assert frame.content == b"<p>&lt;Elek&gt;</p>"
    assert frame["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_a_preview_that_fails_says_why() -> None:
    version = _draft(text="{{ properties['K'] }}")
    page = client_of("Viewer").get(f"{VERSIONS}{version.pk}/preview/").content.decode()
    assert "is missing" in page
    assert client_of("Viewer").get(f"{VERSIONS}{version.pk}/preview/html/").content == b""


def test_what_was_enabled_is_shown_and_not_edited() -> None:
    version = make_template()
    client = client_of("Template editor")
    assert client.get(f"{VERSIONS}{version.pk}/change/").status_code == 200
    response = client.post(f"{VERSIONS}{version.pk}/change/", _words(version.template, subject="Más"))
    assert response.status_code == 403
    assert client.post(f"{VERSIONS}{version.pk}/delete/", {"post": "yes"}).status_code == 403
    assert TemplateVersion.objects.get().subject == version.subject


def test_a_draft_is_discarded() -> None:
    version = _draft()
    client = client_of("Template editor")
    assert client.post(f"{VERSIONS}{version.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not TemplateVersion.objects.exists()


@pytest.mark.parametrize(
    ("verb", "before", "after"), [("enable", "DRAFT", "ENABLED"), ("retire", "ENABLED", "RETIRED")]
)
def test_a_version_is_enabled_and_retired_with_a_reason(verb: str, before: str, after: str) -> None:
    version = make_template(status=before)
    client = client_of("Template editor")
    address = f"{VERSIONS}{version.pk}/{verb}/"
    assert "Reason" in client.get(address).content.decode()
    client.post(address, {"reason": ""})
    version.refresh_from_db()
    assert version.status == before
    assert client.post(address, {"reason": "kész"})["Location"] == f"{TEMPLATES}{version.template_id}/change/"
    version.refresh_from_db()
    assert (version.status, trail()) == (after, [(str(version.pk), f"{verb}: kész")])
    assert client.post(address, {"reason": "újra"}).status_code == 409


def test_a_version_that_does_not_compile_is_not_enabled() -> None:
    version = _draft(text="{% if %}")
    response = client_of("Template editor").post(f"{VERSIONS}{version.pk}/enable/", {"reason": "kész"})
    assert response.status_code == 409
    assert "Line 1" in response.content.decode()
    version.refresh_from_db()
    assert (version.status, trail()) == ("DRAFT", [])


def test_a_template_is_suspended_and_enabled_with_a_reason() -> None:
    version = make_template(text="x")
    message = submitted(message_type="TEST.MAIL", mail_subject="", mail_body="")
    client = client_of("Template editor")
    address = f"{TEMPLATES}{version.template_id}/status/"
    assert "held" in client.get(f"{address}suspend/").content.decode()
    said = []
    for verb in ("suspend", "enable"):
        page = client.post(f"{address}{verb}/", {"reason": "ok"}, follow=True)
        said += [str(notice) for notice in page.context["messages"]]
        message.refresh_from_db()
        # A job lets it go (tests/sending/test_job_classes.py).
        assert (Template.objects.get().status, message.status) == (f"{verb.upper()}ED".replace("EE", "E"), "HELD")
    assert said == [
        "TEST.MAIL: Suspended. Messages held: 1.",
        f"TEST.MAIL: Enabled. Job {Job.objects.get().pk} lets go the messages it held.",
    ]
    assert trail() == [(str(version.template_id), "suspend: ok"), (str(version.template_id), "enable: ok")]
    assert client.post(f"{address}nonsense/", {"reason": "x"}).status_code == 404


def test_s33_templates_are_changed_by_editors_alone() -> None:
    version = _draft()
    before = TemplateVersion.objects.values().get()
    for client in (client_of("Viewer"), client_of("Operator")):
        assert client.get(TEMPLATES).status_code == 200
        assert client.post(f"{TEMPLATES}add/", {"name": "X"}).status_code == 403
        assert client.post(f"{VERSIONS}add/", _words(version.template)).status_code == 403
        assert client.post(f"{VERSIONS}{version.pk}/change/", _words(version.template)).status_code == 403
        assert client.post(f"{VERSIONS}{version.pk}/enable/", {"reason": "x"}).status_code == 403
        assert client.post(f"{TEMPLATES}{version.template_id}/status/disable/", {"reason": "x"}).status_code == 403
        assert client.post(f"{VERSIONS}{version.pk}/delete/", {"post": "yes"}).status_code == 403
    stranger = client_of()
    for address in (TEMPLATES, VERSIONS, f"{VERSIONS}{version.pk}/preview/", f"{VERSIONS}{version.pk}/preview/html/"):
        assert stranger.get(address).status_code == 403
    assert (TemplateVersion.objects.values().get(), Template.objects.get().status, trail()) == (before, "ENABLED", [])


def test_an_archived_template_leaves_the_list_and_is_found_by_name() -> None:
    make_template()
    Template.objects.update(status="ARCHIVED")
    client = client_of("Viewer")
    assert client.get(TEMPLATES).context["cl"].result_count == 0
    assert client.get(f"{TEMPLATES}?q=TEST").context["cl"].result_count == 1
    assert not Message.objects.exists()
