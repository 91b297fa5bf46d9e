"""The six operations over SOAP: decode, call, encode (contract job_v1; the shapes are the samples')."""

from collections.abc import Mapping

from django.conf import settings

from gateway.soap import Call, Operation, SoapDoor, succeeded
from gateway.soap_writing import Members
from jobs import services
from jobs.job_v1 import answer, finding, request, wsdl

NAME = "ChaingunJobAPI"
NAMESPACE = "http://chaingun.dbx.hu/api/job/v1"
_OLD_NAMESPACE = "http://admin.api.chaingun.dbx.hu/"
_FIND_FIELDS = ("offset", "limit", "jobClasses", "statuses", "createdAtFrom", "createdAtTo")


def _find_jobs(call: Call) -> Members:
    """Jobs by class, status and time, the newest first."""
    asked = request.read_find_fields(call.fields, known=_FIND_FIELDS)
    rows, total = finding.find(call.caller, asked)
    jobs = {"job": [answer.xml_job(row) for row in rows]}
    return {"status": succeeded(), "params": {}, "total": total, "jobs": jobs}


def _show_job(call: Call) -> Members:
    """One job."""
    job = services.find(call.caller, request.read_show(call.fields))
    return {"status": succeeded(), "params": {}, "job": answer.xml_job(job)}


def _list_job_events(call: Call) -> Members:
    """What happened to one job, the oldest first."""
    events = finding.events(call.caller, request.read_show(call.fields))
    return {"status": succeeded(), "params": {}, "jobEvents": [answer.xml_event(event) for event in events]}


def _trigger_job(call: Call) -> Members:
    """Run a defined trigger now; params of the answer name the job."""
    asked = request.read_trigger(call.fields)
    with request.outward(call.fields):
        job = services.trigger_job(
            caller=call.caller, name=asked.job_name, leg_ids=asked.leg_ids, params=asked.pairs
        )  # fmt: skip
    params = [{"key": key, "value": value} for key, value in answer.triggered(job)]
    return {"status": succeeded(), "params": {"param": params}}


def _set_job_status(call: Call) -> Members:
    """Bring jobs to a status, all of them or none."""
    asked = request.read_set_status(call.fields)
    with request.outward(call.fields):
        jobs = services.set_status(
            caller=call.caller, ids=asked.ids, status=asked.job_status, reason=asked.reason
        )  # fmt: skip
    return {"jobs": [answer.xml_job(job) for job in jobs], "status": succeeded()}


def _get_job_info(call: Call) -> Members:
    """How far one job has come."""
    job = services.find(call.caller, request.read_show(call.fields))
    return {"jobInfo": answer.xml_info(job), "status": succeeded()}


OPERATIONS = (
    Operation(
        name="findJobs",
        request=wsdl.FIND,
        response=wsdl.FOUND,
        required_right="jobs.read",
        handler=_find_jobs,
        has_params_always=True,
    ),
    Operation(
        name="showJob",
        request=wsdl.SHOW,
        response=wsdl.SHOWN,
        required_right="jobs.read",
        handler=_show_job,
        has_params_always=True,
    ),
    Operation(
        name="listJobEvents",
        request=wsdl.LIST_EVENTS,
        response=wsdl.EVENTS,
        required_right="jobs.read",
        handler=_list_job_events,
        has_params_always=True,
    ),
    Operation(
        name="triggerJob",
        request=wsdl.TRIGGER,
        response=wsdl.TRIGGERED,
        required_right="jobs.run",
        handler=_trigger_job,
    ),
    Operation(
        name="setJobStatus",
        request=wsdl.SET_STATUS,
        response=wsdl.STATUS_SET,
        required_right="jobs.run",
        handler=_set_job_status,
    ),
    Operation(
        name="getJobInfo",
        request=wsdl.GET_INFO,
        response=wsdl.INFO,
        required_right="jobs.read",
        handler=_get_job_info,
    ),
)


def _namespaces() -> Mapping[str, str]:
    return {"triggerJob": _OLD_NAMESPACE} if settings.HAMMY_SOAP_OLD_TRIGGER_NAMESPACE else {}


door = SoapDoor(OPERATIONS, name=NAME, namespace=NAMESPACE, namespaces=_namespaces)
