"""Lists and pairs as people write them into a form."""

from itertools import chain
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget


class LinesField(forms.CharField):
    """A list of texts, one a line; what is demanded of the text, as ``max_length``, is demanded of each."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def run_validators(self, value: Any) -> None:
        for line in value or ():
            super().run_validators(line)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """None: the whole may be longer than a line."""
        return {}


class PairsField(forms.CharField):
    """[key, value] pairs, one ``key=value`` a line; a line that begins with a space goes on with the value above."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 5, "class": "console-code", "spellcheck": "false"})

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(f"{key}={text}".replace("\n", "\n ") for key, text in value)

    def to_python(self, value: Any) -> Any:
        pairs: list[list[str]] = []
        for line in str(value or "").replace("\r\n", "\n").split("\n"):
            key, sign, text = line.partition("=")
            if line.startswith(" ") and pairs:
                pairs[-1][1] += "\n" + line[1:]
            elif sign and key.strip():
                pairs.append([key.strip(), text])
            elif line.strip():
                raise ValidationError(_("%(line)s: must be key=value"), params={"line": line[:100]})
        return pairs

    def run_validators(self, value: Any) -> None:
        for text in chain.from_iterable(value or ()):
            super().run_validators(text)
