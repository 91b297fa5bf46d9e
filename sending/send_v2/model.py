"""The one declared model of a Send V2 request, in the contract's order of fields, for every face.

What is required, and what excludes what, is not said here but in ``request``: a model would stop at the first kind
of problem, and all of a request's problems are reported at once.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from gateway.incoming import StoredBytes
from sending.send_v2.fields import Base64, Boolean, Line, Text, Whole

MOST_ATTACHMENTS = 200
MOST_PROPERTIES = 1000


def _required(*names: str) -> dict[str, Any]:
    return {"required": list(names)}


class Part(BaseModel):
    """Anything of a request: known by the contract's names, and by no others."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)


class ParamPart(Part):
    """``Param_V1``."""

    model_config = ConfigDict(json_schema_extra=_required("key", "value"), title="Param")

    key: Annotated[str | None, Line(255)] = None
    value: Annotated[str | None, Text(4000)] = None


class PropertyPart(Part):
    """``Property_V1``: data for the template, metadata, or how an attachment is to be treated."""

    model_config = ConfigDict(json_schema_extra=_required("key"), title="Property")

    key: Annotated[str | None, Line(255)] = None
    value: Annotated[str | None, Text()] = None
    is_meta_data: Annotated[bool | None, Boolean()] = None


class AttachmentPart(Part):
    """``Attachment_V1``, with the members that the JSON faces add."""

    model_config = ConfigDict(json_schema_extra=_required("fileName", "properties"), title="Attachment")

    file_name: Annotated[str | None, Line(255)] = None
    internal_file_name: Annotated[str | None, Line(255)] = None
    content: Annotated[str | StoredBytes | None, Base64()] = None
    attachment_ref: Annotated[str | None, Line(255)] = None
    document_type: Annotated[str | None, Line(100)] = None
    object_type: Annotated[str | None, Line(100)] = None
    object_ref: Annotated[str | None, Line(100)] = None
    archiving_expected: Annotated[bool | None, Boolean()] = None
    certification_expected: Annotated[bool | None, Boolean()] = None
    delete_source_expected: Annotated[bool | None, Boolean()] = None
    postable_without_certificate: Annotated[bool | None, Boolean()] = None
    content_available: Annotated[bool | None, Boolean()] = None
    properties: list[PropertyPart] | None = Field(None, max_length=MOST_PROPERTIES)


class RequestMetaPart(Part):
    """``JRequestMeta_V1``."""

    model_config = ConfigDict(title="RequestMeta")

    client_hash_key: Annotated[str | None, Line(255)] = None
    user_name: Annotated[str | None, Line(150)] = None
    params: list[ParamPart] | None = Field(None, max_length=MOST_PROPERTIES)


class SendRequest(Part):
    """One letter. ``recipientAddress`` and ``recipientAddressCC`` of V1 are read as their V2 names."""

    model_config = ConfigDict(json_schema_extra=_required("recipientName"))

    client_hash_key: Annotated[str | None, Line(255)] = None
    request_meta: RequestMetaPart | None = None
    request_id: Annotated[str | None, Line(150)] = None
    batch_id: Annotated[str | None, Line(100)] = None
    partner_ref: Annotated[str | None, Line(100)] = None
    message_type: Annotated[str | None, Line(100)] = None
    message_type_version: Annotated[int | None, Whole(1, 2**31 - 1)] = None
    mail_subject: Annotated[str | None, Line(600)] = None
    mail_body: Annotated[str | None, Text()] = None
    mail_html_body: Annotated[str | None, Text()] = None
    recipient_postal_address: Annotated[str | None, Text(255)] = None
    recipient_email_address: Annotated[str | None, Line(100)] = None
    recipient_name: Annotated[str | None, Line(100)] = None
    recipient_email_address_cc: Annotated[str | None, Line(100)] = Field(None, alias="recipientEmailAddressCC")
    recipient_name_cc: Annotated[str | None, Line(100)] = Field(None, alias="recipientNameCC")
    reply_to_address: Annotated[str | None, Line(100)] = None
    reply_to_name: Annotated[str | None, Line(100)] = None
    from_address: Annotated[str | None, Line(100)] = None
    from_name: Annotated[str | None, Line(100)] = None
    bcc_address: Annotated[str | None, Line(150)] = None
    xml_data: Annotated[str | None, Text()] = None
    archiving_expected: Annotated[bool | None, Boolean()] = None
    certification_expected: Annotated[bool | None, Boolean()] = None
    channel: Annotated[str | None, Line(100)] = None
    user_name: Annotated[str | None, Line(150)] = None
    related_message_id: Annotated[int | None, Whole()] = None
    reply_envelope_attached: Annotated[bool | None, Boolean()] = None
    payment_slip_attached: Annotated[bool | None, Boolean()] = None
    campaign_part_id: Annotated[int | None, Whole()] = None
    letter_type: Annotated[str | None, Line(100)] = None
    attachments: list[AttachmentPart] | None = Field(None, max_length=MOST_ATTACHMENTS)
    properties: list[PropertyPart] | None = Field(None, max_length=MOST_PROPERTIES)
    params: list[ParamPart] | None = Field(None, max_length=MOST_PROPERTIES)


ALIASES = {"recipientAddress": "recipientEmailAddress", "recipientAddressCC": "recipientEmailAddressCC"}


PARTS = (RequestMetaPart, AttachmentPart, PropertyPart, ParamPart)


def _names(*parts: type[BaseModel]) -> dict[str, str]:
    return {name: field.alias or name for part in parts for name, field in part.model_fields.items()}


# The core's name of a field → its name in the contract; and the contract's order at the top and further in.
# A message of a queue is named by that property of AMQP.
OUTWARD_NAMES = _names(SendRequest, *PARTS) | {"delivery_id": "message_id"}
ORDER = {name: place for place, name in enumerate(_names(SendRequest).values())}
INNER_ORDER = {name: place for place, name in enumerate(_names(*PARTS).values())}
