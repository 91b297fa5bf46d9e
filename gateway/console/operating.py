"""Lists whose ticked rows, and pages whose row, operators act on with a reason."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext

from gateway.caller import Caller
from gateway.console import audit
from gateway.console.confirming import Question, ask
from gateway.console.filters import number_in
from gateway.console.read_only import ReadOnlyAdmin


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What may be done to rows, as a value. ``verb`` is its place in addresses and in the audit trail, ``done`` a
    plural form over ``count``, ``statuses`` those from which it is offered; ``run`` has a service do it to all of these
    rows or to none, and returns how many it was done to."""

    verb: str
    title: Any
    question: Any
    done: Any
    icon: str
    variant: str
    statuses: Collection[str]
    run: Callable[[Caller, Sequence[Any], str], int]


class OperatingAdmin(ReadOnlyAdmin):
    """Rows that services move, for who may: each operation asks why first."""

    operate_permission: ClassVar[str]
    # By their verbs.
    operations: ClassVar[Mapping[str, Operation]]
    # What one action takes at once: a transaction of its own size, and a page that can be sent.
    most_at_once: ClassVar[int] = 900
    # What a question about many rows need not read.
    long_columns: ClassVar[Sequence[str]] = ()
    # The names of lists that are other looks at the same rows.
    other_lists: ClassVar[Sequence[str]] = ()

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may do any of it."""
        return self.has_view_permission(request) and request.user.has_perm(self.operate_permission)

    def ticked(self) -> Sequence[Operation]:
        """What the list offers for the rows ticked."""
        return list(self.operations.values())

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.operate)
        name = self._address("operate").removeprefix("admin:")
        return [path("operate/<str:verb>/", view, name=name), *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        if self.has_operate_permission(request):
            for operation in self.ticked():
                actions[operation.verb] = (partial(_ask_for, operation), operation.verb, operation.title)
        return actions

    def operations_on(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """What may be done to one row now, as console/offered.html shows it."""
        if not self.has_operate_permission(request):
            return []
        return [
            {
                "title": operation.title,
                "icon": operation.icon,
                "variant": operation.variant,
                "path": f"{reverse(self._address('operate'), args=[operation.verb])}?ids={row.pk}",
            }
            for operation in self.operations.values()
            if self.is_offered(operation, row)
        ]

    def is_offered(self, operation: Operation, row: Any) -> bool:
        """Whether it may be done to this row as it stands."""
        return row.status in operation.statuses

    def operate(self, request: HttpRequest, verb: str) -> HttpResponse:
        """Ask for a reason (GET, or POST from the list) and then do it (POST with a reason)."""
        if verb not in self.operations:
            raise Http404
        if not self.has_operate_permission(request):
            raise PermissionDenied
        data = request.POST if request.method == "POST" else request.GET
        ids = [number for value in data.getlist("ids") if (number := number_in(value)) is not None]
        if not ids or len(ids) > self.most_at_once:
            raise Http404
        return self.confirm(
            request, self.operations[verb], ids, back=data.get("back", ""), is_answer=request.method == "POST"
        )

    def confirm(
        self, request: HttpRequest, operation: Operation, ids: Sequence[int], *, back: str, is_answer: bool
    ) -> HttpResponse:
        """The question for these rows, or with ``is_answer`` its answer."""
        found = list(self._model()._default_manager.filter(pk__in=ids).defer(*self.long_columns).order_by("pk"))
        if not found:
            raise Http404
        question = Question(
            verb=operation.verb,
            title=operation.title,
            text=operation.question,
            variant=operation.variant,
            subjects=found,
            total=len(found),
            target=reverse(self._address("operate"), args=[operation.verb]),
            back=self._way_back(found, back),
            hidden=[("back", back), *(("ids", row.pk) for row in found)],
        )

        def act(reason: str) -> str:
            count = operation.run(audit.caller(request), found, reason)
            return str(operation.done % {"count": count})

        return ask(self, request, question, act if is_answer else None)

    def _way_back(self, found: Sequence[Model], back: str) -> str:
        """To the list as it was narrowed, or to the row; the addresses are ours, only the query is carried."""
        name, _sep, query = back.partition("?")
        if name in (_list_of(self), *self.other_lists):
            return f"{reverse(f'admin:{name}')}?{QueryDict(query).urlencode()}"
        return reverse(self._address("change"), args=[found[0].pk])

    def _model(self) -> type[Model]:
        # A list that is another look at some rows has them acted on where they are at home.
        return self.opts.concrete_model

    def _address(self, page: str) -> str:
        opts = self._model()._meta
        return f"admin:{opts.app_label}_{opts.model_name}_{page}"


def _list_of(page: OperatingAdmin) -> str:
    """What the address of its list is called."""
    return f"{page.opts.app_label}_{page.opts.model_name}_changelist"


def _ask_for(
    operation: Operation, page: OperatingAdmin, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """An action of the list: the question, with the way back to the list as it was."""
    ids = list(queryset.order_by().values_list("id", flat=True)[: page.most_at_once + 1])
    if len(ids) > page.most_at_once:
        words = gettext("At most %(most)d at once: narrow the list.")
        notices.error(request, words % {"most": page.most_at_once})
        return None
    return page.confirm(request, operation, ids, back=f"{_list_of(page)}?{request.GET.urlencode()}", is_answer=False)
