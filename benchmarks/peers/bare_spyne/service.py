"""What the web server loads: no database, no caller, no validator, the same page for everyone."""
# ruff: noqa: N815 - the contract's names

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from spyne import Array
from spyne.server.wsgi import WsgiApplication

# Its first import makes Spyne importable on newer Pythons.
from gateway.spyne_names import Application, ComplexModel, DateTime, Integer32, Long, Service, Soap11, Unicode, rpc

_NAMESPACE = "http://chaingun.dbx.hu/api/job/v1"
_MODEL = "http://chaingun.dbx.hu/model/job/v1"
PAGE = 20


class RequestMeta(ComplexModel):
    __namespace__ = _MODEL
    clientHashKey = Unicode
    userName = Unicode


class FindRequest(ComplexModel):
    __namespace__ = _MODEL
    requestMeta = RequestMeta
    offset = Integer32
    limit = Integer32
    statuses = Array(Unicode(type_name="status"))


class Status(ComplexModel):
    __namespace__ = _MODEL
    code = Integer32
    messages = Array(Unicode)


class Param(ComplexModel):
    __namespace__ = _MODEL
    key = Unicode
    value = Unicode


class Job(ComplexModel):
    __namespace__ = _MODEL
    uuid = Unicode
    jobClass = Unicode
    status = Unicode
    createdAt = DateTime
    startedAt = DateTime
    finishedAt = DateTime
    updatedAt = DateTime
    total = Long
    completed = Long
    jobParams = Array(Param)


class FindResponse(ComplexModel):
    __namespace__ = _MODEL
    status = Status
    params = Array(Param)
    total = Long
    jobs = Array(Job)


def _job(number: int) -> Job:
    moment = datetime(2026, 11, 28, 12, 0, number, 190_000, UTC)
    params = [
        ("RELATIVE_FILE_PATH", f"/import/2026/11/recipients-{number}.csv"),
        ("RECIPIENT_GROUP_UUID", f"{number:032x}"),
        ("CSV_SEPARATOR", ";"),
    ]
    return Job(
        uuid=str(UUID(int=number)),
        jobClass="bench.stored.Class00",
        status="FINISHED",
        createdAt=moment,
        startedAt=moment,
        finishedAt=moment,
        updatedAt=moment,
        total=100,
        completed=100,
        jobParams=[Param(key=key, value=value) for key, value in params],
    )


_FOUND = FindResponse(
    status=Status(code=0, messages=[]), params=[], total=1000, jobs=[_job(number) for number in range(PAGE)]
)


class JobService(Service):
    @rpc(FindRequest, _returns=FindResponse, _body_style="wrapped", _out_variable_name="response")
    def findJobs(_context: Any, request: FindRequest) -> FindResponse:  # noqa: N802, N805 - Spyne's way
        return _FOUND


application = WsgiApplication(Application([JobService], tns=_NAMESPACE, in_protocol=Soap11(), out_protocol=Soap11()))
