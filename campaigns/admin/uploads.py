"""Files that a form takes: written to the disk as they come, for who may send them, and no more than a site takes."""

from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

View = Callable[..., HttpResponseBase]


class _OnDisk(FileUploadHandler):
    """Where what comes in lies anyway, gone when it is closed. Of what is larger than HAMMY_MAX_UPLOAD_BYTES nothing is
    kept, and the form has no file."""

    def new_file(self, *args: Any, **options: Any) -> None:
        super().new_file(*args, **options)
        folder = Path(settings.HAMMY_INCOMING)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._kept = NamedTemporaryFile(dir=folder)  # noqa: SIM115 (closed with the request)
        self._size = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._size += len(raw_data)
        if self._size > settings.HAMMY_MAX_UPLOAD_BYTES:
            self._kept.close()
            raise StopUpload(connection_reset=True)
        self._kept.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[bytes]":
        self._kept.seek(0)
        return UploadedFile(self._kept, self.file_name, self.content_type, file_size, self.charset)


def taking_files(view: View, *, is_allowed: Callable[[HttpRequest], bool]) -> View:
    """A view as ``admin_view`` gives it, whose form takes files. Its check against forged requests reads the body, so
    who may send one is asked before: of others no file is taken."""

    def wrapped(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        if request.method == "POST" and is_allowed(request):
            request.upload_handlers = [_OnDisk(request)]
        return view(request, *args, **options)

    # The view within is checked; here the body would be read too early.
    return csrf_exempt(wrapped)
