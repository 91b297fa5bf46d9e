"""What lies in the built-in DMS: found, described and fetched by its owner (contract send_v2, "Channels")."""

from typing import Any
from uuid import UUID

from django.http import FileResponse, HttpResponse
from rest_framework.request import Request

from gateway.caller import Caller
from gateway.dates import format_moment
from gateway.downloads import to_be_saved
from gateway.envelope import meta, resource
from gateway.errors import Code, Problem, not_found, refuse
from gateway.listing import LARGEST_ID, ListParameters
from gateway.rest import ApiView
from sending import blobs
from sending.dms_v1 import schema
from sending.mime import safe_file_name
from sending.models import DmsDocument
from sending.models.dms_document import DmsDocumentQuerySet

_SORTABLE = {"createdAt": "created_at", "fileName": "file_name", "version": "version"}
_TEXTS = {
    "objectType": ("object_type", 100),
    "objectRef": ("object_ref", 100),
    "documentType": ("document_type", 100),
    "fileName": ("file_name", 255),
}
# Each is a look of its own at the index.
_MOST_PROPERTIES = 10


class DocumentsView(ApiView):
    """The caller's documents, the newest first."""

    required_right = "send"

    @schema.operation("listDocuments", "List archived documents", schema.DOCUMENTS, parameters=schema.LIST_PARAMETERS)
    def get(self, request: Request) -> HttpResponse:
        names = (*_TEXTS, "messageId", "property", "createdAtFrom", "createdAtTo")
        parameters = ListParameters(request.query_params, names=names)
        page = parameters.page(sortable=_SORTABLE)
        wanted: dict[str, Any] = {
            column: value
            for name, (column, longest) in _TEXTS.items()
            if (value := parameters.text(name, longest=longest))
        }
        message_id = parameters.number("messageId", least=1, most=LARGEST_ID, default=0)
        if created_from := parameters.moment_from("createdAtFrom"):
            wanted["created_at__gte"] = created_from
        if created_to := parameters.moment_to("createdAtTo"):
            wanted["created_at__lt"] = created_to
        properties = _properties(request, parameters)
        parameters.check()
        documents = DmsDocument.objects.visible_to(self.caller).filter(**wanted)
        if message_id:
            documents = documents.of_message(message_id)
        for key, value in properties:
            documents = documents.with_term(value, key)
        rows = documents.select_related("blob").order_by(*page.order_by)[page.offset : page.offset + page.limit]
        return self.answer({"data": [_document(row) for row in rows], "meta": meta(total=documents.count())})


class DocumentView(ApiView):
    """What is known of one document."""

    required_right = "send"

    @schema.operation("readDocument", "Read what is known of a document", schema.DOCUMENT)
    def get(self, request: Request, document_id: str) -> HttpResponse:
        return self.answer({"data": _document(_find(self.caller, document_id)), "meta": meta()})


class ContentView(ApiView):
    """The document itself, always to be saved and never shown."""

    required_right = "send"

    @schema.operation("fetchDocument", "Fetch a document", schema.CONTENT)
    def get(self, request: Request, document_id: str) -> FileResponse:
        document = _find(self.caller, document_id)
        try:
            file = blobs.opened(document.blob_id)
        except OSError as error:
            raise refuse(Code.UNAVAILABLE, "the document cannot be read at present") from error
        name = safe_file_name(document.file_name)
        return to_be_saved(file, file_name=name, media_type=document.media_type, size=document.blob.size)


def _find(caller: Caller, document_id: str) -> DmsDocument:
    """The document, if the caller may see it; what they may not see looks like what does not exist."""
    try:
        uuid = UUID(document_id)
    except ValueError as error:
        raise not_found(f"document {document_id[:36]}") from error
    documents: DmsDocumentQuerySet = DmsDocument.objects.visible_to(caller)
    document = documents.select_related("blob").filter(uuid=uuid).first()
    if document is None:
        raise not_found(f"document {uuid}")
    return document


def _properties(request: Request, parameters: ListParameters) -> list[tuple[str, str]]:
    """``property=KEY=VALUE``, any number of which a document must have all."""
    found = []
    given = request.query_params.getlist("property")
    for text in given[:_MOST_PROPERTIES]:
        key, sign, value = text.partition("=")
        if not key or not sign:
            problem = Problem(code=Code.INVALID, sentence="must be KEY=VALUE", field=("property",), parameter=True)
            parameters.problems.append(problem)
        found.append((key, value))
    if len(given) > _MOST_PROPERTIES:
        sentence = f"must be at most {_MOST_PROPERTIES} values"
        parameters.problems.append(Problem(code=Code.INVALID, sentence=sentence, field=("property",), parameter=True))
    return found


def _document(document: DmsDocument) -> dict[str, Any]:
    return resource(
        "documents",
        str(document.uuid),
        {
            "fileName": document.file_name,
            "mediaType": document.media_type,
            "size": document.blob.size,
            "sha256": document.blob_id,
            "version": document.version,
            "documentType": document.document_type or None,
            "objectType": document.object_type or None,
            "objectRef": document.object_ref or None,
            "properties": [{"key": key, "value": value} for key, value in document.metadata.items()],
            "messageId": document.message_id,
            "userName": document.user_name or None,
            "createdAt": format_moment(document.created_at),
        },
    )
