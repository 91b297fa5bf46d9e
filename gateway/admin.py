"""Clients in the console: who may call, and keys that are shown once."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib import messages as notices
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from gateway import clients
from gateway.caller import RIGHTS
from gateway.clients import Keys
from gateway.console.fields import LinesField
from gateway.models import ApiClient, Credential
from gateway.recent import forget_all


class ApiClientForm(forms.ModelForm):  # type: ignore[type-arg]
    """Lists as people write them; what may stand in them is the model's to say."""

    rights = forms.MultipleChoiceField(
        label=_("Rights"),
        required=False,
        choices=[(right, right) for right in RIGHTS],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    allowed_networks = LinesField(
        label=_("Allowed networks"),
        required=False,
        help_text=_("One a line, as 10.0.0.0/8 or 192.0.2.7. Empty means that calls may come from everywhere."),
    )
    sender_domains = LinesField(
        label=_("Sender domains"),
        required=False,
        help_text=_("One a line. Empty means that it may send from any."),
    )

    origins = LinesField(
        label=_("Origins"),
        required=False,
        help_text=_("Of pages whose browsers may subscribe to its pushes. One a line, as https://www.example.com."),
    )

    class Meta:
        model = ApiClient
        fields = (
            "name",
            "is_active",
            "rights",
            "needs_user_token",
            "users",
            "allowed_networks",
            "requests_per_minute",
            "max_upload_bytes",
            "max_schedules",
            "request_id_unique",
            "from_address",
            "from_name",
            "sender_domains",
            "external_folder",
            "portals",
            "origins",
            "browsers_name_themselves",
        )


class CredentialInline(TabularInline):
    """The keys there are and were, without anything secret."""

    model = Credential
    fields = readonly_fields = ("kind_name", "access_id", "created_at", "expires_at", "revoked_at")
    extra = 0
    can_delete = False
    ordering = ("-created_at", "-pk")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @display(description=_("Kind"))
    def kind_name(self, credential: Credential) -> str:
        names = {
            Credential.HASH_KEY: gettext("Client key"),
            Credential.ACCESS: gettext("Access id and secret"),
            Credential.WEBHOOK: gettext("Webhook secret"),
        }
        return names.get(credential.kind, credential.kind)

    @display(description=_("Access id"))
    def access_id(self, credential: Credential) -> str:
        return credential.lookup if credential.kind == Credential.ACCESS else ""


@admin.register(ApiClient)
class ApiClientAdmin(ModelAdmin):
    """Made, changed, given fresh keys and revoked here; never deleted, for its letters name it."""

    form = ApiClientForm
    inlines = (CredentialInline,)
    list_display = ("name", "is_active", "rights_held", "needs_user_token", "requests_per_minute", "created_at")
    list_filter = ("is_active", "needs_user_token")
    search_fields = ("name__icontains",)
    autocomplete_fields = ("users", "portals")
    list_per_page = 50
    actions_detail = ("rotate", "revoke")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        forget_all()

    def response_add(self, request: HttpRequest, obj: ApiClient, post_url_continue: str | None = None) -> HttpResponse:
        # Still within the transaction that makes the client: both or neither.
        return self._show_keys(request, obj, clients.issue_keys(client=obj))

    @display(description=_("Rights"))
    def rights_held(self, client: ApiClient) -> str:
        return ", ".join(client.rights)

    @action(description=_("Fresh keys"), url_path="rotate", permissions=["change"], icon="key")
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Fresh keys, shown once; the old ones serve on for the overlap."""
        client = self._client(request, object_id)
        if client is None:
            return self._to_list()
        if request.method != "POST":
            return self._ask(
                request,
                client,
                title=_("Fresh keys"),
                text=_("The client gets fresh keys, shown once. Its present keys keep working for a while."),
            )
        keys = clients.rotate_client(name=client.name)
        self.log_change(request, client, "rotate: fresh keys")
        return self._show_keys(request, client, keys)

    @action(
        description=_("Revoke"),
        url_path="revoke",
        permissions=["change"],
        icon="block",
        variant=ActionVariant.DANGER,
    )
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """None of its keys works any more."""
        client = self._client(request, object_id)
        if client is None:
            return self._to_list()
        if request.method != "POST":
            return self._ask(
                request,
                client,
                title=_("Revoke"),
                text=_("Every key of the client ends at once, for good, and it becomes inactive."),
            )
        clients.revoke_client(name=client.name)
        self.log_change(request, client, "revoke: every key")
        notices.success(request, gettext("Every key of %(name)s is revoked.") % {"name": client.name})
        return HttpResponseRedirect(reverse("admin:gateway_apiclient_change", args=[client.pk]))

    def _client(self, request: HttpRequest, object_id: str) -> ApiClient | None:
        return self.get_object(request, object_id)

    def _to_list(self) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:gateway_apiclient_changelist"))

    def _ask(self, request: HttpRequest, client: ApiClient, **words: Any) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "client": client, **words}
        return TemplateResponse(request, "console/client_question.html", context)

    def _show_keys(self, request: HttpRequest, client: ApiClient, keys: Keys) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "client": client,
            "title": _("The keys of the client"),
            "keys": keys.as_json().items(),
        }
        response = TemplateResponse(request, "console/client_keys.html", context)
        add_never_cache_headers(response)
        return response
