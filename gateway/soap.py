"""What every SOAP door stands on: one Spyne application for it, its WSDL, who calls, and what goes wrong.

Spyne knows the operations and publishes the WSDL, which is public; the body is read (gateway.soap_reading) and the
answer written (gateway.soap_writing) by us. Each call names its client in its body.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from lxml import etree

from gateway import soap_writing
from gateway.body import check_encoding, media_type_of, read_body
from gateway.caller import Caller
from gateway.credentials.hash_key import caller_by_key
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.failures import refusal_for
from gateway.logs import note_caller
from gateway.remote import remote_address
from gateway.soap_reading import Envelope, read_envelope
from gateway.soap_writing import Members
from gateway.spyne_names import Application, ServerBase, Service, Soap11, Wsdl11, rpc
from gateway.xml_reading import NO_SHAPE, Shape

XML = "text/xml; charset=utf-8"
_MEDIA_TYPES = ("text/xml", "application/xml", "application/soap+xml", "")
_LONGEST_NAME = 150
_SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
_SCHEMA_ORDER = [f"{_SCHEMA}{tag}" for tag in ("import", "simpleType", "complexType", "element")]
_PLACEHOLDER = f"urn:uuid:{uuid4()}"


@dataclass(frozen=True, slots=True)
class Call:
    """One call whose caller is known: ``fields`` are the children of ``<request>`` as plain data."""

    caller: Caller
    fields: dict[str, Any]


Handler = Callable[[Call], Members]


@dataclass(frozen=True, slots=True)
class _Incoming:
    envelope: Envelope
    request: HttpRequest


@dataclass(slots=True)
class _Outcome:
    """What becomes of a call: the members of its answer, or a Fault's sentence."""

    members: Members
    fault: str = ""
    retry_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation of a door: its name, the types that its WSDL shows, the right that its caller must hold, and what
    carries it out. What that raises becomes the answer's status, with ``<params/>`` where ``has_params_always``."""

    name: str
    request: Any
    response: Any
    required_right: str
    handler: Handler
    has_params_always: bool = False

    def carry_out(self, incoming: _Incoming) -> _Outcome:
        """Find out who calls, and call; never raises."""
        try:
            caller = _caller(incoming)
            caller.require(self.required_right)
            return _Outcome(self.handler(Call(caller, incoming.envelope.fields)))
        except Exception as error:
            return _refused(refusal_for(error), {"params": {}} if self.has_params_always else {})

    @property
    def spyne_method(self) -> Any:
        """The same for Spyne, which takes its name and its words from the function."""

        def method(_context: Any, request: _Incoming) -> _Outcome:
            return self.carry_out(request)

        method.__name__, method.__doc__ = self.name, self.handler.__doc__
        return rpc(self.request, _returns=self.response, _out_variable_name="response")(method)


