"""The console's pages of one version: as each channel would send it, and beside another."""

from email import message_from_bytes, policy

import pytest

from sending.admin.differences import MOST_LINES, Line, lines_between
from sending.models import TemplateVersion
from tests.console import client_of, plain_pages  # noqa: F401
from tests.sending.factories import make_template

pytestmark = pytest.mark.django_db
VERSIONS = "/admin/sending/templateversion/"
SAMPLE = {
    "recipientName": "Teszt <Elek>",
    "recipientEmailAddress": "elek@example.com",
    "fromAddress": "iroda@example.org",
    "fromName": "Iroda",
    "properties": {"AZON": "7"},
}


def _mail(version: TemplateVersion):
    response = client_of("Viewer").get(f"{VERSIONS}{version.pk}/preview/EMAIL/download/")
    assert response.status_code == 200
    return response, message_from_bytes(response.getvalue(), policy=policy.default)


def test_a_preview_is_the_very_mail_that_would_go_out() -> None:
    version = make_template(
        status="DRAFT", html="<p>{{ recipientName }}</p>", sample=SAMPLE, list_unsubscribe="mailto:le@example.org"
    )
    response, mail = _mail(version)
    assert (response["Content-Type"], response["X-Content-Type-Options"]) == ("application/octet-stream", "nosniff")
    assert {name: mail[name] for name in ("From", "To", "Subject", "List-Unsubscribe")} == {
        "From": "Iroda <iroda@example.org>",
        "To": '"Teszt <Elek>" <elek@example.com>',
        "Subject": "Kedves Teszt <Elek>!",
        "List-Unsubscribe": "<mailto:le@example.org>",
    }
    assert mail["Message-ID"].startswith("<00000000-0000-0000-0000-000000000000@")
    text, html = mail.iter_parts()
    assert (text.get_content().strip(), html.get_content().strip()) == (
        "Szerződés: 7", "<p>Teszt &lt;Elek&gt;</p>",
    )  # fmt: skip
    page = client_of("Viewer").get(f"{VERSIONS}{version.pk}/preview/EMAIL/").content.decode()
    assert "To: &quot;Teszt &lt;Elek&gt;&quot; &lt;elek@example.com&gt;" in page


