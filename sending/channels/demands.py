"""What more than one channel demands of a letter."""

import re
from collections.abc import Iterator

from gateway.errors import Code, Problem
from sending.addresses import wire_form
from sending.letter import Letter

# Whatever could end a header line, or is a character no header can carry.
_UNFIT_FOR_ONE_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def words_problems(letter: Letter) -> Iterator[Problem]:
    """A subject of one line and something to say, unless a template says both."""
    has_content = bool(letter.message_type)
    if not has_content and not letter.mail_subject:
        yield Problem(code=Code.REQUIRED, sentence="required without messageType", field=("mail_subject",))
    yield from line_problems(letter.mail_subject, "mail_subject")
    if not has_content and not letter.mail_body and not letter.mail_html_body:
        sentence = "required without messageType, unless mailHtmlBody is given"
        yield Problem(code=Code.REQUIRED, sentence=sentence, field=("mail_body",))


def file_name_problems(letter: Letter) -> Iterator[Problem]:
    """Attachments' names of one line each."""
    for index, attachment in enumerate(letter.attachments):
        yield from line_problems(attachment.file_name, "attachments", index, "file_name")
        yield from line_problems(attachment.internal_file_name, "attachments", index, "internal_file_name")


def line_problems(text: str, *field: str | int) -> Iterator[Problem]:
    """One line, without a character that no header can carry."""
    if found := _UNFIT_FOR_ONE_LINE.search(text):
        sentence = f"must not contain control characters (U+{ord(found[0]):04X} at position {found.start() + 1})"
        yield Problem(code=Code.INVALID, sentence=sentence, field=field)


def address_problems(address: str, field: str) -> Iterator[Problem]:
    """One plain mailbox, where any is given."""
    if not address:
        return
    try:
        wire_form(address)
    except ValueError as error:
        shown = "".join(character if character.isprintable() else "?" for character in address)[:100]
        yield Problem(code=Code.INVALID, sentence=f"{error}: {shown}", field=(field,))
