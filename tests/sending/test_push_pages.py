"""The files that pages fetch: each with its kind, asked for anew when it changed, and no others."""

import re

import pytest
from django.test import Client

from sending.push_pages.views import _FILES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", sorted(_FILES))
def test_a_file_is_served_to_everybody_and_only_when_it_changed(name: str) -> None:
    answer = Client().get(f"/push/{name}")
    kind = {"js": "text/javascript", "css": "text/css", "html": "text/html"}[name.rpartition(".")[2]]
    assert (answer.status_code, answer["Content-Type"]) == (200, f"{kind}; charset=utf-8")
    assert answer["Cache-Control"] == "public, max-age=300"
    assert answer["Content-Security-Policy"].startswith("default-src 'self';")
    again = Client().get(f"/push/{name}", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_page_asks_for_files_that_are_there() -> None:
    page = Client().get("/push/demo")
    assert page.content == Client().get("/push/demo.html").content
    wanted = re.findall(r'(?:src|href)="([^":]+)"', page.content.decode())
    assert set(wanted) == {"hammy-push.js", "demo.js", "demo.css"}
    assert set(wanted) < _FILES
    # Nothing within it runs or looks otherwise than the policy of the page allows.
    assert not re.search(rb"<style|style=|<script>| on[a-z]+=", page.content)


def test_a_worker_may_serve_pages_above_its_folder() -> None:
    assert Client().get("/push/hammy-push-worker.js")["Service-Worker-Allowed"] == "/"


@pytest.mark.parametrize("name", ["views.py", "urls.py", "__init__.py", "demo/", "..%2Fvapid.py", "%00", "DEMO.HTML"])
def test_nothing_else_is_served(name: str) -> None:
    assert Client().get(f"/push/{name}").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_files_are_only_read(method: str) -> None:
    assert getattr(Client(), method)("/push/demo").status_code == 405
