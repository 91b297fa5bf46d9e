"""The ways out and who works on them."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from gateway.console import labels
from gateway.console.confirming import Question, ask
from gateway.console.read_only import ReadOnlyAdmin
from sending import lanes
from sending.admin.messages import OPERATE
from sending.models import Dispatcher, Lane


@admin.register(Lane)
class LaneAdmin(ReadOnlyAdmin):
    """Channels that rest after throttling or an outage, and since when they fail."""

    list_display = ("channel", "state", "paused_until", "failures", "reason", "try_now")
    list_display_links = None
    ordering = ("channel",)

    def get_list_display(self, request: HttpRequest) -> list[str]:
        may_operate = request.user.has_perm(OPERATE)
        return [name for name in self.list_display if may_operate or name != "try_now"]

    @admin.display(description=_("Status"))
    def state(self, lane: Lane) -> SafeString:
        rests = lane.paused_until is not None and lane.paused_until > timezone.now()
        return labels.label(gettext("Resting"), "warning") if rests else labels.label(gettext("Open"), "success")

    @admin.display(description=_("Action"), empty_value="–")
    def try_now(self, lane: Lane) -> Any:
        if lane.paused_until is None:
            return None
        link = {
            "title": gettext("Try now"),
            "icon": "play_circle",
            "path": reverse("admin:sending_lane_try", args=[lane.pk]),
        }
        return render_to_string("console/row_links.html", {"links": [link]})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_view)
        return [path("<str:channel>/try/", view, name="sending_lane_try"), *super().get_urls()]

    def try_view(self, request: HttpRequest, channel: str) -> HttpResponse:
        """End a lane's rest, with a reason."""
        if not (self.has_view_permission(request) and request.user.has_perm(OPERATE)):
            raise PermissionDenied
        lane = Lane.objects.filter(pk=channel).first()
        if lane is None:
            raise Http404

        def act(reason: str) -> str:
            lanes.try_now(channel=channel)
            return gettext("The lane %(channel)s is tried at once.") % {"channel": channel}

        question = Question(
            verb="try now",
            title=_("Try now"),
            text=_("The lane's rest ends and its messages are tried at once."),
            subjects=[lane],
            total=1,
            target=reverse("admin:sending_lane_try", args=[channel]),
            back=reverse("admin:sending_lane_changelist"),
        )
        return ask(self, request, question, act if request.method == "POST" else None)


@admin.register(Dispatcher)
class DispatcherAdmin(ReadOnlyAdmin):
    """Worker processes that claim messages, and how many each holds."""

    list_display = ("id", "host", "pid", "created_at", "lease_until", "claimed")
    list_display_links = None
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dispatcher]:
        rows: QuerySet[Dispatcher] = super().get_queryset(request)
        return rows.annotate(claimed_count=Count("messages"))

    @admin.display(description=_("Messages claimed"))
    def claimed(self, dispatcher: Any) -> int:
        return int(dispatcher.claimed_count)
