"""Sends over bare Spyne: its own reading and writing, no caller, no validator, one row for each letter."""
# ruff: noqa: N815 - the contract's names

import os
from typing import Any

import django
from spyne import Array
from spyne.server.wsgi import WsgiApplication

# Its first import makes Spyne importable on newer Pythons.
from gateway.spyne_names import Application, ComplexModel, Integer32, Long, Service, Soap11, Unicode, rpc

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers.jsonapi.settings"
django.setup()

from benchmarks.peers.jsonapi.models import Note  # noqa: E402 - Django must be there first

_NAMESPACE = "http://send.api.hammy.dbx.hu/"


class Property(ComplexModel):
    __namespace__ = _NAMESPACE
    key = Unicode
    value = Unicode


class SendRequest(ComplexModel):
    __namespace__ = _NAMESPACE
    clientHashKey = Unicode
    requestId = Unicode
    batchId = Unicode
    partnerRef = Unicode
    channel = Unicode
    mailSubject = Unicode
    mailBody = Unicode
    recipientName = Unicode
    recipientEmailAddress = Unicode
    properties = Array(Property)


class Status(ComplexModel):
    __namespace__ = _NAMESPACE
    code = Integer32
    messages = Array(Unicode)


class SendResponse(ComplexModel):
    __namespace__ = _NAMESPACE
    messageId = Long
    status = Status


_GIVEN = [name for name in SendRequest.get_flat_type_info(SendRequest) if name != "properties"]


class SendService(Service):
    @rpc(SendRequest, _returns=SendResponse, _body_style="wrapped", _out_variable_name="response")
    def sendMail(_context: Any, request: SendRequest) -> SendResponse:  # noqa: N802, N805 - Spyne's way
        content = {name: getattr(request, name) for name in _GIVEN}
        note = Note.objects.create(title=request.mailSubject, content=content)
        return SendResponse(messageId=note.pk, status=Status(code=0, messages=[]))


application = WsgiApplication(Application([SendService], tns=_NAMESPACE, in_protocol=Soap11(), out_protocol=Soap11()))
