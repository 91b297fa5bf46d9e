"""``/hammy/json/auth/v1/``; the roof mounts it. Each with a trailing slash or without."""

from django.urls import re_path

from gateway.login import LoginView, RefreshView

urlpatterns = [
    re_path(r"^login/?$", LoginView.as_view(), name="login"),
    re_path(r"^refresh/?$", RefreshView.as_view(), name="refresh"),
]
