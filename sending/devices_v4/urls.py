"""Below ``/v4/``; the roof mounts it. Each path with a trailing slash or without, for a redirect loses a body."""

from django.urls import path

from sending.devices_v4.rest import DevicesView, DeviceView, KeyView

_ONE = "devices/<str:registration_id>"

urlpatterns = [
    path("devices", DevicesView.as_view(), name="v4-devices"),
    path("devices/", DevicesView.as_view(schema=None)),
    path("devices/key", KeyView.as_view(), name="v4-devices-key"),
    path("devices/key/", KeyView.as_view(schema=None)),
    path(_ONE, DeviceView.as_view(), name="v4-device"),
    path(f"{_ONE}/", DeviceView.as_view(schema=None)),
]
