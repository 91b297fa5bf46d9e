"""A PDF document made ready to be signed, in a process of its own that holds no key and may not take long or much.

Run as a program: it reads requests from its standard input and writes answers to its standard output until the input
ends, each a line of JSON and so many bytes. A document can be built to inflate without end: then this process ends, and
no other.
"""

import asyncio
import json
import logging
import resource
import signal
import sys
from io import BytesIO
from typing import Any, BinaryIO

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers import ExternalSigner, PdfSignatureMetadata, PdfSigner

_FIELD = "Hammy"
_LONGEST_WORDS = 200


class _Unfit(Exception):
    """Why a document is not to be signed, in words for people."""


def prepared(content: bytes, *, room: int, reason: str) -> tuple[dict[str, Any], bytes]:
    """The document with room for a signature of ``room`` bytes: where that begins, the digest of all the rest, and
    the bytes. Raises whatever the library does for a document that it does not fully understand."""
    # Strict: a signature over what readers understand differently proves nothing.
    writer = IncrementalPdfFileWriter(BytesIO(content), strict=True)
    if writer.prev.encrypted:
        raise _Unfit("the document is encrypted")
    taken = {name for name, _, _ in enumerate_sig_fields(writer.prev)}
    field_name = next(
        name for name in (_FIELD, *(f"{_FIELD}{n}" for n in range(2, len(taken) + 3))) if name not in taken
    )
    metadata = PdfSignatureMetadata(
        field_name=field_name,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        reason=reason or None,
    )
    # Who signs has the key, and puts the signature into the room that is left for it.
    nobody = ExternalSigner(None, None, signature_value=0)
    pdf_signer = PdfSigner(metadata, nobody, new_field_spec=SigFieldSpec(field_name))
    output = BytesIO()
    work = pdf_signer.async_digest_doc_for_signing(writer, bytes_reserved=2 * room, output=output)
    digest, _, _ = asyncio.run(work)
    # Behind the bracket that opens the text.
    found = {"digest": digest.document_digest.hex(), "start": digest.reserved_region_start + 1}
    return found, output.getvalue()


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer each request until there are no more."""
    while line := requests.readline():
        request = json.loads(line)
        content = requests.read(request.pop("size"))
        # Of work, not by the clock: a busy machine is no fault of the document. It ends this process.
        signal.setitimer(signal.ITIMER_PROF, request.pop("seconds"))
        try:
            found, data = prepared(content, **request)
        except MemoryError:
            found, data = {"why": "the document takes too much memory to read"}, b""
        except RecursionError:
            found, data = {"why": "the document is nested too deeply"}, b""
        except _Unfit as error:
            found, data = {"why": str(error)}, b""
        except Exception as error:
            # Whatever a broken document does to its reader, the next one is read.
            words = "".join(one for one in " ".join(str(error).split()) if one.isprintable())[:_LONGEST_WORDS]
            found, data = {"why": f"the document cannot be signed: {words or type(error).__name__}"}, b""
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(json.dumps(found | {"size": len(data)}).encode() + b"\n" + data)
        answers.flush()


def main() -> None:
    """``preparing.py MEMORY_BYTES``"""
    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    logging.disable()
    # Who stops its group of processes lets the one that asked finish; then the input ends.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
