"""Pushes: what was told to how many, by whom, and what came of it."""

import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from gateway.console import audit, labels
from gateway.console.filters import ClientFilter, DaysFilter, OlderFilter
from gateway.console.paging import CappedList
from gateway.console.read_only import ReadOnlyAdmin
from jobs.admin import cells, links
from jobs.models import Job
from sending import push_results
from sending.admin import audience_words, bars
from sending.admin.letters import READ
from sending.admin.push_page import PushPage
from sending.models import Push

_NOTHING = "–"


class _WithJobs(CappedList):
    """A page of pushes, each with its job, in one look however many they are."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        pushes: list[Any] = list(self.result_list)  # type: ignore[has-type]
        jobs = Job.objects.defer("params", "cursor").in_bulk([push.job_id for push in pushes])
        for push in pushes:
            push.job = jobs.get(push.job_id)
        self.result_list = pushes


class CreatedFilter(DaysFilter):
    """By the days on which they were taken."""

    title = _("accepted")
    parameter_name = "accepted"


@admin.register(Push)
class PushAdmin(PushPage, ReadOnlyAdmin):
    """What is shown of all of them says no more than their title; their words are read by who may read letters."""

    list_display = ("id", "accepted", "client", "title", "audience_in_words", "state", "told")
    list_display_links = ("id", "title")
    list_filter = (ClientFilter, CreatedFilter, OlderFilter)
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    ordering = ("-id",)
    sortable_by = ()
    actions_list = ("send",)
    change_form_template = "console/push.html"
    # The page shows more than a form would; this keeps Django from building one of every column.
    fields = ("job_id",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CappedList]:
        return _WithJobs

    def get_queryset(self, request: HttpRequest) -> QuerySet[Push]:
        rows: QuerySet[Push] = super().get_queryset(request)
        return rows.select_related("client")

    @admin.display(description=_("Accepted at"))
    def accepted(self, push: Push) -> str:
        return labels.moment(push.created_at)

    @admin.display(description=_("Title"), empty_value=_NOTHING)
    def title(self, push: Push) -> str | None:
        text = audience_words.title(push.content)
        return (text if len(text) <= 60 else f"{text[:59]}…") or None

    @admin.display(description=_("Audience"))
    def audience_in_words(self, push: Push) -> str:
        return audience_words.in_words(push.audience, push.zones)

    @admin.display(description=_("Job"), empty_value=_NOTHING)
    def state(self, push: Any) -> SafeString | None:
        return cells.state(push.job) if push.job else None

    @admin.display(description=_("Sent of those to be told"), empty_value=_NOTHING)
    def told(self, push: Any) -> SafeString | None:
        # As its job counted them: a million messages are not counted for a line of a list.
        return cells.progress(push.job) if push.job else None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.said)
        return [path("<int:pk>/said/", view, name="sending_push_said"), *super().get_urls()]

    @action(description=_("Send a push"), url_path="send", permissions=["send"], icon="send")
    def send(self, request: HttpRequest) -> HttpResponse:
        """Ask what is to be told to whom, count these, ask again, send."""
        return self.push_page(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One push: whom it told, and what came of that."""
        push = self.get_object(request, object_id)
        if push is not None and self.has_view_permission(request, push):
            extra_context = {
                **(extra_context or {}),
                "title": f"{push.pk} · {audience_words.title(push.content) or push.client.name}",
                "subtitle": None,
                **_page(request, push),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def said(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What browsers are told, for who may read letters, and recorded."""
        if not (self.has_view_permission(request) and request.user.has_perm(READ)):
            raise PermissionDenied
        push = Push.objects.filter(pk=pk).first()
        if push is None:
            raise Http404
        audit.record(request, [push], "read: push")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": push,
            "title": _("What it says"),
            "written": json.dumps(push.content, ensure_ascii=False, indent=2),
            "back": reverse("admin:sending_push_change", args=[pk]),
        }
        return TemplateResponse(request, "console/schedule_written.html", context)


def _page(request: HttpRequest, push: Push) -> dict[str, Any]:
    results = push_results.of(push)
    job = Job.objects.filter(pk=push.job_id).first()
    options = push.content.get("options") or {}
    facts = (
        (_("Client"), push.client.name),
        (_("Accepted at"), labels.moment(push.created_at)),
        (_("Request id"), push.request_id),
        (_("Time to live, seconds"), push.time_to_live),
        (_("Urgency"), options.get("urgency")),
        (_("Overrides"), options.get("override_msg_id")),
        (_("Job"), _job(request, job) if job else ""),
    )
    may_read = request.user.has_perm(READ)
    return {
        "push": push,
        "facts": [(name, value) for name, value in facts if value not in (None, "")],
        "state": cells.state(job) if job else "",
        "audience": audience_words.conditions(push.audience),
        "zones": audience_words.few(push.zones or []),
        "told": bars.number(results.told),
        "told_count": results.told,
        "gone": bars.number(results.gone) if results.gone else "",
        "bar": bars.bar(results.statuses),
        "legend": bars.legend(results.statuses),
        "reasons": [(reason, bars.number(count)) for reason, count in results.reasons],
        "most_failed": bars.number(push_results.MOST_FAILED) if results.is_cut else "",
        "messages_url": f"{reverse('admin:sending_message_changelist')}?job={push.job_id}",
        "said_url": reverse("admin:sending_push_said", args=[push.pk]) if may_read else "",
    }


def _job(request: HttpRequest, job: Job) -> SafeString | str:
    if not request.user.has_perm("jobs.view_job"):
        return str(job.pk)
    address = reverse("admin:jobs_job_change", args=[job.pk])
    return format_html('<a class="console-link" href="{}">{}</a>', address, job.pk)


def _push_of(request: HttpRequest, job: Job) -> links.Button | None:
    if not request.user.has_perm("sending.view_push"):
        return None
    pk = Push.objects.filter(job_id=job.pk).values_list("id", flat=True).first()
    if pk is None:
        return None
    address = reverse("admin:sending_push_change", args=[pk])
    return {"title": _("Its push"), "icon": "campaign", "variant": "default", "path": address}


links.register(_push_of)