def test_a_printed_letter_is_shown_page_by_page() -> None:
    version = make_template(status="DRAFT", sample=SAMPLE | {"recipientPostalAddress": "1011 Budapest, Fő utca 1."})
    client = client_of("Viewer")
    address = f"{VERSIONS}{version.pk}/preview/POST/"
    page = client.get(address).content.decode()
    assert f'src="{address}pages/1/"' in page
    assert f'src="{address}pages/2/"' not in page
    picture = client.get(f"{address}pages/1/")
    assert (picture["Content-Type"], picture.content[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    document = client.get(f"{address}download/")
    assert 'filename="TEST.MAIL v1.pdf"' in document["Content-Disposition"]
    assert document.getvalue().startswith(b"%PDF-")
    for missing in (f"{address}pages/2/", f"{address}pages/0/", f"{VERSIONS}{version.pk}/preview/EMAIL/pages/1/"):
        assert client.get(missing).status_code == 404


def test_a_layout_that_cannot_be_set_says_why_in_the_preview() -> None:
    version = make_template(status="DRAFT", sample=SAMPLE, letter="#nincs")
    client = client_of("Viewer")
    assert "letter layout: " in client.get(f"{VERSIONS}{version.pk}/preview/POST/").content.decode()
    for page in ("pages/1/", "download/"):
        assert client.get(f"{VERSIONS}{version.pk}/preview/POST/{page}").status_code == 404


def test_a_sample_that_names_nobody_is_sent_to_an_example_from_the_site(settings) -> None:
    settings.HAMMY_FROM_ADDRESS, settings.HAMMY_FROM_NAME = "site@example.org", "A ház"
    version = make_template(status="DRAFT", subject="S", text="T", sample={"recipientName": ["no", "text"]})
    _, mail = _mail(version)
    assert (mail["From"], mail["To"]) == ("A ház <site@example.org>", "recipient@example.com")


@pytest.mark.parametrize(
    ("sample", "text", "words"),
    [
        ({"recipientEmailAddress": "senki"}, "x", "not a valid e-mail address"),
        ({}, "{{ properties['K'] }}", "is missing"),
    ],
)
def test_what_cannot_be_sent_says_why(sample: dict, text: str, words: str) -> None:
    version = make_template(status="DRAFT", subject="S", text=text, sample=sample)
    client = client_of("Viewer")
    assert words in client.get(f"{VERSIONS}{version.pk}/preview/EMAIL/").content.decode()
    assert client.get(f"{VERSIONS}{version.pk}/preview/EMAIL/download/").status_code == 404


def test_only_channels_that_can_say_it_are_offered() -> None:
    version = make_template(sample=SAMPLE)
    client = client_of("Viewer")
    page = client.get(f"{VERSIONS}{version.pk}/preview/").content.decode()
    assert f'href="{VERSIONS}{version.pk}/preview/EMAIL/"' in page
    assert f"{VERSIONS}{version.pk}/preview/PORTAL/" not in page
    for name in ("PORTAL", "PIGEON"):
        assert client.get(f"{VERSIONS}{version.pk}/preview/{name}/").status_code == 404


def test_two_versions_are_compared_part_by_part() -> None:
    old = make_template(text="egy\nkettő <b>\nhárom", sample={"a": 1})
    new = make_template(text="egy\nkettő\nhárom", sample={"a": 2})
    client = client_of("Viewer")
    page = client.get(f"{VERSIONS}{new.pk}/compare/")
    assert [part["title"] for part in page.context["parts"]] == ["Text", "Sample data"]
    assert page.context["parts"][0]["lines"] == [
        Line(kind="same", text="egy", old=1, new=1),
        Line(kind="removed", text="kettő <b>", old=2),
        Line(kind="added", text="kettő", new=2),
        Line(kind="same", text="három", old=3, new=3),
    ]
    assert "kettő &lt;b&gt;" in page.content.decode()
    # From either side, the older is what was and the newer what is.
    back = client.get(f"{VERSIONS}{old.pk}/compare/?with={new.pk}")
    assert (back.context["old"], back.context["new"]) == (old, new)
    link = f'href="{VERSIONS}{new.pk}/compare/"'
    assert link in client.get(f"{VERSIONS}{new.pk}/change/").content.decode()


def test_a_version_is_compared_with_one_of_its_own_template_only() -> None:
    version, other = make_template("A", text="x"), make_template("B", text="x")
    client = client_of("Viewer")
    for query in ("", f"?with={other.pk}", f"?with={version.pk}", "?with=x", "?with=9" + "9" * 30):
        assert client.get(f"{VERSIONS}{version.pk}/compare/{query}").status_code == 404
    assert "/compare/" not in client.get(f"{VERSIONS}{version.pk}/change/").content.decode()


def test_versions_alike_say_so() -> None:
    make_template(text="x")
    second = make_template(text="x")
    assert "Both say the same." in client_of("Viewer").get(f"{VERSIONS}{second.pk}/compare/").content.decode()


def test_lines_far_apart_are_shown_with_what_lies_around_them() -> None:
    old = "\n".join(str(number) for number in range(100))
    lines = lines_between(old, old.replace("10\n", "x\n", 1).replace("90\n", "y\n", 1))
    assert lines is not None
    assert [line.kind for line in lines] == [
        *["same"] * 3, "removed", "added", *["same"] * 3, "gap", *["same"] * 3, "removed", "added", *["same"] * 3,
    ]  # fmt: skip


def test_what_is_too_long_to_be_compared_differs_all_the_same() -> None:
    assert lines_between("\n" * MOST_LINES, "x") is None
    assert lines_between("a\r\n", "a\n") == [Line(kind="gap")]
    assert lines_between("a", "a") == []


def test_s33_versions_are_looked_at_by_who_may_see_them() -> None:
    make_template(text="x")
    version = make_template(text="y")
    stranger = client_of()
    pages = ("preview/EMAIL/", "preview/EMAIL/download/", "preview/POST/pages/1/", "compare/")
    for page in pages:
        assert stranger.get(f"{VERSIONS}{version.pk}/{page}").status_code == 403
