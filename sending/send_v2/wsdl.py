"""The types that this door's WSDL shows (contract hammy_common, "WSDL types"); what is sent is written by ``answer``.

Names are the originals'; the order of elements is the contract's.
"""

from typing import Any

from gateway.soap_types import BOOLEAN, BYTES, INT, LONG, TEXT, Types, many, one
from gateway.spyne_names import Long

MODEL = "http://hammy.dbx.hu/model/send/v2"
_TYPES = Types(MODEL)

_Meta = one(_TYPES.make("RequestMeta_V1", clientHashKey=TEXT, userName=TEXT, params=_TYPES.params))
_Property = _TYPES.make("Property_V1", key=TEXT, value=TEXT, isMetaData=BOOLEAN)
_Properties = one(_TYPES.make("Properties_V1", property=many(_Property)))
_Attachment = _TYPES.make(
    "Attachment_V1",
    fileName=TEXT,
    content=BYTES,
    internalFileName=TEXT,
    documentType=TEXT,
    objectType=TEXT,
    objectRef=TEXT,
    archivingExpected=BOOLEAN,
    certificationExpected=BOOLEAN,
    deleteSourceExpected=BOOLEAN,
    postableWithoutCertificate=BOOLEAN,
    properties=_Properties,
)
_Attachments = one(_TYPES.make("Attachments_V1", attachment=many(_Attachment)))
# Named as the element: the door lets any XML stand in it.
_XmlData = one(_TYPES.make("xmlData"))
# Both places are taken; the originals have the key directly in the request.
_WHO = {"clientHashKey": TEXT, "requestMeta": _Meta}


def _response(name: str) -> Any:
    return one(_TYPES.make(f"{name}Response", messageId=LONG, status=_TYPES.status, params=_TYPES.params))


SEND = one(
    _TYPES.make(
        "SendMailRequest",
        **_WHO,
        requestId=TEXT,
        batchId=TEXT,
        partnerRef=TEXT,
        messageType=TEXT,
        messageTypeVersion=INT,
        mailSubject=TEXT,
        mailBody=TEXT,
        mailHtmlBody=TEXT,
        recipientPostalAddress=TEXT,
        recipientEmailAddress=TEXT,
        recipientName=TEXT,
        recipientEmailAddressCC=TEXT,
        recipientNameCC=TEXT,
        replyToAddress=TEXT,
        replyToName=TEXT,
        fromAddress=TEXT,
        fromName=TEXT,
        bccAddress=TEXT,
        xmlData=_XmlData,
        archivingExpected=BOOLEAN,
        certificationExpected=BOOLEAN,
        channel=TEXT,
        userName=TEXT,
        relatedMessageId=LONG,
        replyEnvelopeAttached=BOOLEAN,
        paymentSlipAttached=BOOLEAN,
        campaignPartId=LONG,
        letterType=TEXT,
        attachments=_Attachments,
        properties=_Properties,
        params=_TYPES.params,
    )
)
SENT = _response("SendMail")
RESEND = one(
    _TYPES.make(
        "ResendMailRequest",
        **_WHO,
        messageId=many(Long),
        requestId=TEXT,
        recipientEmailAddress=TEXT,
        recipientPostalAddress=TEXT,
        userName=TEXT,
        params=_TYPES.params,
    )
)
RESENT = _response("ResendMail")
