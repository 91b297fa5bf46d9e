"""Having one person's data erased: who, how much that is, and only then a job."""

from typing import Any

from django import forms
from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from gateway.console import audit
from gateway.console.confirming import reason_field
from gateway.errors import Refusal
from gateway.models import ApiClient
from sending import forgetting, persons
from sending.persons import Person

ERASE = "sending.erase_person"


class PersonForm(forms.Form):
    """Who is meant, and who asked for it."""

    email_address = forms.CharField(
        label=_("E-mail"), required=False, max_length=254, widget=UnfoldAdminTextInputWidget()
    )
    partner_ref = forms.CharField(
        label=_("Partner"), required=False, max_length=100, widget=UnfoldAdminTextInputWidget()
    )
    alias = forms.CharField(
        label=_("Alias of browsers"), required=False, max_length=255, widget=UnfoldAdminTextInputWidget()
    )
    registration_id = forms.CharField(
        label=_("Registration id of a browser"), required=False, max_length=64, widget=UnfoldAdminTextInputWidget()
    )
    client_name = forms.ChoiceField(label=_("Client"), required=False, widget=UnfoldAdminSelectWidget())
    reason = reason_field()

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        names = ApiClient.objects.order_by("name").values_list("name", flat=True)
        client: forms.ChoiceField = self.fields["client_name"]  # type: ignore[assignment]
        client.choices = [("", _("All clients")), *((name, name) for name in names)]

    def person(self) -> Person | None:
        """Whoever is meant; None, with the problem at its field, where that is nobody."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "reason"}
        try:
            return persons.named(**given)
        except Refusal as refusal:
            for problem in refusal.problems:
                self.add_error(str(problem.field[0]) if problem.field else None, problem.sentence)
            return None


class ErasurePage(ModelAdmin):
    """One page, asked twice: the first answer says what an index finds of the person, the second begins the job."""

    def erasure_urls(self) -> list[URLPattern]:
        """Beside the messages' own addresses."""
        return [path("erase-person/", self.admin_site.admin_view(self.erase), name="sending_message_erase")]

    def erase(self, request: HttpRequest) -> HttpResponse:
        """Ask, count, ask again, begin."""
        if not request.user.has_perm(ERASE):
            raise PermissionDenied
        form = PersonForm(request.POST if request.method == "POST" else None)
        person = form.person() if form.is_bound and form.is_valid() else None
        if person is not None and "confirmed" in request.POST:
            return self._begin(request, form)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Erase a person"),
            "form": form,
            "found": forgetting.quickly_counted(audit.caller(request), person) if person else None,
            "back": reverse("admin:index"),
        }
        status = 409 if form.is_bound and person is None else 200
        return TemplateResponse(request, "console/erase_person.html", context, status=status)

    @staticmethod
    def _begin(request: HttpRequest, form: PersonForm) -> HttpResponse:
        # The trail tells that it was done and by which job, not to whom.
        with transaction.atomic():
            job = forgetting.start(caller=audit.caller(request), **form.cleaned_data)
            audit.record(request, [job], f"erase: {form.cleaned_data['reason']}")
        notices.success(request, gettext("Job %(job)d was started.") % {"job": job.pk})
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))
