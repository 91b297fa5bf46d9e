"""Where attachments come from that are not in the letter: fetched from their stores when the letter is taken, so that
what goes out, and goes out again, is what was meant then."""

import logging
from dataclasses import replace
from functools import partial

from django.conf import settings

from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.incoming import Incoming, StoredBytes, TooMany
from sending import archiving
from sending.channels import channels
from sending.letter import Letter, LetterAttachment
from sending.stores import stores
from sending.stores.base import Owner, Store, StoreRefusal

_PIECE = 256 * 1024
_RETRY_SECONDS = 60

_log = logging.getLogger(__name__)


def owner_of(caller: Caller) -> Owner:
    """As whom a caller opens stores."""
    return Owner(client_id=caller.client_id, folder=caller.external_folder, sees_all=caller.sees_all)


def problems_of(caller: Caller, letter: Letter) -> list[Problem]:
    """What is wrong with the places that a letter's attachments come from, and that it is to be archived at."""
    if not letter.attachments and not letter.archiving_expected:
        return []
    owner = owner_of(caller)
    archives_all = letter.channel in channels() and channels()[letter.channel].archives_all
    problems: list[Problem] = []
    taken: dict[tuple[str, str, str], int] = {}
    for index, attachment in enumerate(letter.attachments):
        problems.extend(_source_problems(attachment, index, owner))
        if attachment.archiving_expected or archives_all:
            problems.extend(_target_problems(attachment, index, owner, taken))
    if letter.archiving_expected:
        problems.extend(_words_problems(letter, owner))
    return problems


def fetched(caller: Caller, letter: Letter, incoming: Incoming) -> Letter:
    """The letter with the bytes of all its attachments at hand. Raises Refusal: 3003 for a source that cannot be read
    (any more), 1002 (413) for one that is too large, 9001 while they cannot be kept."""
    owner = owner_of(caller)
    attachments = [
        replace(attachment, stored=_fetch(attachment, index, owner, incoming)) if attachment.source else attachment
        for index, attachment in enumerate(letter.attachments)
    ]
    return replace(letter, attachments=tuple(attachments))


def _source_problems(attachment: LetterAttachment, index: int, owner: Owner) -> list[Problem]:
    store = stores().get(attachment.source)
    if store is None or not attachment.source_ref:
        return []
    try:
        store.check(attachment.source_ref, owner)
    except StoreRefusal as refusal:
        return [_problem(refusal, index, store.source_property)]
    except OSError as error:
        raise _unavailable(error) from error
    return []


def _target_problems(
    attachment: LetterAttachment, index: int, owner: Owner, taken: dict[tuple[str, str, str], int]
) -> list[Problem]:
    """``taken`` are the places of the attachments before it, where each has a place of its own."""
    store = stores().get(attachment.archive_target)
    if store is None:
        return []
    name = attachment.internal_file_name or attachment.file_name
    control = archiving.FOLDER if store.has_paths else archiving.TARGET
    try:
        store.check_target(attachment.archive_path, name, owner)
    except StoreRefusal as refusal:
        return [_problem(refusal, index, control)]
    except OSError as error:
        raise _unavailable(error) from error
    first = taken.setdefault((attachment.archive_target, attachment.archive_path, name), index)
    if store.has_paths and first != index:
        return [_problem(StoreRefusal(f"and name are those of attachments[{first}], too"), index, control)]
    return []


def _words_problems(letter: Letter, owner: Owner) -> list[Problem]:
    """Where subject and text are to be archived, which the message's own properties say."""
    target, path = archiving.target_of_words({item.key: item.value for item in letter.properties})
    store = stores().get(target)
    if store is None:
        return [_words_problem(letter, archiving.TARGET, f"must be one of {', '.join(stores())}")]
    if path and not store.has_paths:
        sentence = f"goes not together with {archiving.TARGET} {target}, which has no folders"
        return [_words_problem(letter, archiving.FOLDER, sentence)]
    try:
        store.check_target(path, "message.txt", owner)
    except StoreRefusal as refusal:
        return [_words_problem(letter, archiving.FOLDER, refusal.sentence)]
    except OSError as error:
        raise _unavailable(error) from error
    return []


def _words_problem(letter: Letter, key: str, sentence: str) -> Problem:
    places = [index for index, item in enumerate(letter.properties) if item.key == key]
    field = ("properties", places[-1], "value") if places else ("archiving_expected",)
    return Problem(code=Code.STORE, sentence=f"{key} {sentence}", field=field)


def _fetch(attachment: LetterAttachment, index: int, owner: Owner, incoming: Incoming) -> StoredBytes:
    store = stores()[attachment.source]
    try:
        with store.open(attachment.source_ref, owner) as file:
            return incoming.receive(iter(partial(file.read, _PIECE), b""), most=settings.HAMMY_MAX_ATTACHMENT_BYTES)
    except StoreRefusal as refusal:
        raise Refusal([_problem(refusal, index, store.source_property)]) from refusal
    except TooMany:
        raise _too_large(store, index) from None
    except OSError as error:
        raise _unavailable(error) from error


def _problem(refusal: StoreRefusal, index: int, control: str) -> Problem:
    return Problem(code=Code.STORE, sentence=f"{control} {refusal.sentence}", field=("attachments", index, control))


def _too_large(store: Store, index: int) -> Refusal:
    sentence = f"{store.source_property} is larger than {settings.HAMMY_MAX_ATTACHMENT_BYTES} bytes"
    field = ("attachments", index, store.source_property)
    return Refusal([Problem(code=Code.INVALID, sentence=sentence, field=field, status=413)])


def _unavailable(error: OSError) -> Refusal:
    _log.error("a store cannot be used", exc_info=error)
    refusal = refuse(Code.UNAVAILABLE, "the attachments cannot be fetched at present; send the request again")
    return Refusal(refusal.problems, retry_after=_RETRY_SECONDS)
