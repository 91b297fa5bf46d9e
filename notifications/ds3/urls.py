"""Below ``/_rest_/``; the roof mounts it. Each path with a trailing slash or without, as XML or with ``.json``."""

from django.urls import path

from notifications.ds3.rest import RegistrationsView, RegistrationView

_PATH = "job_completed_notification_registration"
_ONE = f"{_PATH}/<str:registration_id>"
# The published document names each path once.
_again = RegistrationsView.as_view(schema=None)

urlpatterns = [
    path(_PATH, RegistrationsView.as_view(), name="ds3-registrations"),
    path(f"{_PATH}/", _again),
    path(f"{_PATH}.json", _again),
    path(f"{_PATH}.json/", _again),
    path(_ONE, RegistrationView.as_view(), name="ds3-registration"),
    path(f"{_ONE}/", RegistrationView.as_view(schema=None)),
]
