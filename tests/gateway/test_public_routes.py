"""Every address of the site is authenticated, or listed as public with its reason."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, get_resolver

from gateway.auth import CallerAuthentication, ClientAuthentication, HasRight
from gateway.public import PUBLIC_ROUTES
from gateway.soap import SoapDoor


def routes(patterns: Any, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLPattern):
            yield route, pattern
        else:
            yield from routes(pattern.url_patterns, route)


def is_public(route: str) -> bool:
    return any(route == name or (name.endswith("/") and route.startswith(name)) for name in PUBLIC_ROUTES)


def test_s30_every_route_is_authenticated_or_listed_as_public() -> None:
    unguarded = []
    for route, pattern in routes(get_resolver("hammy_project.urls").url_patterns):
        view = getattr(pattern.callback, "cls", None)
        if is_public(route):
            continue
        if isinstance(pattern.callback, SoapDoor):
            # Its operations find out who calls, each before anything else; the WSDL is public.
            if not all(operation.required_right for operation in pattern.callback.operations.values()):
                unguarded.append(route)
            continue
        guarded = (
            view is not None
            and len(view.authentication_classes) == 1
            and issubclass(view.authentication_classes[0], (CallerAuthentication, ClientAuthentication))
            and HasRight in view.permission_classes
            and isinstance(getattr(view, "required_right", None), str)
        )
        if not guarded:
            unguarded.append(route)
    assert unguarded == []


def test_every_public_route_exists_and_says_why() -> None:
    known = {route for route, _ in routes(get_resolver("hammy_project.urls").url_patterns)}
    # Static files are served by WhiteNoise, before any route.
    listed = set(PUBLIC_ROUTES) - {"static/"}
    assert {name for name in listed if not any(route.startswith(name) for route in known)} == set()
    assert all(PUBLIC_ROUTES.values())
