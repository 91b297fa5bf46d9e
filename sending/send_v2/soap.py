"""The two operations over SOAP: decode, call, encode (contract send_v2, "Faces" and "Resend")."""

from functools import partial

from gateway.incoming import Incoming
from gateway.soap import Call, Operation, SoapDoor
from gateway.soap_writing import Members
from sending.acceptance import examine
from sending.send_v2 import answer, wsdl
from sending.send_v2.xml import SHAPE, Elements

NAME = "HammySend2API"
NAMESPACE = "http://send.api.hammy.dbx.hu/"


def _send_mail(call: Call) -> Members:
    """Take one letter; its number, once it is stored for good."""
    with Incoming() as incoming:
        reading = Elements(call.fields, incoming).read(examine=partial(examine, call.caller))
        accepted = reading.submit(call.caller)
    return answer.accepted_xml(accepted.message_id, answer.params(accepted))


def _resend_mail(call: Call) -> Members:
    """Send closed messages again, all of them or none; params of the answer name all but the first."""
    with Incoming() as incoming:
        asked = Elements(call.fields, incoming).read_resend()
    return answer.accepted_xml(*answer.resent(asked.submit(call.caller)))


OPERATIONS = (
    Operation(name="sendMail", request=wsdl.SEND, response=wsdl.SENT, required_right="send", handler=_send_mail),
    Operation(
        name="resendMail", request=wsdl.RESEND, response=wsdl.RESENT, required_right="send", handler=_resend_mail
    ),
)

door = SoapDoor(OPERATIONS, name=NAME, namespace=NAMESPACE, shape=SHAPE)
