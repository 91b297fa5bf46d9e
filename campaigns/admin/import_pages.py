"""An import in two steps: a file is taken and looked at, and then a job takes its lines into the group."""

from pathlib import Path
from typing import Any

from django.contrib import messages as notices
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns import csv_reading, importing, looking
from campaigns.admin import import_counts, pages
from campaigns.admin.import_forms import ReadingForm, UploadForm
from campaigns.admin.invalid_pages import may_see_lines
from campaigns.admin.uploads import taking_files
from campaigns.csv_reading import Unreadable
from campaigns.importing import Reading
from campaigns.models import InvalidLine, RecipientGroup
from campaigns.states import Duplicates
from gateway.console import audit, labels
from gateway.console.filters import number_in
from gateway.console.read_only import ReadOnlyAdmin
from gateway.errors import Refusal
from gateway.incoming import Incoming
from jobs.admin import cells
from jobs.models import Job
from sending.admin.bars import number

_SALT = "campaigns.admin.import"
# A page that was left open over night still begins its import.
_VALID_SECONDS = 7 * 86400


class ImportPages(ReadOnlyAdmin):
    """The pages of a group through which files come in. What was uploaded is named by a signed word: nobody has other
    files below the external root shown to them."""

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whether this person may fill groups: existing recipients are changed by it, too, and their data are shown."""
        wanted = ("campaigns.view_recipient", "campaigns.add_recipient", "campaigns.change_recipient")
        return self.has_view_permission(request) and request.user.has_perms(wanted)

    def group_for(self, pk: int | str) -> RecipientGroup:
        """The group of an address."""
        key = number_in(str(pk))
        group = RecipientGroup.objects.select_related("client").filter(pk=key).first() if key is not None else None
        if group is None:
            raise Http404
        return group

    def import_urls(self) -> list[URLPattern]:
        """Below the group's own address."""
        view, name = self.admin_site.admin_view, "campaigns_recipientgroup"
        upload = taking_files(view(self.upload), is_allowed=self._may_upload)
        return [
            path("<int:pk>/import/", upload, name=f"{name}_import"),
            path("<int:pk>/import/<str:word>/", view(self.look), name=f"{name}_look"),
        ]

    def _may_upload(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request) and self.has_import_permission(request)

    def last_imports(self, request: HttpRequest, group: RecipientGroup, most: int) -> list[dict[str, Any]]:
        """The newest imports into a group, each leading to its job and to its invalid lines for who may see those."""
        may_see_jobs, may_see = request.user.has_perm("jobs.view_job"), may_see_lines(request)
        key = importing.concurrency_key(group.uuid)
        jobs = Job.objects.filter(job_class=importing.JOB_CLASS, concurrency_key=key).order_by("-created_at", "-id")
        found = list(jobs[:most])
        has_lines = Exists(InvalidLine.objects.filter(job_id=OuterRef("pk")))
        with_lines = set(Job.objects.filter(has_lines, pk__in=[job.pk for job in found]).values_list("pk", flat=True))
        return [
            {
                "job": job,
                "url": reverse("admin:jobs_job_change", args=[job.pk]) if may_see_jobs else "",
                "lines": pages.address("recipientgroup", "invalid", job.pk) if may_see and job.pk in with_lines else "",
                "at": labels.moment(job.created_at),
                "file": dict(job.params).get(importing.FILE_NAME, ""),
                "state": cells.state(job),
                "progress": cells.progress(job),
                "counts": import_counts.in_short(job),
            }
            for job in found
        ]

    def upload(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take a file, and lead to what is in it."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        group = self.group_for(pk)
        form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
        if form.is_bound and form.is_valid() and (word := self._kept(request, group, form)):
            return HttpResponseRedirect(pages.address("recipientgroup", "look", pk, word))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "object": group,
            "title": _("Look at the file"),
            "text": gettext("Recipients for %(group)s. Nothing is taken in before you have seen what is in the file.")
            % {"group": group.name},
            "form": form,
            "takes_files": True,
            "back": pages.address("recipientgroup", "change", pk),
        }
        return TemplateResponse(request, "console/suppress.html", context, status=409 if form.is_bound else 200)

    @staticmethod
    def _kept(request: HttpRequest, group: RecipientGroup, form: UploadForm) -> str:
        """What the file is known by from now on; "" with the problem in the form where it is none."""
        given = form.cleaned_data["file"]
        try:
            with Incoming() as incoming:
                stored = incoming.receive(given.chunks(), most=csv_reading.LONGEST_FILE)
                with Path(stored.path).open("rb") as file:
                    csv_reading.look(file)
                place = importing.keep_upload(caller=audit.caller(request), group=group, stored=stored)
        except Unreadable as error:
            form.add_error("file", str(error))
            return ""
        except OSError:
            form.add_error("file", gettext("The file cannot be kept at present; try again later."))
            return ""
        return signing.dumps([group.pk, place, given.name], salt=_SALT, compress=True)

    def look(self, request: HttpRequest, pk: int, word: str) -> HttpResponse:
        """What is in the file, read as it is chosen to be; and then the import."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        group = self.group_for(pk)
        try:
            group_pk, place, name = signing.loads(word, salt=_SALT, max_age=_VALID_SECONDS)
        except signing.BadSignature as error:
            raise Http404 from error
        if group_pk != group.pk:
            raise Http404
        sample, form, problem = None, None, ""
        try:
            with Incoming() as incoming:
                stored = importing.fetched(audit.caller(request), place, incoming)
                with Path(stored.path).open("rb") as file:
                    separator = request.POST.get("separator", "")
                    sheet = csv_reading.look(file, separator=separator if separator in csv_reading.SEPARATORS else "")
                    form = _form(request, sheet)
                    is_chosen = form.is_bound and form.is_valid()
                    meaning = form.meaning() if is_chosen else looking.guessed(sheet)
                    is_wanted = is_chosen and "begin" in form.data
                    if is_wanted and not looking.wrong_columns(sheet, meaning):
                        checksum = importing.sha1_of(stored.path)
                        begun = self._begin(request, group, form, place=place, name=name, checksum=checksum)
                        if begun is not None:
                            return begun
                    sample = looking.look(file, Reading(sheet=sheet, meaning=meaning), group)
        except (Unreadable, OSError) as error:
            problem = str(error)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "object": group,
            "title": gettext("Import into %(group)s") % {"group": group.name},
            "file_name": name,
            "sample": sample,
            **(_found(sample) if sample else {}),
            "form": form,
            "problem": problem,
            "back": pages.address("recipientgroup", "change", pk),
        }
        is_refused = bool(problem or (sample and sample.problem) or (form and form.errors))
        return TemplateResponse(request, "console/import_look.html", context, status=409 if is_refused else 200)

    @staticmethod
    def _begin(
        request: HttpRequest, group: RecipientGroup, form: ReadingForm, *, place: str, name: str, checksum: str
    ) -> HttpResponse | None:
        try:
            with transaction.atomic():
                job = importing.begin(
                    caller=audit.caller(request),
                    group=group,
                    path=place,
                    file_name=name,
                    duplicates=Duplicates(form.cleaned_data["duplicates"]),
                    separator=form.cleaned_data["separator"],
                    checksum=checksum,
                    meaning=form.as_parameter(),
                )
                audit.record(request, [group], f"import: job {job.pk}")
        except Refusal as refusal:
            form.tell(refusal)
            return None
        notices.success(request, gettext("Job %(job)d was started.") % {"job": job.pk})
        may_see = request.user.has_perm("jobs.view_job")
        where = reverse("admin:jobs_job_change", args=[job.pk]) if may_see else ""
        return HttpResponseRedirect(where or pages.address("recipientgroup", "change", group.pk))


def _found(sample: looking.Look) -> dict[str, Any]:
    """What a look found in as many records as it looked at, and the faults that its first records do not show."""
    among = ""
    if sample.looked_at < sample.total:
        among = gettext(" (of the first %(count)s)") % {"count": number(sample.looked_at)}
    return {
        "invalid": f"{number(sample.invalid)}{among}",
        "duplicates": f"{number(sample.duplicates)}{among}",
        "later_faults": [line for line in sample.faults if line not in sample.lines],
    }


def _form(request: HttpRequest, sheet: csv_reading.Sheet) -> ReadingForm:
    guess = looking.guessed(sheet)
    if request.method != "POST":
        return ReadingForm(sheet, guess)
    data = request.POST.copy()
    if data.get("shown") != sheet.separator:
        # Read with another separator it has other columns: what was chosen for those before says nothing.
        data.pop("begin", None)
        for number, header in enumerate(sheet.headers):
            data[f"column-{number}"] = guess[header]
    return ReadingForm(sheet, guess, data)
