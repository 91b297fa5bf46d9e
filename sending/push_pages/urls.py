"""Below ``/push/``; the roof mounts it."""

from django.urls import path

from sending.push_pages.views import shown

urlpatterns = [
    path("demo", shown, {"name": "demo.html"}, name="push-demo"),
    path("<str:name>", shown, name="push-file"),
]
