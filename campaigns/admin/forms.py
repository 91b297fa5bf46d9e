"""What the console's forms over groups, recipients and campaigns ask for."""

from dataclasses import replace
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from campaigns import services
from campaigns.models import Campaign, CampaignPart, RecipientGroup
from campaigns.recipient_rules import LONGEST
from campaigns.services import Leg
from gateway.caller import Caller
from gateway.console import audit
from gateway.console.fields import PairsField
from gateway.errors import Code, Refusal
from gateway.lookup import caller_of
from gateway.models import ApiClient
from sending import acceptance
from sending.channels import letter_channels


class TellingForm(forms.Form):
    """A form that shows what a service refuses at the field that it is about, or above all."""

    # Fields by the names that services use, where those differ.
    named: dict[str, str] = {}

    def tell(self, refusal: Refusal) -> None:
        """Put each problem in its place."""
        for problem in refusal.problems:
            # Of a list of one, what is wrong with its first.
            path = problem.field[2:] if problem.field[:2] == ("legs", 0) else problem.field
            name = str(path[0]) if path else "client" if problem.code == Code.FORBIDDEN else ""
            name = self.named.get(name, name)
            self.add_error(name if name in self.fields else None, problem.sentence)


def client_field() -> "forms.ModelChoiceField[ApiClient]":
    """In whose name; empty is the house's own."""
    return forms.ModelChoiceField(
        label=_("Client"),
        queryset=ApiClient.objects.filter(is_active=True).order_by("name"),
        required=False,
        empty_label=_("The house"),
        widget=UnfoldAdminSelectWidget(),
        help_text=_("Whose it is, and who sees it beside the house; it needs the right campaigns."),
    )


def owner(request: HttpRequest, client: ApiClient | None) -> Caller:
    """The person at the console in the name of a client, or of the house."""
    if client is None:
        return audit.caller(request)
    return replace(caller_of(client), user_name=request.user.get_username())


class GroupForm(TellingForm):
    """A new group."""

    name = forms.CharField(label=_("Name"), max_length=100, widget=UnfoldAdminTextInputWidget())
    description = forms.CharField(
        label=_("Description"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )
    client = client_field()


class GroupChangeForm(GroupForm):
    """What may be changed of a group."""

    client = None  # type: ignore[assignment]


class RecipientForm(TellingForm):
    """One recipient of a group."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=LONGEST["name"],
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Without one the e-mail address takes its place."),
    )
    email_address = forms.CharField(
        label=_("E-mail"), required=False, max_length=LONGEST["email_address"], widget=UnfoldAdminTextInputWidget()
    )
    postal_address = forms.CharField(
        label=_("Postal address"),
        required=False,
        max_length=LONGEST["postal_address"],
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    partner_ref = forms.CharField(
        label=_("Partner"), required=False, max_length=LONGEST["partner_ref"], widget=UnfoldAdminTextInputWidget()
    )
    language = forms.CharField(
        label=_("Language"),
        required=False,
        max_length=LONGEST["language"],
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "hu"}),
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        required=False,
        max_length=LONGEST["time_zone"],
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Europe/Budapest"}),
    )
    properties = PairsField(
        label=_("Properties"),
        required=False,
        help_text=_("KEY=value, one a line; a line that begins with a space goes on with the value above."),
    )

    def clean_postal_address(self) -> str:
        """Line ends as everywhere else."""
        return str(self.cleaned_data["postal_address"]).replace("\r\n", "\n")

    def values(self) -> dict[str, Any]:
        """What was filled in, as a recipient's members."""
        return {**self.cleaned_data, "properties": dict(self.cleaned_data["properties"])}


class CampaignForm(TellingForm):
    """A new campaign; its legs are added on its page."""

    title = forms.CharField(label=_("Title"), max_length=200, widget=UnfoldAdminTextInputWidget())
    client = client_field()


class CampaignChangeForm(CampaignForm):
    """What may be changed of a campaign."""

    client = None  # type: ignore[assignment]


class LegForm(TellingForm):
    """One leg of a campaign: which template goes to whom, by which channel, and when."""

    named = {"group_uuid": "group"}

    title = forms.CharField(label=_("Title"), required=False, max_length=200, widget=UnfoldAdminTextInputWidget())
    group = forms.ModelChoiceField(
        label=_("Recipient group"), queryset=RecipientGroup.objects.all(), widget=UnfoldAdminSelectWidget()
    )
    message_type = forms.ChoiceField(label=_("Template"), widget=UnfoldAdminSelectWidget())
    message_type_version = forms.IntegerField(
        label=_("Version"),
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=_("Empty means the newest enabled one."),
    )
    channel = forms.ChoiceField(label=_("Channel"), initial="EMAIL", widget=UnfoldAdminSelectWidget())
    from_address = forms.CharField(
        label=_("Sender address"),
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Empty means the client's own, or the house's."),
    )
    from_name = forms.CharField(
        label=_("Sender name"), required=False, max_length=100, widget=UnfoldAdminTextInputWidget()
    )
    send_at = forms.SplitDateTimeField(
        label=_("Send at"),
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget(),
        help_text=_("Its letters wait until then; empty means at once."),
    )
    messages_per_minute = forms.IntegerField(
        label=_("Messages a minute"),
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=_("Empty means as fast as can be."),
    )

    def __init__(
        self, data: Any = None, *, caller: Caller, campaign: Campaign, part: CampaignPart | None = None
    ) -> None:
        names = [field for field in self.base_fields if part is not None and field != "group"]
        initial = {name: getattr(part, name) for name in names} | ({"group": part.group_id} if part else {})
        super().__init__(data, initial=initial or {"channel": "EMAIL"})
        # Nothing is offered that the services would refuse.
        group: forms.ModelChoiceField[RecipientGroup] = self.fields["group"]  # type: ignore[assignment]
        usable_groups = services.usable_groups(caller=caller, client_id=campaign.client_id)
        group.queryset = usable_groups.order_by("name")
        template: forms.ChoiceField = self.fields["message_type"]  # type: ignore[assignment]
        usable = acceptance.usable_templates(campaign.client_id)
        known = list(usable.values_list("name", flat=True))
        if part is not None and part.message_type not in known:
            known.insert(0, part.message_type)
        template.choices = [(name, name) for name in known]
        way: forms.ChoiceField = self.fields["channel"]  # type: ignore[assignment]
        way.choices = [(name, name) for name in letter_channels()]

    def leg(self) -> Leg:
        """What was filled in, as the services take it."""
        values = dict(self.cleaned_data)
        return Leg(group_uuid=values.pop("group").uuid, **values)
