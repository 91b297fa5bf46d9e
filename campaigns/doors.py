"""What the doors of campaigns stand on: their views and their paths."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path
from rest_framework.request import Request

from gateway.rest import ApiView
from jobs.job_v1.documents import Given


class CampaignsView(ApiView):
    """A view for clients with the right ``campaigns``."""

    required_right = "campaigns"

    def given(self, http_request: Request, *, lists: frozenset[str] = frozenset()) -> dict[str, Any]:
        """The body as plain data, however it was written; ``lists`` may stand in the query too."""
        document = Given(http_request, lists=lists)
        self.pointer_of = document.pointer  # type: ignore[method-assign]
        return document.data


def both(route: str, view: type[ApiView], name: str, **options: Any) -> list[URLPattern]:
    """A path with a trailing slash and without; the published document names it once."""
    as_view: Callable[..., Any] = view.as_view
    return [path(route, as_view(**options), name=name), path(f"{route}/", as_view(schema=None))]
