"""The types that this door's WSDL shows (contract hammy_common, "WSDL types"); what is sent is written by ``answer``.

Names are the originals'; the order of elements in answers is the samples'.
"""

from typing import Any

from gateway.spyne_names import ComplexModel, DateTime, Integer32, Long, Unicode

MODEL = "http://chaingun.dbx.hu/model/job/v1"


def _one(kind: Any) -> Any:
    """An element that may be left out, and is left out rather than nil."""
    return kind.customize(min_occurs=0, nillable=False)


def _many(kind: Any) -> Any:
    return kind.customize(min_occurs=0, max_occurs="unbounded", nillable=False)


def _type(name: str, **members: Any) -> Any:
    return type(
        name, (ComplexModel,), {"__namespace__": MODEL, "__type_name__": name, "_type_info": [*members.items()]}
    )


_TEXT, _LONG, _INT, _MOMENT = (_one(kind) for kind in (Unicode, Long, Integer32, DateTime))

_Meta = _one(_type("RequestMeta_V1", clientHashKey=_TEXT, userName=_TEXT))
_Param = _type("Param_V1", key=_TEXT, value=_TEXT)
_Params = _one(_type("Params_V1", param=_many(_Param)))
_Messages = _one(_type("Messages_V1", message=_many(Unicode)))
_Status = _type("ResponseStatus_V1", code=_INT, messages=_Messages).customize(min_occurs=1, nillable=False)
_Job = _type(
    "WJob1",
    uuid=_TEXT,
    jobClass=_TEXT,
    status=_TEXT,
    createdAt=_MOMENT,
    startedAt=_MOMENT,
    finishedAt=_MOMENT,
    updatedAt=_MOMENT,
    total=_LONG,
    completed=_LONG,
    jobParams=_one(_type("WJobParams1", jobParam=_many(_Param))),
)
_Event = _type("WJobEvent1", uuid=_TEXT, createdAt=_MOMENT, eventName=_TEXT)
_Info = _type(
    "JobInfo_V1",
    jobId=_LONG,
    jobStatus=_TEXT,
    jobClass=_TEXT,
    createdAt=_MOMENT,
    startedAt=_MOMENT,
    finishedAt=_MOMENT,
    progressPct=_INT,
    jobParams=_Params,
)
# As the originals have it: directly in the request for commands, in requestMeta for the rest. Both are taken.
_WHO = {"requestMeta": _Meta, "clientHashKey": _TEXT, "userName": _TEXT}


def _request(name: str, **members: Any) -> Any:
    return _one(_type(f"{name}Request", **members, **_WHO, params=_Params))


def _response(name: str, **members: Any) -> Any:
    return _one(_type(f"{name}Response", **members))


FIND = _request(
    "FindJobs",
    offset=_INT,
    limit=_INT,
    jobClasses=_one(_type("JobClasses_V1", jobClass=_many(Unicode))),
    statuses=_one(_type("JobStatuses_V1", status=_many(Unicode))),
    createdAtFrom=_TEXT,
    createdAtTo=_TEXT,
)
FOUND = _response(
    "FindJobs", status=_Status, params=_Params, total=_LONG, jobs=_one(_type("WJobs1", job=_many(_Job)))
)  # fmt: skip
SHOW = _request("ShowJob", uuid=_TEXT, jobId=_LONG)
SHOWN = _response("ShowJob", status=_Status, params=_Params, job=_one(_Job))
LIST_EVENTS = _request("ListJobEvents", uuid=_TEXT, jobId=_LONG)
EVENTS = _response("ListJobEvents", status=_Status, params=_Params, jobEvents=_many(_Event))
TRIGGER = _request("TriggerJob", jobName=_TEXT, legIds=_one(_type("LegIds_V1", legId=_many(Unicode))))
TRIGGERED = _response("TriggerJob", status=_Status, params=_Params)
SET_STATUS = _request("SetJobStatus", uuids=_many(Unicode), jobId=_many(Long), jobStatus=_TEXT, reason=_TEXT)
STATUS_SET = _response("SetJobStatus", jobs=_many(_Job), status=_Status)
GET_INFO = _request("GetJobInfo", uuid=_TEXT, jobId=_LONG)
INFO = _response("GetJobInfo", jobInfo=_one(_Info), status=_Status)
