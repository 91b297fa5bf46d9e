"""The form of a draft: what does not compile is refused where it stands."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _

from gateway.body import decode_json
from gateway.errors import Refusal
from sending.models import TemplateVersion
from sending.templating import TemplateSyntax, compile_template

_WORDS = ("subject", "text", "html", "list_unsubscribe")


class SampleField(forms.JSONField):
    """JSON that every database can keep, and no deeper than a letter's data may be."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip():
            try:
                decode_json(value.encode())
            except Refusal as error:
                sentence = self.error_messages["invalid"]
                raise ValidationError(sentence, code="invalid", params={"value": value}) from error
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return InvalidJSONInput(data)


class VersionForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a draft says; a template that does not compile is refused with its line."""

    class Meta:
        model = TemplateVersion
        fields = ("template", "subject", "text", "html", "list_unsubscribe", "letter", "sample")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        for name in _WORDS:
            if name in values:
                try:
                    compile_template(values[name], html=name == "html")
                except TemplateSyntax as error:
                    self.add_error(name, str(error))
        if "text" in values and "html" in values and not values["text"] and not values["html"]:
            self.add_error("text", _("A letter needs a text, an HTML body or both."))
        return values

    def clean_sample(self) -> dict[str, Any]:
        sample = self.cleaned_data["sample"]
        if not isinstance(sample, dict):
            raise ValidationError(_("Give an object: names and values."))
        return sample
