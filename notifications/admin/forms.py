"""What the console's forms over notifications ask for."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from gateway.console.confirming import reason_field
from gateway.console.filters import number_in
from gateway.errors import Code, Refusal
from gateway.models import ApiClient
from jobs.models import Job
from notifications import services
from notifications.payloads.naming import Naming
from notifications.services import Wish

# What names no field is about the client that lacks the right, or the job that is not there or not the client's.
_UNNAMED = {Code.FORBIDDEN: "client", Code.NOT_FOUND: "job"}


class RegistrationForm(forms.Form):
    """Who is told, where, and how."""

    client = forms.ModelChoiceField(
        label=_("Client"),
        queryset=ApiClient.objects.filter(is_active=True).order_by("name"),
        widget=UnfoldAdminSelectWidget(),
        help_text=_("It is told of the jobs that it may see, and needs the right notifications."),
    )
    end_point = forms.CharField(
        label=_("End point"),
        max_length=2000,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "https://"}),
        help_text=_("Without https:// or http:// it is called over http."),
    )
    job = forms.CharField(
        label=_("Job"),
        required=False,
        max_length=36,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("A job's number or UUID; empty means every job."),
    )
    format = forms.ChoiceField(
        label=_("Format"),
        choices=[("DEFAULT", _("DEFAULT (is XML)")), ("JSON", "JSON"), ("XML", "XML")],
        widget=UnfoldAdminSelectWidget(),
    )
    naming = forms.ChoiceField(
        label=_("Naming convention"),
        choices=[(name.value, name.value) for name in Naming],
        initial=Naming.UPPER,
        widget=UnfoldAdminSelectWidget(),
    )
    method = forms.ChoiceField(
        label=_("Method"), choices=[(method, method) for method in services.METHODS], widget=UnfoldAdminSelectWidget()
    )
    reason = reason_field()

    def clean_job(self) -> UUID | None:
        words = self.cleaned_data["job"].strip()
        if not words:
            return None
        if (number := number_in(words)) is not None:
            found = Job.objects.filter(pk=number).values_list("uuid", flat=True).first()
            if found is None:
                raise forms.ValidationError(gettext("There is no such job."))
            return found
        try:
            return UUID(words)
        except ValueError as error:
            raise forms.ValidationError(gettext("Give a job's number or UUID.")) from error

    def wish(self) -> Wish:
        """What was filled in, as the service takes it."""
        data = self.cleaned_data
        return Wish(
            end_point=data["end_point"], format=data["format"], naming=data["naming"], method=data["method"],
            job_uuid=data["job"],
        )  # fmt: skip

    def tell(self, refusal: Refusal) -> None:
        """Put each problem at its field, or above all where it has none here."""
        for problem in refusal.problems:
            field = str(problem.field[0]) if problem.field else _UNNAMED.get(problem.code, "")
            self.add_error(field if field in self.fields else None, problem.sentence)


class ReplayForm(forms.Form):
    """From which moment on, and which of it."""

    since = forms.SplitDateTimeField(label=_("Made since"), widget=UnfoldAdminSplitDateTimeWidget())
    which = forms.ChoiceField(
        label=_("Which"),
        choices=[("failed", _("what failed or was missed")), ("all", _("all, also what was delivered"))],
        initial="failed",
        widget=UnfoldAdminRadioSelectWidget(),
    )
    reason = reason_field()

    def __init__(self, data: Any = None) -> None:
        yesterday = timezone.localtime() - timedelta(days=1)
        super().__init__(data, initial={"since": yesterday.replace(second=0, microsecond=0)})
