"""The keys by which push services know clients: looked at, and rotated after a question."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from gateway.console import labels
from gateway.console.confirming import Question, ask
from gateway.console.filters import ClientFilter, OlderFilter
from gateway.console.paging import CAP
from gateway.console.read_only import ReadOnlyAdmin
from sending import vapid
from sending.models import Subscription, VapidKey
from sending.models.vapid_key import VapidKeyQuerySet

_LIST = "admin:sending_vapidkey_changelist"


@admin.register(VapidKey)
class VapidKeyAdmin(ReadOnlyAdmin):
    """Made when a client's first page asks; each serves those who subscribed with it, also when it is retired."""

    list_display = ("client", "shown_key", "since", "standing", "browsers", "operations")
    list_display_links = None
    list_filter = (ClientFilter, OlderFilter)
    # Each row counts its browsers.
    list_per_page = 20
    ordering = ("-id",)
    sortable_by = ()
    fields = readonly_fields = ("client", "public_key", "since", "standing", "browsers")

    def get_queryset(self, request: HttpRequest) -> VapidKeyQuerySet:
        rows: VapidKeyQuerySet = super().get_queryset(request)
        return rows.select_related("client").defer("private_key")

    @admin.display(description=_("public key"))
    def shown_key(self, key: VapidKey) -> SafeString:
        return format_html('<span class="console-broken">{}</span>', key.public_key)

    @admin.display(description=_("Since"))
    def since(self, key: VapidKey) -> str:
        return labels.moment(key.created_at)

    @admin.display(description=_("Status"))
    def standing(self, key: VapidKey) -> SafeString:
        if key.retired_at is None:
            return labels.label(gettext("Present"), "success")
        return labels.label(gettext("Retired %(at)s") % {"at": labels.moment(key.retired_at)}, "default")

    @admin.display(description=_("Browsers"))
    def browsers(self, key: VapidKey) -> str:
        count = Subscription.objects.filter(vapid_key=key)[: CAP + 1].count()
        return f"{count}" if count <= CAP else f"> {CAP}"

    @admin.display(description=_("Action"), empty_value="–")
    def operations(self, key: VapidKey) -> Any:
        if key.retired_at is not None:
            return None
        address = reverse("admin:sending_vapidkey_rotate", args=[key.pk])
        return render_to_string(
            "console/row_links.html", {"links": [{"title": gettext("Rotate"), "icon": "autorenew", "path": address}]}
        )

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may give clients fresh keys."""
        return request.user.has_perm("sending.add_vapidkey")

    def get_list_display(self, request: HttpRequest) -> list[str]:
        may_rotate = self.has_rotate_permission(request)
        return [name for name in self.list_display if may_rotate or name != "operations"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.rotate_view)
        return [path("<int:pk>/rotate/", view, name="sending_vapidkey_rotate"), *super().get_urls()]

    def rotate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A fresh key for the client of a present one, with a reason."""
        if not self.has_rotate_permission(request):
            raise PermissionDenied
        key = VapidKey.objects.current().select_related("client").filter(pk=pk).first()
        if key is None:
            raise Http404
        question = Question(
            verb="rotate",
            title=_("Rotate the push key"),
            text=_(
                "Browsers that subscribe from now on trust a fresh key. Those that did are reached by theirs, which is "
                "kept as long as any of them is there."
            ),
            subjects=[key],
            total=1,
            target=reverse("admin:sending_vapidkey_rotate", args=[pk]),
            back=reverse(_LIST),
        )

        def act(reason: str) -> str:
            vapid.rotate(client_id=key.client_id)
            return gettext("%(client)s has a fresh push key.") % {"client": key.client.name}

        return ask(self, request, question, act if request.method == "POST" else None)
