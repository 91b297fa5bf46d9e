"""What the print house reads of a run: each letter with its file, its pages and where it goes, as CSV and as JSON."""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from gateway.dates import format_moment
from gateway.spreadsheets import safe_cell
from sending.letters.addressing import MOST_LINES, address_lines
from sending.models import PrintBatch

# Written last: where it is, the run is whole.
SIGNAL = "manifest.json"
_TABLE = "manifest.csv"


def write_manifest(batch: PrintBatch, letters: Iterable[Any]) -> None:
    """Both manifests of a closed run, the same at each try; raises OSError when they cannot be written, or a letter's
    file is not there."""
    items = [_item(batch, letter) for letter in letters]
    present = set(storages["spool"].listdir(str(batch))[1])
    if missing := [item["file"] for item in items if item["file"] not in present]:
        raise FileNotFoundError(f"{len(missing)} files are missing in the spool, the first is {missing[0]}")
    _put(f"{batch}/{_TABLE}", _csv(items))
    _put(f"{batch}/{SIGNAL}", _json(batch, items))


def listed_in(batch: PrintBatch) -> set[str] | None:
    """The files that the manifest of a run that was handed over lists, wherever its letters' rows are by now; None
    where the print house took it away."""
    if not batch.letters:
        return set()
    try:
        with storages["spool"].open(f"{batch}/{SIGNAL}") as file:
            return {item["file"] for item in json.load(file)["items"]}
    except FileNotFoundError:
        return None


def _item(batch: PrintBatch, letter: Any) -> dict[str, Any]:
    content, facts = letter.content, letter.facts
    return {
        "file": facts["file"].removeprefix(f"{batch}/"),
        "pages": facts["pages"],
        "sheets": facts["sheets"],
        "letterType": content.get("letter_type", ""),
        "replyEnvelope": content.get("reply_envelope_attached", False),
        "paymentSlip": content.get("payment_slip_attached", False),
        "recipientName": letter.recipient_name,
        "addressLines": address_lines(content.get("recipient_postal_address", "")),
        "messageId": letter.pk,
        "uuid": str(letter.uuid),
        "batchId": letter.batch_id,
        "partnerRef": letter.partner_ref,
        "bytes": facts["size"],
        "sha256": facts["digest"],
    }


def _json(batch: PrintBatch, items: list[dict[str, Any]]) -> bytes:
    manifest = {
        "batch": str(batch),
        "closedAt": format_moment(batch.closed_at) if batch.closed_at else None,
        "letters": batch.letters,
        "pages": batch.pages,
        "sheets": batch.sheets,
        "items": items,
    }
    return json.dumps(manifest, ensure_ascii=False, indent=1).encode()


def _csv(items: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text)
    first = items[0]
    table.writerow([name for name in first if name != "addressLines"] + [f"address{n + 1}" for n in range(MOST_LINES)])
    for item in items:
        lines = (item["addressLines"] + [""] * MOST_LINES)[:MOST_LINES]
        table.writerow([_cell(value) for name, value in item.items() if name != "addressLines"] + [*map(_cell, lines)])
    return text.getvalue().encode()


def _cell(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return safe_cell(str(value))


def _put(name: str, content: bytes) -> None:
    """Written whole, also over what a try that died left half written."""
    spool = storages["spool"]
    if spool.exists(name):
        with spool.open(name) as file:
            if file.read() == content:
                return
        spool.delete(name)
    if (written := spool.save(name, ContentFile(content))) != name:
        spool.delete(written)
        raise OSError(f"the spool called {name} {written}")
