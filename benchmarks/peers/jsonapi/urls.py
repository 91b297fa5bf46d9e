"""The one resource."""

from django.urls import include, path
from rest_framework.routers import DefaultRouter
from rest_framework_json_api import serializers, views

from benchmarks.peers.jsonapi.models import Note


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["title", "content", "created_at"]


class NoteViewSet(views.ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer


router = DefaultRouter()
router.register("notes", NoteViewSet)
urlpatterns = [path("", include(router.urls))]
