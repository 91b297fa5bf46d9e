"""Templates out of and into the console, as an archive."""

import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from sending import exchanging
from sending.admin import exchange_pages
from sending.models import Template, TemplateVersion
from sending.template_archives import zipped
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.sending.factories import make_template

pytestmark = pytest.mark.django_db
TEMPLATES = "/admin/sending/template/"
IMPORT = f"{TEMPLATES}import/"


def _files() -> dict[str, bytes]:
    make_template("A", text="első")
    make_template("A", text="{{ nincs }}", status="DRAFT")
    files = exchanging.export()
    Template.objects.all().delete()
    return files


def _post(client: Client, content: bytes, **values: Any) -> Any:
    return client.post(IMPORT, {"archive": SimpleUploadedFile("t.zip", content), **values})


def _names(response: Any) -> list[str]:
    assert (response.status_code, response["Content-Type"]) == (200, "application/octet-stream")
    assert response["Content-Disposition"].startswith('attachment; filename="templates-')
    return zipfile.ZipFile(io.BytesIO(response.getvalue())).namelist()


def test_a_viewer_saves_all_templates_or_those_ticked() -> None:
    make_template("A", text="x")
    only = make_template("B", text="x").template
    client = client_of("Viewer")
    assert f'href="{TEMPLATES}export/"' in client.get(TEMPLATES).content.decode()
    assert {name.partition("/")[0] for name in _names(client.get(f"{TEMPLATES}export/"))} == {"A", "B"}
    chosen = client.post(TEMPLATES, {"action": "export_chosen", "_selected_action": [only.pk]})
    assert {name.partition("/")[0] for name in _names(chosen)} == {"B"}


def test_an_editor_looks_first_and_then_imports() -> None:
    files, client = _files(), client_of("Template editor")
    assert f'href="{IMPORT}"' in client.get(TEMPLATES).content.decode()
    looked = _post(client, zipped(files), look="").content.decode()
    assert "2 versions would be new here. Nothing was done yet." in looked
    assert "text: Line 1: nincs is not known" in looked
    assert (Template.objects.count(), trail()) == (0, [])
    assert "2 versions imported." in _post(client, zipped(files)).content.decode()
    versions = TemplateVersion.objects.order_by("version")
    user = client.get(TEMPLATES).wsgi_request.user.username
    assert [(one.version, one.status, one.author) for one in versions] == [(1, "DRAFT", user), (2, "DRAFT", user)]
    assert trail() == [(str(Template.objects.get().pk), "import: v1, v2")]
    assert "0 versions imported." in _post(client, zipped(files), enable="on").content.decode()
    assert exchanging.export() == files
    assert len(trail()) == 1


def test_what_is_wrong_is_told_and_nothing_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    files, client = _files(), client_of("Template editor")
    answer = _post(client, zipped(files | {"A/v1/text.txt": b"{% if %}", "A/<b>.txt": b""}))
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "A/v1/text.txt:1: Expected an expression" in page
    assert "A/&lt;b&gt;.txt: is no file of a template" in page
    assert "the archive: is no ZIP archive, or a damaged one" in _post(client, b"not zip").content.decode()
    assert "This field is required." in client.post(IMPORT, {}).content.decode()
    monkeypatch.setattr(exchange_pages, "LARGEST_ARCHIVE", 2 * 1024)
    assert "At most 2.0\xa0KB." in _post(client, b"x" * 2049).content.decode()
    assert (Template.objects.count(), trail()) == (0, [])


def test_s33_who_may_not_edit_templates_imports_none_and_who_may_not_see_them_exports_none() -> None:
    files = zipped(_files())
    for client in (client_of("Viewer"), client_of("Operator"), client_of()):
        assert client.get(IMPORT).status_code == 403
        assert _post(client, files).status_code == 403
    assert client_of().get(f"{TEMPLATES}export/").status_code == 403
    assert f'href="{IMPORT}"' not in client_of("Viewer").get(TEMPLATES).content.decode()
    assert not Template.objects.exists()
