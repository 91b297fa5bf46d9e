"""The parameters of a request, at its top and in requestMeta (contract send_v2, field params), known by name."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.dates import parse_moment
from gateway.errors import Code
from jobs.callbacks import CALLBACK_URL, checked, is_callback_url
from sending.running_as_job import RUN_AS_JOB
from sending.send_v2.attachments import Report
from sending.send_v2.model import ParamPart, RequestMetaPart
from sending.send_v2.problems import Path

_MOMENTS = {"SEND_AT": "send_at", "EXPIRES_AT": "expires_at"}
OF_A_LETTER = (*_MOMENTS, RUN_AS_JOB, CALLBACK_URL)
OF_A_RESEND = tuple(_MOMENTS)


@dataclass(slots=True, kw_only=True)
class Params:
    """The parameters of one request, which may be those of ``known``; what is wrong with them goes to ``report``, and
    ``places`` says where in the request each stands that the core knows as ("params", key)."""

    report: Report
    known: tuple[str, ...] = OF_A_LETTER
    places: dict[Path, Path] = field(default_factory=dict)
    _moments: dict[str, datetime] = field(default_factory=dict)
    _callback_url: str = ""
    _runs_as_job: bool | None = None

    def read(self, params: Sequence[ParamPart] | None, meta: RequestMetaPart | None) -> dict[str, Any]:
        """What they say, wherever they stand, by the core's names."""
        for outer, parts in (((), params), (("requestMeta",), meta.params if meta else None)):
            for index, part in enumerate(parts or ()):
                self._read(part.key or "", part.value or "", (*outer, "params", index))
        return self._values()

    def _read(self, key: str, value: str, path: Path) -> None:
        """One parameter. An empty value is none."""
        name = CALLBACK_URL if is_callback_url(key) else key
        if not key:
            self.report(Code.REQUIRED, "required", (*path, "key"))
        elif ("params", name) in self.places:
            self.report(Code.INVALID, f"{key} is given twice", (*path, "key"))
        elif name not in self.known:
            self.report(Code.UNKNOWN_FIELD, f"unknown parameter; known are {', '.join(self.known)}", (*path, "key"))
        else:
            place = (*path, "value")
            self.places[("params", name)] = place
            try:
                if value:
                    self._take(name, value)
            except ValueError as error:
                self.report(Code.INVALID, f"{key} {error}", place)

    def _take(self, name: str, value: str) -> None:
        if name in _MOMENTS:
            self._moments[_MOMENTS[name]] = parse_moment(value)
        elif name == CALLBACK_URL:
            self._callback_url = checked(value)
        elif value.lower() in ("true", "false"):
            self._runs_as_job = value.lower() == "true"
        else:
            raise ValueError("must be true or false")

    def _values(self) -> dict[str, Any]:
        """What the letter takes over, by its own names; reports what excludes each other."""
        send_at, expires_at = self._moments.get("send_at"), self._moments.get("expires_at")
        if send_at and expires_at and expires_at <= send_at:
            self.report(Code.INVALID, "EXPIRES_AT must be later than SEND_AT", self.places[("params", "EXPIRES_AT")])
        if self._callback_url and self._runs_as_job is False:
            words = f"not together with {RUN_AS_JOB} false"
            self.report(Code.EXCLUSIVE, f"{CALLBACK_URL}: {words}", self.places[("params", CALLBACK_URL)])
        values: dict[str, Any] = dict(self._moments)
        if self._callback_url:
            values["callback_url"] = self._callback_url
        if self._callback_url or self._runs_as_job:
            values["runs_as_job"] = True
        return values
