"""The types that this door's WSDL shows (contract hammy_common, "WSDL types"); what is sent is written by ``answer``.

Names are the originals'; the order of elements in answers is the samples'.
"""

from typing import Any

from gateway.soap_types import INT, LONG, MOMENT, TEXT, Types, many, one
from gateway.spyne_names import Long, Unicode

MODEL = "http://chaingun.dbx.hu/model/job/v1"
_TYPES = Types(MODEL)

_Meta = one(_TYPES.make("RequestMeta_V1", clientHashKey=TEXT, userName=TEXT))
_Job = _TYPES.make(
    "WJob1",
    uuid=TEXT,
    jobClass=TEXT,
    status=TEXT,
    createdAt=MOMENT,
    startedAt=MOMENT,
    finishedAt=MOMENT,
    updatedAt=MOMENT,
    total=LONG,
    completed=LONG,
    jobParams=one(_TYPES.make("WJobParams1", jobParam=many(_TYPES.param))),
)
_Event = _TYPES.make("WJobEvent1", uuid=TEXT, createdAt=MOMENT, eventName=TEXT)
_Info = _TYPES.make(
    "JobInfo_V1",
    jobId=LONG,
    jobStatus=TEXT,
    jobClass=TEXT,
    createdAt=MOMENT,
    startedAt=MOMENT,
    finishedAt=MOMENT,
    progressPct=INT,
    jobParams=_TYPES.params,
)
# As the originals have it: directly in the request for commands, in requestMeta for the rest. Both are taken.
_WHO = {"requestMeta": _Meta, "clientHashKey": TEXT, "userName": TEXT}


def _request(name: str, **members: Any) -> Any:
    return one(_TYPES.make(f"{name}Request", **members, **_WHO, params=_TYPES.params))


def _response(name: str, **members: Any) -> Any:
    return one(_TYPES.make(f"{name}Response", **members))


FIND = _request(
    "FindJobs",
    offset=INT,
    limit=INT,
    jobClasses=one(_TYPES.make("JobClasses_V1", jobClass=many(Unicode))),
    statuses=one(_TYPES.make("JobStatuses_V1", status=many(Unicode))),
    createdAtFrom=TEXT,
    createdAtTo=TEXT,
)
FOUND = _response(
    "FindJobs", status=_TYPES.status, params=_TYPES.params, total=LONG, jobs=one(_TYPES.make("WJobs1", job=many(_Job)))
)  # fmt: skip
SHOW = _request("ShowJob", uuid=TEXT, jobId=LONG)
SHOWN = _response("ShowJob", status=_TYPES.status, params=_TYPES.params, job=one(_Job))
LIST_EVENTS = _request("ListJobEvents", uuid=TEXT, jobId=LONG)
EVENTS = _response("ListJobEvents", status=_TYPES.status, params=_TYPES.params, jobEvents=many(_Event))
TRIGGER = _request("TriggerJob", jobName=TEXT, legIds=one(_TYPES.make("LegIds_V1", legId=many(Unicode))))
TRIGGERED = _response("TriggerJob", status=_TYPES.status, params=_TYPES.params)
SET_STATUS = _request("SetJobStatus", uuids=many(Unicode), jobId=many(Long), jobStatus=TEXT, reason=TEXT)
STATUS_SET = _response("SetJobStatus", jobs=many(_Job), status=_TYPES.status)
GET_INFO = _request("GetJobInfo", uuid=TEXT, jobId=LONG)
INFO = _response("GetJobInfo", jobInfo=one(_Info), status=_TYPES.status)
