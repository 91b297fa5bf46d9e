"""FS: files below the external root, each client in its own folder there (contract send_v2, "Control properties")."""

from typing import BinaryIO, ClassVar

from django.conf import settings

from gateway.relative_paths import parts_of
from sending.stores import _below
from sending.stores.base import Document, Owner, Store, StoreRefusal


class FileStore(Store):
    """Plain files that other systems put there and fetch from there; names are their paths.

    What lies here is a file system's by definition: whoever wants documents elsewhere archives them to the DMS, which
    lies on Django's storage.
    """

    name: ClassVar[str] = "FS"
    source_property: ClassVar[str] = "RELATIVE_FILE_PATH"
    has_paths: ClassVar[bool] = True

    def check(self, ref: str, owner: Owner) -> None:
        """Whether it is a plain file that may be read."""
        self.open(ref, owner).close()

    def open(self, ref: str, owner: Owner) -> BinaryIO:
        """The file as it is now; a file that changes while it is read is refused then."""
        *folders, name = _named(ref)
        with _below.folder(settings.HAMMY_EXTERNAL_ROOT, (*_home(owner), *folders)) as parent:
            return _below.opened(parent, name)

    def remove(self, ref: str, owner: Owner, *, digest: str) -> bool:
        """Unlink the file, unless it holds other bytes than were fetched."""
        try:
            *folders, name = _named(ref)
            with _below.folder(settings.HAMMY_EXTERNAL_ROOT, (*_home(owner), *folders)) as parent:
                return _below.removed(parent, name, digest)
        except StoreRefusal as refusal:
            return refusal.is_missing

    def check_target(self, path: str, file_name: str, owner: Owner) -> None:
        """Whether the path can be one, and is none through a file or link."""
        _below.could_hold(settings.HAMMY_EXTERNAL_ROOT, (*_home(owner), *_parts(path)), _name(file_name))

    def keep(self, document: Document, owner: Owner) -> str:
        """Write a file of this name, in folders made where they are missing; the path below the owner's folder."""
        parts, name = _parts(document.path), _name(document.file_name)
        with _below.folder(settings.HAMMY_EXTERNAL_ROOT, (*_home(owner), *parts), is_made=True) as parent:
            # Looked for first: what was archived before a worker died is not written once more.
            if not self._lies_there(document, parent, name):
                with document.opener() as source:
                    is_written = _below.written(parent, name, source)
                if not is_written and not self._lies_there(document, parent, name):
                    raise FileExistsError(f"{name} comes and goes")
        return "/".join((*parts, name))

    @staticmethod
    def _lies_there(document: Document, parent: int, name: str) -> bool:
        try:
            is_same = _below.holds(parent, name, document.digest)
        except StoreRefusal as refusal:
            if refusal.is_missing:
                return False
            raise
        if not is_same:
            raise StoreRefusal(f"another file {name} lies there")
        return True


def _named(ref: str) -> tuple[str, ...]:
    parts = _parts(ref)
    if not parts:
        raise StoreRefusal("must name a file")
    return parts


def _name(file_name: str) -> str:
    """A file's own name, which is no path."""
    parts = _parts(file_name)
    if len(parts) != 1:
        raise StoreRefusal("must be a file name without a path")
    return parts[0]


def _home(owner: Owner) -> tuple[str, ...]:
    return _parts(owner.folder)


def _parts(path: str) -> tuple[str, ...]:
    try:
        return parts_of(path)
    except ValueError as error:
        raise StoreRefusal(str(error)) from error
