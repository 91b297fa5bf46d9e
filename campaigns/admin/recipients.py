"""Recipients: found in their group, added, changed, removed one by one."""

from typing import Any

from django.contrib import admin
from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from campaigns import recipients
from campaigns.admin import finding, pages
from campaigns.admin.forms import RecipientForm
from campaigns.models import Recipient, RecipientGroup
from campaigns.recipient_rules import Person
from gateway.console import audit
from gateway.console.confirming import Question, ask
from gateway.console.filters import CarriedFilter, OlderFilter, number_in
from gateway.console.read_only import ReadOnlyAdmin

_MEMBERS = ("name", "email_address", "postal_address", "partner_ref", "language", "time_zone")


class GroupFilter(CarriedFilter):
    """Those of one group: its page leads here."""

    title = _("group")
    parameter_name = "group"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Recipient]) -> QuerySet[Recipient]:
        group = number_in(self.value())
        return queryset if group is None else queryset.filter(group=group)


@admin.register(Recipient)
class RecipientAdmin(ReadOnlyAdmin):
    """The list is of a group, or of all of them; each change goes through the services."""

    list_display = ("name", "email_address", "partner_ref", "language", "belongs_to")
    list_display_links = ("name",)
    list_filter = (GroupFilter, OlderFilter)
    list_per_page = 50
    ordering = ("-id",)
    sortable_by = ()
    # Django asks only whether there are any; finding.find decides what they are.
    search_fields = ("email_address",)
    search_help_text = _("Start of an e-mail address, a part of a name, or a whole partner")
    change_form_template = "console/recipient.html"
    # The page shows more than a form would; this keeps Django from building one of every column.
    fields = ("language",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm("campaigns.delete_recipient"))

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm("campaigns.add_recipient"))

    def has_edit_permission(self, request: HttpRequest) -> bool:
        """Whether this person may change recipients."""
        return self.has_view_permission(request) and request.user.has_perm("campaigns.change_recipient")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Recipient]:
        rows: QuerySet[Recipient] = super().get_queryset(request)
        return rows.select_related("group")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Recipient], search_term: str
    ) -> tuple[QuerySet[Recipient], bool]:
        return finding.find(queryset.defer("properties", "postal_address"), search_term), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        group = _group_in(request.GET.get("group"))
        title = group.name if group else _("Recipients")
        return super().changelist_view(request, {**(extra_context or {}), "title": title})

    @admin.display(description=_("Group"))
    def belongs_to(self, recipient: Recipient) -> SafeString:
        where = pages.address("recipientgroup", "change", recipient.group_id)
        return format_html('<a class="console-link" href="{}">{}</a>', where, recipient.group.name)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for a recipient of the group whose list the click came from."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        group = _group_in(QueryDict(request.GET.get("_changelist_filters", "")).get("group"))
        if group is None:
            notices.info(request, gettext("Recipients are added on the list of their group: choose one."))
            return HttpResponseRedirect(pages.address("recipientgroup", "changelist"))
        form = RecipientForm(request.POST if request.method == "POST" else None)

        def act() -> Model:
            person = Person(**form.values())
            return recipients.add(caller=audit.caller(request), group_uuid=group.uuid, person=person)

        return self._fill_in(request, form, act, "create", _("Add a recipient"), group)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One recipient: a form for who may change it, and what it holds for who may see it."""
        recipient = self.get_object(request, object_id)
        if recipient is None or not self.has_view_permission(request, recipient):
            return super().change_view(request, object_id, form_url, extra_context)
        if not self.has_edit_permission(request):
            facts = [(self.opts.get_field(name).verbose_name, getattr(recipient, name) or "–") for name in _MEMBERS]
            more = {"title": recipient.name, "subtitle": None, "facts": facts, "properties": recipient.properties}
            return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})
        initial = {name: getattr(recipient, name) for name in _MEMBERS}
        initial["properties"] = [[key, value] for key, value in recipient.properties.items()]
        form = RecipientForm(request.POST if request.method == "POST" else None, initial=initial)

        def act() -> Model:
            return recipients.change(caller=audit.caller(request), pk=recipient.pk, values=form.values())

        remove = pages.address("recipient", "delete", recipient.pk) if self.has_delete_permission(request) else ""
        return self._fill_in(request, form, act, "change", _("Save the recipient"), recipient.group, remove=remove)

    def _fill_in(
        self,
        request: HttpRequest,
        form: RecipientForm,
        act: Any,
        verb: str,
        title: Any,
        group: RecipientGroup,
        *,
        remove: str = "",
    ) -> HttpResponse:
        offered = [pages.button(pgettext_lazy("a recipient", "Remove"), remove, "delete", "danger")] if remove else []
        return pages.fill_in(
            self, request, form, act, verb=verb, title=title, text=group.name, done=gettext("Saved."),
            back=_listed(group), place=lambda made: _listed(group), offered=offered,
            of=group,
        )  # fmt: skip

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for a reason, and take a recipient out of its group."""
        if not (self.has_view_permission(request) and self.has_delete_permission(request)):
            raise PermissionDenied
        recipient = self.get_object(request, object_id)
        if recipient is None:
            raise Http404
        question = Question(
            verb="delete",
            title=pgettext_lazy("a recipient", "Remove"),
            text=f"{recipient.group.name}: {recipient.name}",
            variant="danger",
            subjects=list[Model]([recipient]),
            total=1,
            target=pages.address("recipient", "delete", recipient.pk),
            back=_listed(recipient.group),
        )

        def act(reason: str) -> str:
            recipients.remove(caller=audit.caller(request), pk=recipient.pk)
            return gettext("The recipient is gone from the group.")

        return ask(self, request, question, act if request.method == "POST" else None)


def _group_in(text: str | None) -> RecipientGroup | None:
    number = number_in(text)
    return None if number is None else RecipientGroup.objects.filter(pk=number).first()


def _listed(group: RecipientGroup) -> str:
    return f"{pages.address('recipient', 'changelist')}?group={group.pk}"
