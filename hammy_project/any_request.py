"""The request as Django builds it, whatever its Content-Type says."""

from typing import Any

from django.core.handlers.wsgi import WSGIRequest


class AnyRequest(WSGIRequest):
    """A request whose Content-Type cannot be read has none for Django, which would let its error out of the application
    before anybody could answer. Who reads the body says what is wrong."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except ValueError:
            self.content_type, self.content_params = "", {}
