"""Recipient groups: made, renamed, filled from files, saved as files, deleted."""

from typing import Any

from django.contrib import admin
from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from campaigns import exporting, recipients
from campaigns.admin import finding, pages
from campaigns.admin.forms import GroupChangeForm, GroupForm, owner
from campaigns.admin.import_pages import ImportPages
from campaigns.admin.invalid_pages import InvalidPages
from campaigns.models import Campaign, RecipientGroup
from gateway.console import audit, labels
from gateway.console.confirming import Question, ask
from gateway.console.filters import ClientFilter, OlderFilter
from gateway.console.paging import CAP

_LAST_IMPORTS = 10


@admin.register(RecipientGroup)
class RecipientGroupAdmin(InvalidPages, ImportPages):
    """Recipients are counted no further than lists count."""

    list_display = ("name", "how_many", "client_name", "made")
    list_filter = (ClientFilter, OlderFilter)
    list_filter_submit = True
    list_per_page = 50
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("name",)
    search_help_text = _("A part of the name")
    change_form_template = "console/group.html"
    # The page shows more than a form would; this keeps Django from building one of every column.
    fields = ("uuid",)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm("campaigns.add_recipientgroup"))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm("campaigns.delete_recipientgroup"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[RecipientGroup]:
        rows: QuerySet[RecipientGroup] = super().get_queryset(request)
        return rows.select_related("client")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RecipientGroup], search_term: str
    ) -> tuple[QuerySet[RecipientGroup], bool]:
        words = search_term.strip().replace("\x00", "")
        found = queryset.annotate(counted=finding.counted("pk"))
        return found.filter(name__icontains=words) if words else found, False

    @admin.display(description=_("Recipients"))
    def how_many(self, group: Any) -> str:
        return shown_count(group.counted)

    @admin.display(description=_("Client"), empty_value="–")
    def client_name(self, group: RecipientGroup) -> str | None:
        return group.client.name if group.client else None

    @admin.display(description=_("Created at"))
    def made(self, group: RecipientGroup) -> str:
        return labels.moment(group.created_at)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/rename/", view(self.rename), name="campaigns_recipientgroup_rename"),
            path("<int:pk>/export/", view(self.export), name="campaigns_recipientgroup_export"),
            *self.invalid_urls(),
            *self.import_urls(),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One group: how many it holds, which campaigns name it, and its last imports."""
        group = self.get_object(request, object_id)
        if group is not None and self.has_view_permission(request, group):
            count = group.recipients.order_by()[: CAP + 1].count()
            extra_context = {
                **(extra_context or {}),
                "title": group.name,
                "subtitle": None,
                "group": group,
                "facts": [
                    (_("Recipients"), shown_count(count)),
                    (_("Description"), group.description or "–"),
                    (_("Client"), group.client or gettext("The house")),
                    ("UUID", group.uuid),
                    (_("Created at"), labels.moment(group.created_at)),
                ],
                "campaigns": Campaign.objects.filter(pk__in=group.parts.values("campaign")).order_by("-id")[:20],
                "imports": self.last_imports(request, group, _LAST_IMPORTS),
                "offered": self._offered(request, group),
                "ways_on": self._ways_on(request, group),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def _offered(self, request: HttpRequest, group: RecipientGroup) -> list[dict[str, Any]]:
        may = request.user.has_perm
        model, links = "recipientgroup", []
        if may("campaigns.view_recipient"):
            listed = f"{pages.address('recipient', 'changelist')}?group={group.pk}"
            links.append(pages.button(_("Recipients"), listed, "groups", "primary"))
        if self.has_import_permission(request):
            links.append(pages.button(_("Import"), pages.address(model, "import", group.pk), "upload"))
        return links

    def _ways_on(self, request: HttpRequest, group: RecipientGroup) -> list[dict[str, Any]]:
        """What else leads away from its page, beside its facts: the bar above has no room for it."""
        may = request.user.has_perm
        model, links = "recipientgroup", []
        if self.may_export(request):
            links.append(pages.button(_("Export"), pages.address(model, "export", group.pk), "download"))
        if may("campaigns.change_recipientgroup"):
            links.append(pages.button(_("Rename"), pages.address(model, "rename", group.pk), "edit"))
        if self.has_delete_permission(request):
            title = pgettext_lazy("a recipient group", "Delete")
            links.append(pages.button(title, pages.address(model, "delete", group.pk), "delete", "danger"))
        return links

    def may_export(self, request: HttpRequest) -> bool:
        """Whether this person may have all recipients of a group in a file."""
        return self.has_view_permission(request) and request.user.has_perm("campaigns.view_recipient")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for a name, and make an empty group."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = GroupForm(request.POST if request.method == "POST" else None)

        def act() -> Model:
            values = dict(form.cleaned_data)
            return recipients.create_group(caller=owner(request, values.pop("client")), **values)

        return pages.fill_in(
            self, request, form, act,
            verb="create", title=_("New recipient group"),
            text=_("It is empty at first: recipients are added one by one, or imported."),
            done=gettext("The group is there."), back=pages.address("recipientgroup", "changelist"), place=_place,
        )  # fmt: skip

    def rename(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for another name or description."""
        if not request.user.has_perm("campaigns.change_recipientgroup"):
            raise PermissionDenied
        group = self.group_for(pk)
        initial = {"name": group.name, "description": group.description}
        form = GroupChangeForm(request.POST if request.method == "POST" else None, initial=initial)

        def act() -> Model:
            return recipients.rename_group(caller=audit.caller(request), uuid=group.uuid, **form.cleaned_data)

        return pages.fill_in(
            self, request, form, act,
            verb="rename", title=_("Rename"), text=group.name, done=gettext("Saved."), back=_place(group), place=_place,
            of=group,
        )  # fmt: skip

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for a reason, and forget a group with all its recipients."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        group = self.group_for(object_id)
        leg = group.parts.select_related("campaign").order_by("id").first()
        if leg is not None and request.method != "POST":
            words = gettext("The campaign %(title)s sends to this group: it cannot be deleted.")
            notices.error(request, words % {"title": leg.campaign.title})
            return HttpResponseRedirect(_place(group))
        question = Question(
            verb="delete",
            title=_("Delete the group"),
            text=_(
                "The group and all its recipients are forgotten; letters that they got stay. This cannot be undone."
            ),
            variant="danger",
            subjects=list[Model]([group]),
            total=1,
            target=pages.address("recipientgroup", "delete", group.pk),
            back=pages.address("recipientgroup", "changelist") if request.method == "POST" else _place(group),
        )

        def act(reason: str) -> str:
            recipients.delete_group(caller=audit.caller(request), uuid=group.uuid)
            return gettext("The group is gone.")

        return ask(self, request, question, act if request.method == "POST" else None)

    def export(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """All recipients of a group as a file."""
        if not self.may_export(request):
            raise PermissionDenied
        group = self.group_for(pk)
        audit.record(request, [group], "export")
        return pages.saved(exporting.group_lines(group), f"{group.name}.csv")


def _place(group: Model) -> str:
    return pages.address("recipientgroup", "change", group.pk)


def shown_count(count: int) -> str:
    """A count that goes no further than lists count."""
    return f"{count:,}".replace(",", " ") if count <= CAP else f"{CAP:,}+".replace(",", " ")
