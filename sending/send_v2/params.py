"""The parameters of a Send V2 request (contract send_v2, "params"), known by name."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from gateway.dates import parse_moment
from gateway.errors import Code
from jobs.callbacks import CALLBACK_URL, checked, is_callback_url
from sending.running_as_job import RUN_AS_JOB
from sending.send_v2.problems import Path

_MOMENTS = {"SEND_AT": "send_at", "EXPIRES_AT": "expires_at"}
_KNOWN = (*_MOMENTS, RUN_AS_JOB, CALLBACK_URL)


class Params:
    """Reads one parameter after the other; ``places`` then says where each stood, by ("params", its name)."""

    def __init__(self, *, report: Callable[[Code, str, Path], None], places: dict[Path, Path]) -> None:
        self._report = report
        self._places = places
        self._moments: dict[str, datetime] = {}
        self._callback_url = ""
        self._runs_as_job: bool | None = None

    def read(self, key: str, value: str, path: Path) -> None:
        """One parameter. An empty value is none."""
        name = CALLBACK_URL if is_callback_url(key) else key
        if not key:
            self._report(Code.REQUIRED, "required", (*path, "key"))
        elif ("params", name) in self._places:
            self._report(Code.INVALID, f"{key} is given twice", (*path, "key"))
        elif name not in _KNOWN:
            self._report(Code.UNKNOWN_FIELD, f"unknown parameter; known are {', '.join(_KNOWN)}", (*path, "key"))
        else:
            place = (*path, "value")
            self._places[("params", name)] = place
            try:
                if value:
                    self._take(name, value)
            except ValueError as error:
                self._report(Code.INVALID, f"{key} {error}", place)

    def _take(self, name: str, value: str) -> None:
        if name in _MOMENTS:
            self._moments[_MOMENTS[name]] = parse_moment(value)
        elif name == CALLBACK_URL:
            self._callback_url = checked(value)
        elif value.lower() in ("true", "false"):
            self._runs_as_job = value.lower() == "true"
        else:
            raise ValueError("must be true or false")

    def values(self) -> dict[str, Any]:
        """What the letter takes over, by its own names; reports what excludes each other."""
        send_at, expires_at = self._moments.get("send_at"), self._moments.get("expires_at")
        if send_at and expires_at and expires_at <= send_at:
            self._report(Code.INVALID, "EXPIRES_AT must be later than SEND_AT", self._places[("params", "EXPIRES_AT")])
        if self._callback_url and self._runs_as_job is False:
            words = f"not together with {RUN_AS_JOB} false"
            self._report(Code.EXCLUSIVE, f"{CALLBACK_URL}: {words}", self._places[("params", CALLBACK_URL)])
        values: dict[str, Any] = dict(self._moments)
        if self._callback_url:
            values["callback_url"] = self._callback_url
        if self._callback_url or self._runs_as_job:
            values["runs_as_job"] = True
        return values
