"""Sending a push from the console: what is to be told to whom, how many browsers that reaches, and only then a push."""

from dataclasses import replace
from typing import Any, get_args
from uuid import uuid4

from django import forms
from django.contrib import messages as notices
from django.core.validators import URLValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from gateway.caller import Caller
from gateway.console import audit
from gateway.console.confirming import reason_field
from gateway.console.fields import LinesField
from gateway.errors import Refusal
from gateway.lookup import caller_of
from gateway.models import ApiClient
from sending import pushing, telling
from sending.admin import audience_words, bars
from sending.audiences import Audience
from sending.pushing import DAY, LONGEST_NAME, LONGEST_TIME_TO_LIVE, MOST_NAMES, PushOrder, Urgency

_AUDIENCE = ("tag", "tag_and", "tag_not", "alias", "registration_id")
_ALL, _SOME = "all", "some"


def _lines(label: Any) -> LinesField:
    return LinesField(label=label, required=False, max_length=LONGEST_NAME, help_text=_("One a line."))


class PushForm(forms.Form):
    """What is told to whom. ``request_id`` makes one push of a form that was sent twice."""

    client = forms.ModelChoiceField(
        label=_("Client"),
        queryset=ApiClient.objects.filter(is_active=True).order_by("name"),
        widget=UnfoldAdminSelectWidget(),
    )
    title = forms.CharField(label=_("Title"), required=False, max_length=500, widget=UnfoldAdminTextInputWidget())
    alert = forms.CharField(label=_("Text"), max_length=4000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))
    url = forms.CharField(
        label=_("Address that it leads to"),
        required=False,
        max_length=2000,
        validators=[URLValidator(schemes=["https", "http"])],
        widget=UnfoldAdminTextInputWidget(),
    )
    to = forms.ChoiceField(
        label=_("Audience"),
        choices=[(_SOME, _("those for whom all that is given below holds")), (_ALL, _("everybody"))],
        widget=UnfoldAdminSelectWidget(),
    )
    tag = _lines(_("Any of the tags"))
    tag_and = _lines(_("All of the tags"))
    tag_not = _lines(_("None of the tags"))
    alias = _lines(_("Alias"))
    registration_id = _lines(_("Registration id"))
    time_to_live = forms.IntegerField(
        label=_("Time to live, seconds"),
        initial=DAY,
        min_value=0,
        max_value=LONGEST_TIME_TO_LIVE,
        help_text=_("So long a push service keeps it for a browser that is away; 0 tells only those that are there."),
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    urgency = forms.ChoiceField(
        label=_("Urgency"),
        required=False,
        choices=[("", "–"), *((name, name) for name in get_args(Urgency))],
        widget=UnfoldAdminSelectWidget(),
    )
    reason = reason_field()
    request_id = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        given = [name for name in _AUDIENCE if data.get(name)]
        if data.get("to") == _SOME and not given:
            self.add_error("to", _("Say whom: give tags, aliases or registration ids."))
        if data.get("to") == _ALL and given:
            self.add_error("to", _("Everybody is meant, and still some are named: empty the fields, or choose those."))
        for name in given:
            if len(data[name]) > MOST_NAMES:
                self.add_error(name, _("At most %(most)d.") % {"most": MOST_NAMES})
        if not self.errors and (size := telling.size_of(self.order().content)) > telling.MOST_BYTES:
            sentence = _("It is %(size)d bytes for a browser to read, and may be %(most)d: shorten it.")
            self.add_error("alert", sentence % {"size": size, "most": telling.MOST_BYTES})
        return data

    def order(self) -> PushOrder:
        """The push that was asked for."""
        data = self.cleaned_data
        web = {name: data[name] for name in ("title", "url") if data.get(name)}
        options = {"urgency": data["urgency"]} if data.get("urgency") else {}
        return PushOrder(
            content={
                "notification": {"alert": data["alert"]} | ({"web": web} if web else {}),
                **({"options": options} if options else {}),
            },
            audience=Audience(**{name: tuple(data[name]) for name in _AUDIENCE}),
            request_id=data["request_id"] or uuid4().hex,
            time_to_live=data["time_to_live"],
        )


class PushPage(ModelAdmin):
    """One page, asked twice: the first answer says how many browsers would be told, the second tells them."""

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Whether this person may send pushes in clients' names."""
        return request.user.has_perm("sending.add_push")

    def push_page(self, request: HttpRequest) -> HttpResponse:
        """Ask, count, ask again, send."""
        form = PushForm(_given(request) if request.method == "POST" else None)
        count = None
        if form.is_bound and form.is_valid() and "change" not in request.POST:
            order, client = form.order(), form.cleaned_data["client"]
            if "confirmed" in request.POST and (sent := self._sent(request, form, client, order)):
                return sent
            if form.is_valid():
                count = order.audience.reached(client_id=client.pk).count()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Send a push"),
            "form": form,
            "back": reverse("admin:sending_push_changelist"),
            **({} if count is None else _reckoned(form, count)),
        }
        status = 409 if form.is_bound and form.errors else 200
        return TemplateResponse(request, "console/push_page.html", context, status=status)

    @staticmethod
    def _sent(request: HttpRequest, form: PushForm, client: ApiClient, order: PushOrder) -> HttpResponse | None:
        try:
            with transaction.atomic():
                push = pushing.submit(caller=_in_name_of(client, request), order=order)
                audit.record(request, [push], f"push: {form.cleaned_data['reason']}")
        except Refusal as refusal:
            for problem in refusal.problems:
                name = str(problem.field[0]) if problem.field else ""
                shown = {field.name for field in form.visible_fields()}
                form.add_error(name if name in shown else None, problem.sentence)
            return None
        notices.success(request, gettext("Push %(push)d is on its way.") % {"push": push.pk})
        may_see = request.user.has_perm("sending.view_push")
        page = reverse("admin:sending_push_change", args=[push.pk]) if may_see else reverse("admin:index")
        return HttpResponseRedirect(page)


def _given(request: HttpRequest) -> QueryDict:
    """What was filled in. One that is changed is another push, also where the one before was sent."""
    data = request.POST.copy()
    if "change" in data:
        data.pop("request_id", None)
    return data


def _in_name_of(client: ApiClient, request: HttpRequest) -> Caller:
    """The client with this person beside it. Its pushes of this page are told apart by our ids, whatever it does with
    its own."""
    return replace(caller_of(client), user_name=request.user.get_username(), request_id_unique=True)


def _reckoned(form: PushForm, count: int) -> dict[str, Any]:
    """What is asked the second time: all that was given, and how many it reaches."""
    order = form.order()
    carried = {name: form.data[name] for name in form.fields if name in form.data} | {"request_id": order.request_id}
    data = form.cleaned_data
    facts = (
        (_("Client"), data["client"].name),
        (_("Title"), data["title"]),
        (_("Text"), data["alert"]),
        (_("Address that it leads to"), data["url"]),
        (_("Audience"), audience_words.in_words(order.audience.as_json())),
        (_("Time to live, seconds"), data["time_to_live"]),
        (_("Urgency"), data["urgency"]),
        (_("Reason"), data["reason"]),
    )
    return {
        "count": count,
        "shown_count": bars.number(count),
        "facts": [(name, value) for name, value in facts if value != ""],
        "carried": list(carried.items()),
    }
