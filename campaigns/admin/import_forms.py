"""What an import asks for: first a file, then how it is to be read and what its columns mean."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget

from campaigns.admin import wording
from campaigns.admin.forms import TellingForm
from campaigns.columns import PROPERTY, meant_by
from campaigns.csv_reading import Sheet
from campaigns.states import Duplicates

_COLUMN = "column-"


class UploadForm(TellingForm):
    """The file."""

    file = forms.FileField(
        label=_("File"),
        max_length=255,
        widget=UnfoldAdminFileFieldWidget,
        help_text=_("Comma-separated values (CSV) in UTF-8 or Windows-1250; the first line names the columns."),
        error_messages={"required": _("Choose a file; it must not be larger than the site takes.")},
    )


class ReadingForm(TellingForm):
    """How a file is read; a field for each of its columns, by number: a header may be any text."""

    separator = forms.ChoiceField(
        label=_("Separator"), choices=list(wording.SEPARATORS.items()), widget=UnfoldAdminSelectWidget()
    )
    duplicates = forms.ChoiceField(
        label=_("Duplicates"),
        choices=[(one.value, wording.DUPLICATES[one]) for one in Duplicates],
        initial=Duplicates.SKIP,
        widget=UnfoldAdminRadioSelectWidget(),
    )

    def __init__(self, sheet: Sheet, found: dict[str, str], data: Any = None) -> None:
        super().__init__(data, initial={"separator": sheet.separator, "duplicates": Duplicates.SKIP.value})
        self._headers = sheet.headers
        for number, header in enumerate(sheet.headers):
            self.fields[f"{_COLUMN}{number}"] = forms.ChoiceField(
                label=header or gettext("(without a name)"),
                choices=list(wording.MEANINGS.items()),
                initial=found.get(header, PROPERTY),
                required=False,
                widget=UnfoldAdminSelectWidget(),
            )

    @property
    def columns(self) -> list[Any]:
        """The fields of the columns, in their order."""
        return [self[name] for name in self.fields if name.startswith(_COLUMN)]

    def meaning(self) -> dict[str, str]:
        """What was chosen for each header; a column without a name is left out."""
        chosen = {header: self.cleaned_data[f"{_COLUMN}{number}"] for number, header in enumerate(self._headers)}
        return {header: meaning for header, meaning in chosen.items() if header}

    def as_parameter(self) -> str:
        """The same as the job takes it: what its columns do not say by themselves."""
        by_itself = meant_by(self._headers)
        chosen = {header: meaning for header, meaning in self.meaning().items() if meaning != by_itself[header]}
        return json.dumps(chosen, ensure_ascii=False) if chosen else ""
