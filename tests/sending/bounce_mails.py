"""Bounces as mail servers write them, with the names of the letters that they are about put in."""

from uuid import UUID

_RETURNED = (
    "From: noreply@hammy.test\r\nTo: {address}\r\nSubject: Szia\r\nMessage-ID: <{uuid}@{domain}>\r\n\r\nSzia!\r\n"
)


def dsn(
    uuid: UUID | str,
    *,
    domain: str,
    action: str = "failed",
    status: str = "5.1.1",
    address: str = "elek@example.com",
    original: str = "",
    words: str = "550 5.1.1 <elek@example.com>: user unknown",
    headers_only: bool = False,
) -> bytes:
    """As Postfix writes it: a part for people, one for machines, the letter or its headers."""
    returned = _RETURNED.format(uuid=uuid, domain=domain, address=address)
    kind = "text/rfc822-headers" if headers_only else "message/rfc822"
    originally = f"Original-Recipient: rfc822;{original}\r\n" if original else ""
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.com (Mail Delivery System)\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="A"\r\n\r\n'
        "--A\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nThis is the mail system. Sorry.\r\n\r\n"
        "--A\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example.com\r\nArrival-Date: Sat, 28 Nov 2026 10:00:00 +0100\r\n\r\n"
        f"Final-Recipient: rfc822; {address}\r\n{originally}Action: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {words}\r\n\r\n"
        f"--A\r\nContent-Type: {kind}\r\n\r\n{returned}\r\n--A--\r\n"
    ).encode()


def exim(uuid: UUID | str, *, domain: str, address: str = "elek@example.com") -> bytes:
    """As Exim wrote it for long: one text, and whom it concerns in a header."""
    returned = _RETURNED.format(uuid=uuid, domain=domain, address=address)
    return (
        f"Return-path: <>\r\nX-Failed-Recipients: {address}\r\nAuto-Submitted: auto-replied\r\n"
        "From: Mail Delivery System <Mailer-Daemon@mx.example.com>\r\nSubject: Mail delivery failed\r\n\r\n"
        "A message that you sent could not be delivered to one or more of its recipients.\r\n\r\n"
        f"  {address}\r\n    SMTP error from remote mail server after RCPT TO:<{address}>:\r\n"
        "    550 5.1.1 no such user here\r\n\r\n------ This is a copy of the message. ------\r\n\r\n"
        f"{returned}"
    ).encode()


def qmail(uuid: UUID | str, *, domain: str, address: str = "elek@example.com") -> bytes:
    """As qmail writes it: a text with three digits at most."""
    returned = _RETURNED.format(uuid=uuid, domain=domain, address=address)
    return (
        "From: MAILER-DAEMON@mx.example.com\r\nSubject: failure notice\r\n\r\n"
        "Hi. This is the qmail-send program at mx.example.com.\r\n\r\n"
        f"<{address}>:\r\nRemote host said: 552 mailbox full\r\n\r\n--- Below this line is a copy.\r\n\r\n{returned}"
    ).encode()
