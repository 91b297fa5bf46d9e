"""Groups and recipients over REST: decode, call, encode."""

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.request import Request

from campaigns import exporting, recipients
from campaigns.doors import CampaignsView
from campaigns.models import Recipient, RecipientGroup
from campaigns.reading import number_of, outward, uuid_of
from campaigns.recipient_rules import Person
from campaigns.recipient_v1 import answer, request, schema
from gateway.downloads import table_to_be_saved
from gateway.errors import Code, refuse
from sending.mime import safe_file_name


class GroupsView(CampaignsView):
    """The caller's groups, by name; makes one."""

    @schema.operation("listRecipientGroups", "List groups", schema.GROUPS, parameters=schema.GROUP_PARAMETERS)
    def get(self, http_request: Request) -> HttpResponse:
        asked = request.read_find_groups(http_request.query_params)
        found = recipients.groups(caller=self.caller)
        if asked.name:
            found = found.filter(name__icontains=asked.name)
        page = asked.page
        rows = found.order_by(*page.order_by)[page.offset : page.offset + page.limit]
        return self.answer(answer.groups(rows, found.count()))

    @schema.operation("createRecipientGroup", "Make a group", schema.GROUP, request=schema.NEW_GROUP)
    def post(self, http_request: Request) -> HttpResponse:
        asked = request.read_new_group(self.given(http_request))
        with outward(request.GROUP_NAMES):
            made = recipients.create_group(caller=self.caller, name=asked.name, description=asked.description)
        return self.answer(answer.group(made, 0))


class GroupView(CampaignsView):
    """One group."""

    @schema.operation("readRecipientGroup", "Read a group", schema.GROUP)
    def get(self, http_request: Request, group_id: str) -> HttpResponse:
        group = recipients.group_of(caller=self.caller, uuid=uuid_of(group_id, "recipient group"))
        return self.answer(answer.group(group, _count(group)))

    @schema.operation("changeRecipientGroup", "Change a group", schema.GROUP, request=schema.CHANGED_GROUP)
    def patch(self, http_request: Request, group_id: str) -> HttpResponse:
        uuid = uuid_of(group_id, "recipient group")
        asked = request.read_changed_group(self.given(http_request))
        with outward(request.GROUP_NAMES):
            group = recipients.rename_group(caller=self.caller, uuid=uuid, **asked.values)
        return self.answer(answer.group(group, _count(group)))

    @schema.operation("deleteRecipientGroup", "Delete a group with its recipients", schema.DONE)
    def delete(self, http_request: Request, group_id: str) -> HttpResponse:
        recipients.delete_group(caller=self.caller, uuid=uuid_of(group_id, "recipient group"))
        return self.answer(answer.done())


class ExportView(CampaignsView):
    """A group's recipients as a file, written while it is sent."""

    @schema.operation("exportRecipientGroup", "Export a group", schema.CSV)
    def get(self, http_request: Request, group_id: str) -> StreamingHttpResponse:
        group = recipients.group_of(caller=self.caller, uuid=uuid_of(group_id, "recipient group"))
        name = safe_file_name(f"{group.name}.csv")
        return table_to_be_saved(exporting.group_lines(group), file_name=name)


class RecipientsView(CampaignsView):
    """The caller's recipients in the order they came; adds one."""

    @schema.operation(
        "listRecipients", "List recipients", schema.RECIPIENTS, parameters=schema.RECIPIENT_PARAMETERS
    )  # fmt: skip
    def get(self, http_request: Request) -> HttpResponse:
        asked = request.read_find_recipients(http_request.query_params)
        groups = recipients.groups(caller=self.caller)
        if asked.group is not None:
            groups = groups.filter(uuid=asked.group)
        wanted: dict[str, Any] = {"group__in": groups}
        if asked.email_address:
            # In any case, as it is known by (campaigns.recipient_rules).
            wanted["identity"] = Person(email_address=asked.email_address).identity
        if asked.name:
            wanted["name__icontains"] = asked.name
        if asked.partner_ref:
            wanted["partner_ref"] = asked.partner_ref
        found = Recipient.objects.filter(**wanted)
        page = asked.page
        rows = found.select_related("group").order_by(*page.order_by)[page.offset : page.offset + page.limit]
        return self.answer(answer.recipients(rows, found.count()))

    @schema.operation("createRecipient", "Add a recipient", schema.RECIPIENT, request=schema.NEW_RECIPIENT)
    def post(self, http_request: Request) -> HttpResponse:
        asked = request.read_new_recipient(self.given(http_request))
        with outward(request.PERSON_NAMES):
            made = recipients.add(caller=self.caller, group_uuid=asked.group_uuid, person=Person(**asked.values))
        return self.answer(answer.recipient(made))


class OneRecipientView(CampaignsView):
    """One recipient."""

    @schema.operation("readRecipient", "Read a recipient", schema.RECIPIENT)
    def get(self, http_request: Request, recipient_id: str) -> HttpResponse:
        found = recipients.recipient_of(caller=self.caller, pk=number_of(recipient_id, "recipient"))
        return self.answer(answer.recipient(found))

    @schema.operation("changeRecipient", "Change a recipient", schema.RECIPIENT, request=schema.CHANGED_RECIPIENT)
    def patch(self, http_request: Request, recipient_id: str) -> HttpResponse:
        pk = number_of(recipient_id, "recipient")
        asked = request.read_changed_recipient(self.given(http_request))
        if asked.group_uuid not in (None, recipients.recipient_of(caller=self.caller, pk=pk).group.uuid):
            raise refuse(Code.INVALID, "a recipient stays in its group", "recipientGroupId")
        with outward(request.PERSON_NAMES):
            changed = recipients.change(caller=self.caller, pk=pk, values=asked.values)
        return self.answer(answer.recipient(changed))

    @schema.operation("deleteRecipient", "Delete a recipient", schema.DONE)
    def delete(self, http_request: Request, recipient_id: str) -> HttpResponse:
        recipients.remove(caller=self.caller, pk=number_of(recipient_id, "recipient"))
        return self.answer(answer.done())


def _count(group: RecipientGroup) -> int:
    return Recipient.objects.filter(group=group).count()
