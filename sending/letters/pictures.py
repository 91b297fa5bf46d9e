"""Pages as pictures, for looking at."""

from io import BytesIO
from threading import Lock

import pypdfium2

# PDFium is not made for threads.
_lock = Lock()
_DPI = 110
_LARGEST_EDGE = 2000


def page_image(pdf: bytes, page: int = 0, *, dpi: int = _DPI) -> bytes:
    """One page, counted from 0, as a PNG picture; ValueError when there is no such page or no such document."""
    with _lock:
        try:
            document = pypdfium2.PdfDocument(pdf)
        except pypdfium2.PdfiumError as error:
            raise ValueError("this is no PDF document that can be shown") from error
        try:
            if not 0 <= page < len(document):
                raise ValueError(f"there is no page {page + 1} of {len(document)}")
            shown = document[page]
            # However large a page claims to be, its picture is not.
            scale = min(dpi / 72, _LARGEST_EDGE / max(*shown.get_size(), 1.0))
            picture = shown.render(scale=scale).to_pil()
        finally:
            document.close()
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
