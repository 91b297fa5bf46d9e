"""What the pages of this floor share: a form that leads to a service, links, and files to be saved."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages as notices
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin

from campaigns.admin.forms import TellingForm
from gateway.console import audit
from gateway.downloads import table_to_be_saved
from gateway.errors import Refusal
from sending.mime import safe_file_name


def fill_in(
    admin: ModelAdmin,
    request: HttpRequest,
    form: TellingForm,
    act: Callable[[], Model],
    *,
    verb: str,
    title: Any,
    text: Any,
    done: Any,
    back: str,
    place: Callable[[Model], str],
    offered: Sequence[dict[str, Any]] = (),
    of: Model | None = None,
    submit: Any = "",
) -> HttpResponse:
    """Show a form, or when it was filled in well have ``act`` do it: what it returns is what the trail tells of, and
    ``place`` leads to. A refusal leaves everything as it was. ``of`` is what the page is about, if that is there
    already; ``submit`` stands on the button, the title unless given."""
    if form.is_bound and form.is_valid():
        try:
            with transaction.atomic():
                subject = act()
                audit.record(request, [subject], verb)
        except Refusal as refusal:
            form.tell(refusal)
        else:
            notices.success(request, done)
            return HttpResponseRedirect(place(subject))
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "object": of,
        "title": title,
        "submit": submit,
        "text": text,
        "form": form,
        "back": back,
        "offered": offered,
    }
    return TemplateResponse(request, "console/suppress.html", context, status=409 if form.is_bound else 200)


def button(title: Any, path: str, icon: str, variant: str = "default") -> dict[str, Any]:
    """A link as console/offered.html shows it."""
    return {"title": title, "path": path, "icon": icon, "variant": variant}


def address(model: str, name: str, *keys: object) -> str:
    """The address of one of this floor's pages."""
    return reverse(f"admin:campaigns_{model}_{name}", args=keys)


def uuids(text: str) -> list[UUID]:
    """The one that a job's parameter holds, or none: anybody may have made such a job."""
    try:
        return [UUID(text)]
    except ValueError:
        return []


def saved(lines: Iterable[bytes], file_name: str) -> StreamingHttpResponse:
    """A file sent as it is made, to be saved, never shown."""
    return table_to_be_saved(lines, file_name=safe_file_name(file_name.replace("/", "_")))