class SoapDoor:
    """A view for one endpoint: POST calls, GET with ``?wsdl`` reads the WSDL.

    ``namespaces`` names those operations whose answer stands in another namespace than the door's own; ``shape`` says
    which elements are more than texts and children: its ``as_xml`` names the WSDL's types of any XML, too.
    """

    csrf_exempt = True

    def __init__(
        self,
        operations: Sequence[Operation],
        *,
        name: str,
        namespace: str,
        namespaces: Callable[[], Mapping[str, str]] = dict,
        shape: Shape = NO_SHAPE,
    ) -> None:
        self.namespace, self._namespaces, self._shape = namespace, namespaces, shape
        self.operations = {operation.name: operation for operation in operations}
        service = type(name, (Service,), {operation.name: operation.spyne_method for operation in operations})
        self.application = Application([service], tns=namespace, name=name, in_protocol=Soap11(), out_protocol=Soap11())
        # From it Spyne has the transport that the WSDL names.
        _Server(self.application)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD") and "wsdl" in {name.lower() for name in request.GET}:
            return HttpResponse(self.wsdl(request.build_absolute_uri(request.path)), content_type=XML)
        if request.method != "POST":
            response = _fault("Client", "call by POST; the WSDL is at ?wsdl", status=405)
            response.headers["Allow"] = "GET, HEAD, POST"
            return response
        try:
            envelope = self._envelope(request)
            return self._answer(envelope, self._dispatched(_Incoming(envelope, request)))
        except Exception as error:
            refusal = refusal_for(error)
            return _fault("Server" if refusal.code >= Code.INTERNAL else "Client", str(refusal))

    def wsdl(self, address: str) -> bytes:
        """The WSDL of a service that is called at ``address``."""
        return self._wsdl.replace(_PLACEHOLDER, escape(address)).encode()

    @cached_property
    def _wsdl(self) -> str:
        document = Wsdl11(self.application.interface, element_form_default="unqualified")
        document.build_interface_document(_PLACEHOLDER)
        root = document.root_elt
        for element in root.iter("{*}operation", "{*}part"):
            # Spyne names the message here, where only its parts may stand.
            element.attrib.pop("parameterOrder", None)
            if element.tag.endswith("}part"):
                # By this name clients of .NET know a wrapper, and unwrap it.
                element.set("name", "parameters")
        for kind in root.iter("{*}complexType"):
            if kind.get("name") in self._shape.as_xml:
                _take_any_xml(kind)
        prefixes = []
        for schema in root.iter("{*}schema"):
            prefixes.append(self.application.interface.prefmap[schema.get("targetNamespace")])
            if schema.get("targetNamespace") != self.namespace:
                # An element for each type, which nobody ever sends.
                schema[:] = [child for child in schema if not child.tag.endswith("}element")]
            # Spyne's order is another one in each process.
            schema[:] = sorted(schema, key=lambda child: (_SCHEMA_ORDER.index(child.tag), child.get("name", "")))
        # Of the rest some take it for a promise: gSOAP would speak SOAP 1.2 where its namespace is named.
        etree.cleanup_namespaces(root, keep_ns_prefixes=["xs", *prefixes])
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(root, encoding="unicode")

    def _envelope(self, request: HttpRequest) -> Envelope:
        if media_type_of(request) not in _MEDIA_TYPES:
            raise refuse(Code.MALFORMED, "must be text/xml", "Content-Type")
        check_encoding(request)
        content_type = request.META.get("CONTENT_TYPE", "")
        envelope = read_envelope(read_body(request), content_type=content_type, shape=self._shape)
        if envelope.operation not in self.application.interface.service_method_map:
            known = ", ".join(sorted(self.operations))
            raise refuse(Code.MALFORMED, f"there is no such operation here; known are {known} of {self.namespace}")
        # Whoever lets some calls pass by their SOAPAction must not be told another one than is carried out.
        action = request.META.get("HTTP_SOAPACTION", "").strip().strip('"')
        action = action.rpartition("#")[2].rpartition("/")[2].rpartition(":")[2]
        if action in self.operations and action != envelope.name:
            raise refuse(Code.MALFORMED, "SOAPAction names another operation than the body")
        return envelope

    def _dispatched(self, incoming: _Incoming) -> _Outcome:
        # By Spyne's map, without its context of a call, which cost a letter as much as its XML and which nobody hears.
        (method,) = self.application.interface.service_method_map[incoming.envelope.operation]
        outcome: _Outcome = method.function(None, incoming)
        return outcome

    def _answer(self, envelope: Envelope, outcome: _Outcome) -> HttpResponse:
        if outcome.fault:
            return _fault("Server", outcome.fault)
        namespace = self._namespaces().get(envelope.name, self.namespace)
        response = HttpResponse(soap_writing.answer(envelope.name, namespace, outcome.members), content_type=XML)
        response.headers["Cache-Control"] = "no-store"
        if outcome.retry_after is not None:
            response.headers["Retry-After"] = str(outcome.retry_after)
        return response


def _take_any_xml(kind: Any) -> None:
    """Text and elements of any kind, which Spyne has no word for."""
    kind[:] = []
    kind.set("mixed", "true")
    sequence = etree.SubElement(kind, f"{_SCHEMA}sequence")
    etree.SubElement(sequence, f"{_SCHEMA}any", minOccurs="0", maxOccurs="unbounded", processContents="skip")


class _Server(ServerBase):
    """Spyne's place for a transport."""

    transport = "http://schemas.xmlsoap.org/soap/http"


def succeeded(code: Code | int = 0) -> Members:
    """``status`` of what was done."""
    return soap_writing.status(int(code), [])


def _refused(refusal: Refusal, more: Members) -> _Outcome:
    if refusal.code == Code.INTERNAL:
        return _Outcome({}, fault=str(refusal))
    messages = [problem.detail for problem in refusal.problems]
    return _Outcome({"status": soap_writing.status(refusal.code, messages), **more}, retry_after=refusal.retry_after)


def _caller(incoming: _Incoming) -> Caller:
    """Who calls: the client proved by its key, the user recorded as named; raises 2000, 2002 (network) and 2003."""
    request, fields = incoming.request, incoming.envelope.fields
    key = _one(fields, "clientHashKey", request.META.get("HTTP_X_CLIENT_HASH_KEY", ""), request.GET)
    user_name = _one(fields, "userName", request.META.get("HTTP_X_USER_NAME", ""), request.GET)
    if len(user_name) > _LONGEST_NAME or not user_name.isprintable():
        raise refuse(Code.CLIENT, f"must be at most {_LONGEST_NAME} printable characters", "userName")
    caller = caller_by_key(client_hash_key=key, user_name=user_name, address=remote_address(request))
    note_caller(caller)
    return caller


def _one(fields: Mapping[str, Any], name: str, header: str, query: Any) -> str:
    meta = fields.get("requestMeta")
    values = [header, *query.getlist(name), *_texts(fields.get(name))]
    for part in meta if isinstance(meta, list) else [meta]:
        values += _texts(part.get(name)) if isinstance(part, dict) else []
    found = {value.strip() for value in values} - {""}
    if len(found) > 1:
        raise Refusal(Problem(code=Code.CLIENT, sentence="is given more than once, differently", field=(name,)))
    return found.pop() if found else ""


def _texts(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def _fault(code: str, sentence: str, *, status: int = 500) -> HttpResponse:
    response = HttpResponse(soap_writing.fault(code, sentence), status=status, content_type=XML)
    response.headers["Cache-Control"] = "no-store"
    # What a caller got wrong is no failure of ours, though SOAP 1.1 gives both the same status.
    response._has_been_logged = code == "Client"  # type: ignore[attr-defined]
    return response
