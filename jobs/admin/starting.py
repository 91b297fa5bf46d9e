"""Starting a trigger's job now: a form made of what its class takes, each problem told at its field."""

from collections.abc import Iterable
from enum import Enum
from inspect import isclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from gateway.console.confirming import reason_field
from gateway.errors import Refusal
from jobs import callbacks
from jobs.models import Trigger
from jobs.params import LEGS, LONGEST_VALUE
from jobs.registry import job_class

_PREFIX = "param-"


class StartForm(forms.Form):
    """The parameters with the trigger's own filled in, its legs, and why; raises 3002 for a class that is unknown."""

    legs = forms.MultipleChoiceField(
        label=gettext_lazy("Legs"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={"invalid_choice": gettext_lazy("%(value)s is no leg of this trigger.")},
    )
    reason = reason_field()

    def __init__(self, trigger: Trigger, data: Any = None) -> None:
        super().__init__(data)
        self._defaults = {str(key): str(value) for key, value in trigger.params}
        model = job_class(trigger.job_class).Params
        legs = [str(leg) for leg in trigger.legs]
        called_back = next(filter(callbacks.is_callback_url, self._defaults), callbacks.CALLBACK_URL)
        own: dict[str, forms.Field] = {}
        for name, field in model.model_fields.items():
            key = field.alias or name
            if not (key == LEGS and legs):
                own[_PREFIX + key] = _field(key, field, self._defaults.get(key))
        own[_PREFIX + called_back] = _callback_field(called_back, self._defaults.get(called_back))
        if legs:
            chosen: forms.MultipleChoiceField = self.fields["legs"]  # type: ignore[assignment]
            chosen.choices, chosen.initial = [(leg, leg) for leg in legs], legs
            own["legs"] = chosen
        self.fields = own | {"reason": self.fields["reason"]}

    def clean_legs(self) -> list[str]:
        """At least one: none would mean all of them to the service."""
        legs: list[str] = self.cleaned_data["legs"]
        if not legs:
            raise forms.ValidationError(_("Choose at least one leg."))
        return legs

    @property
    def params(self) -> list[tuple[str, str]]:
        """What was filled in; an empty field that has no default is not given at all."""
        pairs = []
        for name, value in self.cleaned_data.items():
            key = name.removeprefix(_PREFIX)
            if name.startswith(_PREFIX) and (value or key in self._defaults):
                pairs.append((key, value.replace("\r\n", "\n")))
        return pairs

    def tell(self, refusal: Refusal) -> None:
        """Put each problem of a refusal at its field, or above all where it has none here."""
        for problem in refusal.problems:
            name = _PREFIX + str(problem.field[1]) if len(problem.field) > 1 else str(*problem.field[:1])
            name = "legs" if name == "leg_ids" else name
            if name in self.fields:
                self.add_error(name, problem.sentence)
            else:
                self.add_error(None, problem.detail)


def _field(key: str, field: Any, default: str | None) -> forms.Field:
    hints: Iterable[str] = filter(None, (field.description, _hint(field)))
    options: dict[str, Any] = {
        "label": key,
        "required": False,
        "initial": default,
        "help_text": " ".join(hints),
        "strip": False,
        "max_length": LONGEST_VALUE,
    }
    if choices := _choices(field.annotation):
        offered = list(dict.fromkeys(["", *choices, *([default] if default else [])]))
        widget: Any = UnfoldAdminSelectWidget(choices=[(value, value or "–") for value in offered])
    elif default and "\n" in default:
        widget = UnfoldAdminTextareaWidget(attrs={"rows": 4})
    else:
        widget = UnfoldAdminTextInputWidget()
    return forms.CharField(widget=widget, **options)


def _callback_field(key: str, default: str | None) -> forms.Field:
    """Every class's jobs may be called back, and none hears of it."""
    return forms.CharField(
        label=key,
        required=False,
        initial=default,
        strip=False,
        max_length=LONGEST_VALUE,
        help_text=_("An address that is called when the job begins to send and when it ends."),
        widget=UnfoldAdminTextInputWidget(),
    )


def _hint(field: Any) -> str:
    if field.is_required():
        return _("Required.")
    default = field.get_default()
    return "" if default in (None, "", []) else _("Without it: %(default)s.") % {"default": default}


def _choices(annotation: Any) -> list[str]:
    """The values of a parameter that takes only a few."""
    origin = get_origin(annotation)
    if origin is Literal:
        return [str(value) for value in get_args(annotation)]
    if origin is Annotated:
        return _choices(get_args(annotation)[0])
    if origin in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return _choices(kinds[0]) if len(kinds) == 1 else []
    if annotation is bool:
        return ["true", "false"]
    if isclass(annotation) and issubclass(annotation, Enum):
        return [str(member.value) for member in annotation]
    return []
