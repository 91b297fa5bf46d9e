"""The page between wanting and doing: what it is about, a reason, and then all of it or nothing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages as notices
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from gateway.console import audit
from gateway.errors import Refusal

_SHOWN = 20


class _OneLine(forms.CharField):
    """Text that people may break into lines and that is kept as one."""

    def to_python(self, value: Any) -> str:
        return " ".join((super().to_python(value) or "").split())


def reason_field(**attributes: Any) -> forms.CharField:
    """Why it is done: kept in the events and in the audit trail."""
    return _OneLine(
        label=_("Reason"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, **attributes}),
        error_messages={"required": _("Say why: the reason is kept.")},
    )


class ReasonForm(forms.Form):
    """The one thing a question asks for."""

    reason = reason_field(autofocus=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked; ``hidden`` are form fields to carry along, ``back`` and ``target`` addresses of ours."""

    verb: str
    title: Any
    text: Any
    variant: str = "primary"
    subjects: list[Model]
    total: int
    target: str
    back: str
    hidden: Iterable[tuple[str, Any]] = ()


def ask(
    admin: ModelAdmin,
    request: HttpRequest,
    question: Question,
    act: Callable[[str], str] | None,
    *,
    refusals: tuple[type[Exception], ...] = (Refusal,),
) -> HttpResponse:
    """Show the question, or with a reason given call ``act`` with it, which returns what to say afterwards.

    A refusal leaves everything as it was and is shown in the service's own words. Without ``act`` it only asks.
    """
    form = ReasonForm(request.POST if act else None)
    status = 200
    if act and form.is_valid():
        try:
            with transaction.atomic():
                done = act(form.cleaned_data["reason"])
                audit.record(request, question.subjects, f"{question.verb}: {form.cleaned_data['reason']}")
        except refusals as error:
            form.add_error(None, str(error))
            status = 409
        else:
            notices.success(request, done)
            return HttpResponseRedirect(question.back)
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "object": _named(admin, question),
        "title": question.title,
        "question": question,
        "shown": [(subject, _state(admin, subject)) for subject in question.subjects[:_SHOWN]],
        "rest": max(0, question.total - _SHOWN),
        "form": form,
    }
    return TemplateResponse(request, "console/confirm.html", context, status=status)


def _named(admin: ModelAdmin, question: Question) -> Model | None:
    """What the page is about, where that is one thing that has a page of its own."""
    subject = question.subjects[0] if question.total == 1 and question.subjects else None
    return subject if subject is not None and admin.admin_site.is_registered(type(subject)) else None


def _state(admin: ModelAdmin, subject: Model) -> Any:
    """Where it stands, in the words of the list's column; "" where that has none, or is of other things."""
    is_its_own = isinstance(subject, admin.opts.concrete_model)
    return admin.state(subject) if is_its_own and hasattr(admin, "state") else ""
