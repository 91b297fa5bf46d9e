"""Below ``/_rest_/``; the roof mounts it. Each path with a trailing slash or without, as XML or with ``.json``."""

from django.urls import re_path

from notifications.ds3.rest import RegistrationsView, RegistrationView

_PATH = "job_completed_notification_registration"
_END = r"(?:\.json)?/?\Z"

urlpatterns = [
    re_path(rf"^{_PATH}{_END}", RegistrationsView.as_view(), name="ds3-registrations"),
    re_path(rf"^{_PATH}/(?P<registration_id>[^/]+?){_END}", RegistrationView.as_view(), name="ds3-registration"),
]
