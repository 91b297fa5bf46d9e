"""The parameters of a request, at its top and in requestMeta (contract send_v2, field params)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.dates import parse_moment
from gateway.errors import Code
from sending.send_v2.attachments import Report
from sending.send_v2.model import ParamPart, RequestMetaPart
from sending.send_v2.problems import Path

_MOMENTS = {"SEND_AT": "send_at", "EXPIRES_AT": "expires_at"}
_AS_JOB = ("DpfControlCallbackUrl", "RUN_AS_JOB")


@dataclass(slots=True, kw_only=True)
class Params:
    """The parameters of one request; what is wrong with them goes to ``report``, and ``places`` says where in the
    request each stands that the core knows as ("params", key)."""

    report: Report
    places: dict[Path, Path] = field(default_factory=dict)

    def read(self, params: Sequence[ParamPart] | None, meta: RequestMetaPart | None) -> dict[str, datetime]:
        """What they say, wherever they stand, by the core's names."""
        moments: dict[str, datetime] = {}
        for outer, parts in (((), params), (("requestMeta",), meta.params if meta else None)):
            for index, part in enumerate(parts or ()):
                self._read(part, (*outer, "params", index), moments)
        if "send_at" in moments and "expires_at" in moments and moments["expires_at"] <= moments["send_at"]:
            place = self.places[("params", "EXPIRES_AT")]
            self.report(Code.INVALID, "EXPIRES_AT must be later than SEND_AT", place)
        return moments

    def _read(self, part: ParamPart, path: Path, moments: dict[str, datetime]) -> None:
        key, value, place = part.key or "", part.value or "", (*path, "value")
        if not key:
            self.report(Code.REQUIRED, "required", (*path, "key"))
        elif ("params", key) in self.places:
            self.report(Code.INVALID, f"{key} is given twice", (*path, "key"))
        elif key in _MOMENTS:
            self.places[("params", key)] = place
            try:
                if value:
                    moments[_MOMENTS[key]] = parse_moment(value)
            except ValueError as error:
                self.report(Code.INVALID, f"{key} {error}", place)
        elif key in _AS_JOB:
            self.places[("params", key)] = place
            if value and not (key == "RUN_AS_JOB" and value.lower() == "false"):
                self.report(Code.INVALID, f"{key}: sending as a job with callbacks is not available", place)
        else:
            self.report(Code.UNKNOWN_FIELD, f"unknown parameter; known are {', '.join(_MOMENTS)}", (*path, "key"))
