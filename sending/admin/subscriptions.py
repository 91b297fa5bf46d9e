"""Browsers that subscribed to clients' pushes: found, looked at, and removed with a reason."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, TextFilter

from gateway.console import labels
from gateway.console.confirming import Question, ask
from gateway.console.filters import ClientFilter, OlderFilter, number_in
from gateway.console.read_only import ReadOnlyAdmin
from gateway.models import ApiClient
from sending import subscribing
from sending.admin.audience_words import few
from sending.models import Subscription, SubscriptionTag
from sending.models.push import SubscriptionQuerySet

_MOST = 900
_LIST = "admin:sending_subscription_changelist"


class StandingFilter(DropdownFilter):
    """By whether they are told."""

    title = _("standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Subscribed")), ("no", _("Removed"))]

    def queryset(self, request: HttpRequest, queryset: SubscriptionQuerySet) -> SubscriptionQuerySet:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(removed_at__isnull=self.value() == "yes")


class TagFilter(TextFilter):
    """By one whole tag."""

    title = _("tag")
    parameter_name = "tag"

    def queryset(self, request: HttpRequest, queryset: SubscriptionQuerySet) -> SubscriptionQuerySet:
        tag = self.value()
        if not tag:
            return queryset
        if "\0" in tag:
            # PostgreSQL refuses to be asked for a NUL.
            return queryset.none()
        return queryset.filter(Exists(SubscriptionTag.objects.filter(subscription=OuterRef("pk"), tag=tag)))


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Nothing here subscribes a browser, and nothing that leads to one is shown."""

    list_display = (
        "shown_id", "client", "shown_alias", "shown_tags", "push_service", "place", "last_day", "standing",
    )  # fmt: skip
    list_filter = (StandingFilter, ClientFilter, TagFilter, OlderFilter)
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    ordering = ("-id",)
    sortable_by = ()
    # Django asks only whether there are any; _found decides what they are.
    search_fields = ("registration_id",)
    search_help_text = _("A whole alias or registration id")
    fields = readonly_fields = (
        "registration_id", "client", "shown_alias", "shown_tags", "push_service", "shown_zone", "shown_language",
        "since", "seen", "until", "standing", "removed_for",
    )  # fmt: skip
    actions = ("remove",)

    def get_queryset(self, request: HttpRequest) -> SubscriptionQuerySet:
        rows: SubscriptionQuerySet = super().get_queryset(request)
        return rows.select_related("client").prefetch_related("tags")

    def get_search_results(
        self, request: HttpRequest, queryset: SubscriptionQuerySet, search_term: str
    ) -> tuple[SubscriptionQuerySet, bool]:
        return _found(queryset, search_term.strip().replace("\x00", "")), False

    @admin.display(description=_("registration id"))
    def shown_id(self, one: Subscription) -> SafeString | None:
        return _broken(one.registration_id)

    @admin.display(description=_("Alias"), empty_value="–")
    def shown_alias(self, one: Subscription) -> SafeString | None:
        return _broken(one.alias)

    @admin.display(description=_("Tags"), empty_value="–")
    def shown_tags(self, one: Subscription) -> SafeString | None:
        return _broken(few(sorted(tag.tag for tag in one.tags.all())))

    @admin.display(description=_("Push service"), empty_value="–")
    def push_service(self, one: Subscription) -> SafeString | None:
        return _broken(urlsplit(one.endpoint).hostname)

    @admin.display(description=_("Time zone"), empty_value="–")
    def shown_zone(self, one: Subscription) -> str | None:
        return one.time_zone or None

    @admin.display(description=_("Language"), empty_value="–")
    def shown_language(self, one: Subscription) -> str | None:
        return one.language or None

    @admin.display(description=_("Time zone, language"), empty_value="–")
    def place(self, one: Subscription) -> SafeString | None:
        return _broken(", ".join(filter(None, (one.time_zone, one.language))))

    @admin.display(description=_("Last seen"))
    def last_day(self, one: Subscription) -> SafeString:
        return _day(one.last_seen_at)

    @admin.display(description=_("Since"))
    def since(self, one: Subscription) -> str:
        return labels.moment(one.created_at)

    @admin.display(description=_("Last seen"))
    def seen(self, one: Subscription) -> str:
        return labels.moment(one.last_seen_at)

    @admin.display(description=_("Until"), empty_value="–")
    def until(self, one: Subscription) -> str | None:
        return labels.moment(one.expires_at) if one.expires_at else None

    @admin.display(description=_("Status"))
    def standing(self, one: Subscription) -> SafeString:
        if one.removed_at is None:
            return labels.label(gettext("Subscribed"), "success")
        # Below the label, for a label does not break.
        return format_html(
            '{}<div class="console-quiet console-broken">{}: {}</div>',
            labels.label(gettext("Removed"), "default"),
            labels.moment(one.removed_at),
            one.removed_for,
        )

    def has_remove_permission(self, request: HttpRequest) -> bool:
        """Whether this person may remove browsers."""
        return request.user.has_perm("sending.delete_subscription")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.remove_view)
        return [path("remove/", view, name="sending_subscription_remove"), *super().get_urls()]

    @admin.action(description=_("Send them nothing any more"), permissions=["remove"])
    def remove(self, request: HttpRequest, queryset: SubscriptionQuerySet) -> HttpResponse:
        """The question for those ticked."""
        return self._confirm(request, list(queryset.order_by("id")[:_MOST]), is_answer=False)

    def remove_view(self, request: HttpRequest) -> HttpResponse:
        """Its answer."""
        if not self.has_remove_permission(request):
            raise PermissionDenied
        ids = [number for value in request.POST.getlist("ids") if (number := number_in(value)) is not None]
        found = list(Subscription.objects.filter(pk__in=ids[:_MOST]).order_by("id"))
        if not found:
            raise Http404
        return self._confirm(request, found, is_answer=True)

    def _confirm(self, request: HttpRequest, found: list[Subscription], *, is_answer: bool) -> HttpResponse:
        question = Question(
            verb="remove",
            title=_("Send them nothing any more"),
            text=_("These browsers are told nothing until they subscribe anew on a page. What waits for them fails."),
            variant="danger",
            subjects=list(found),
            total=len(found),
            target=reverse("admin:sending_subscription_remove"),
            back=reverse(_LIST),
            hidden=[("ids", one.pk) for one in found],
        )

        def act(reason: str) -> str:
            these = Subscription.objects.filter(pk__in=[one.pk for one in found])
            actor = request.user.get_username()
            count = subscribing.remove_found(these, reason=f"removed by {actor}: {reason}")
            return ngettext("%(count)d browser removed.", "%(count)d browsers removed.", count) % {"count": count}

        return ask(self, request, question, act if is_answer else None)


def _broken(text: str | None) -> SafeString | None:
    """One long word breaks where the column ends."""
    return format_html('<span class="console-broken">{}</span>', text) if text else None


def _day(moment: datetime) -> SafeString:
    """The day alone, as wide in every row."""
    return format_html('<span class="console-nowrap">{}</span>', labels.moment(moment)[:10])


def _found(queryset: SubscriptionQuerySet, words: str) -> SubscriptionQuerySet:
    """Those with this registration id or alias; all of them when there are no words. An alias is asked for client by
    client: so the index has it of those that stand."""
    if not words:
        return queryset
    clients = list(ApiClient.objects.values_list("id", flat=True))
    known = Subscription.objects.filter(alias=words).order_by()
    few_ids = set(Subscription.objects.filter(registration_id=words).values_list("id", flat=True))
    few_ids.update(known.standing().filter(client_id__in=clients).values_list("id", flat=True)[:_MOST])
    few_ids.update(known.filter(removed_at__isnull=False).values_list("id", flat=True)[:_MOST])
    return queryset.filter(pk__in=few_ids)
