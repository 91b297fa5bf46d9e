"""Pages that only show: nothing is added, changed or deleted through them."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import ModelAdmin, checkbox

from gateway.console.paging import CappedList, CappedPaginator

_VALUE = "the-rows-key"
_TICK = checkbox.render(ACTION_CHECKBOX_NAME, _VALUE)


class ReadOnlyAdmin(ModelAdmin):
    """Lists and details to look at, for who holds the model's view permission."""

    actions_on_top = True
    list_disable_select_all = True
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CappedList]:
        return CappedList

    @admin.display(description=mark_safe(checkbox.render("action_toggle_all", 1)))  # noqa: S308 (no outside text)
    def action_checkbox(self, obj: Model) -> SafeString:
        # A widget's template for each row would take longer than all the row's other columns.
        return mark_safe(_TICK.replace(_VALUE, escape(str(obj.pk))))  # noqa: S308 (the key is escaped)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Only what the page's own filters ask. By any other column, a letter's words above all, the list would tell
        piece by piece, and without a trace, what this person may not read."""
        column = lookup.partition(LOOKUP_SEP)[0]
        if column != "pk" and column not in {field.name for field in self.opts.get_fields()}:
            return True
        for item in self.get_list_filter(request):
            name = item if isinstance(item, str) else item[0] if isinstance(item, tuple) else item.parameter_name
            if name == lookup or (name == column and not isinstance(item, type)):
                return bool(super().lookup_allowed(lookup, value, request))
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions
