"""Files that no database, cache or broker can change: they run once, in `make test`, and not again on services.

A file stands here when its tests ask for no database, and pass where neither PostgreSQL, RabbitMQ nor Redis can be
reached; what they start has an environment of its own, without the run's services. In doubt a file runs on both.
"""

import pytest

FILES = frozenset(
    {
        "tests/architecture/test_agreements.py",
        "tests/architecture/test_documents.py",
        "tests/architecture/test_laws.py",
        "tests/campaigns/test_doors_openapi.py",
        "tests/e2e/test_demo.py",
        "tests/gateway/test_dates.py",
        "tests/gateway/test_listing.py",
        "tests/gateway/test_long_texts.py",
        "tests/gateway/test_multipart.py",
        "tests/gateway/test_outbound.py",
        "tests/gateway/test_queue_frames.py",
        "tests/gateway/test_soap_reading.py",
        "tests/jobs/test_params.py",
        "tests/jobs/test_timing.py",
        "tests/notifications/test_ds3_openapi.py",
        "tests/notifications/test_payload_conformance.py",
        "tests/platform/test_file_cache.py",
        "tests/platform/test_filesystem_broker.py",
        "tests/platform/test_make.py",
        "tests/platform/test_sqlite.py",
        "tests/platform/test_storage.py",
        "tests/schedules/test_timing.py",
        "tests/schedules/test_v4_openapi.py",
        "tests/sending/test_bounces.py",
        "tests/sending/test_channel_conformance.py",
        "tests/sending/test_email_channel.py",
        "tests/sending/test_letters.py",
        "tests/sending/test_mime.py",
        "tests/sending/test_post_channel.py",
        "tests/sending/test_press.py",
        "tests/sending/test_send_v2_any_json.py",
        "tests/sending/test_send_v2_attachments.py",
        "tests/sending/test_send_v2_json_api.py",
        "tests/sending/test_send_v2_openapi.py",
        "tests/sending/test_send_v2_request.py",
        "tests/sending/test_signing_identity.py",
        "tests/sending/test_signing_mail.py",
        "tests/sending/test_signing_pdf.py",
        "tests/sending/test_smtp_connections.py",
        "tests/sending/test_store_fs.py",
        "tests/sending/test_template_loops.py",
    }
)


def mark(item: pytest.Item) -> None:
    """Mark a test of these files; refuse one that asks for the database or for services."""
    if item.nodeid.partition("::")[0] not in FILES:
        return
    asked = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    if asked or item.get_closest_marker("django_db") or item.get_closest_marker("services"):
        raise pytest.UsageError(f"{item.nodeid} asks for a database or services, but its file is in tests/once.py")
    item.add_marker("once")
