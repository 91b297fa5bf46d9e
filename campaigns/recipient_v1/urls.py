"""Below ``/hammy/json/recipient/v1/``; the roof mounts it. Each path with a trailing slash or without, no redirect."""

from campaigns.doors import both
from campaigns.recipient_v1.imports import ImportsView, ImportView, InvalidLinesView
from campaigns.recipient_v1.rest import ExportView, GroupsView, GroupView, OneRecipientView, RecipientsView

urlpatterns = [
    *both("recipientGroups", GroupsView, "recipient-groups"),
    *both("recipientGroups/<str:group_id>", GroupView, "recipient-group"),
    *both("recipientGroups/<str:group_id>/export", ExportView, "recipient-group-export"),
    *both("recipients", RecipientsView, "recipients"),
    *both("recipients/<str:recipient_id>", OneRecipientView, "recipient"),
    *both("imports", ImportsView, "recipient-imports"),
    *both("imports/<str:job_uuid>", ImportView, "recipient-import"),
    *both("imports/<str:job_uuid>/invalidLines", InvalidLinesView, "recipient-import-invalid-lines"),
]
