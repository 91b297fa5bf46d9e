"""What every channel must keep to, run on each one the registry finds."""

import os
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django import Settings

from gateway.errors import Code, Problem
from sending import channels as registry
from sending.certifying import problems_of
from sending.channels import channel, channels, close_channels
from sending.channels.base import Address, Channel, Enclosure, Outcome, OutcomeKind, Parcel
from sending.letter import Letter, LetterAttachment, Property
from tests.fakes.smtp import DROP, Answer, ScriptedServer
from tests.sending.authority import signer
from tests.sending.printed import a_pdf

every_channel = pytest.mark.parametrize("name", sorted(channels()))
EVIL = "x\r\nBcc: evil@example.org\0"


@pytest.fixture(autouse=True)
def no_kept_channels() -> Iterator[None]:
    """Each test sees fresh instances, made of its own settings."""
    close_channels()
    yield
    close_channels()


@pytest.fixture(params=["dead", "dropping", "refusing", "willing"])
def outside(request: pytest.FixtureRequest, settings: Settings) -> Iterator[str]:
    """The outside in several moods; a channel that goes out another way puts its own counterpart here."""
    moods: dict[str, Answer] = {"dropping": DROP, "refusing": "550 no"}
    with ScriptedServer(answers={"MAIL": moods.get(request.param, "250 ok")}) as server:
        settings.HAMMY_SMTP_SERVERS = () if request.param == "dead" else (server.server,)
        if request.param != "willing":
            # No folder that could be written.
            spool = {**settings.STORAGES["spool"], "OPTIONS": {"location": __file__}}
            settings.STORAGES = {**settings.STORAGES, "spool": spool}
        yield request.param


def a_parcel() -> Parcel:
    return Parcel(
        message_id=1,
        uuid=uuid4(),
        created_at=datetime.now(UTC),
        subject="Tárgy",
        text="Szöveg",
        html="<p>Szöveg</p>",
        sender=Address(address="noreply@hammy.test", name="Hammy"),
        recipient=Address(address="anna@example.org", name="Kovács Anna"),
        enclosures=(Enclosure(file_name="számla.pdf", content=a_pdf(), media_type="application/pdf"),),
        postal_address="1117 Budapest, Fő utca 1.",
        letter_type="NORMAL",
        batch="2026-11-29/000001",
    )


def test_email_and_archive_are_channels_and_the_base_is_none() -> None:
    assert {"EMAIL", "ARCHIVE"} <= set(channels())
    assert Channel not in channels().values()
    assert channels() is channels()


def test_an_unknown_channel_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        channel("PIGEON")


@every_channel
def test_a_channel_is_named_as_it_is_registered_and_says_what_it_does(name: str) -> None:
    assert channels()[name].name == name == name.upper()
    assert channels()[name].__doc__


@every_channel
def test_a_process_keeps_one_instance(name: str) -> None:
    assert channel(name) is channel(name)
    first = channel(name)
    close_channels()
    assert channel(name) is not first


@every_channel
def test_a_forked_child_has_an_instance_of_its_own(name: str) -> None:
    mine = channel(name)
    child = os.fork()
    if child == 0:
        os._exit(0 if not registry._kept and channel(name) is not mine else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert channel(name) is mine


@every_channel
@pytest.mark.parametrize(
    "letter",
    [
        Letter(),
        Letter(message_type="WELCOME"),
        Letter(
            mail_subject=EVIL,
            mail_body=EVIL,
            recipient_name=EVIL,
            recipient_email_address=EVIL,
            recipient_postal_address=EVIL,
            recipient_email_address_cc=(EVIL,),
            recipient_name_cc=EVIL,
            reply_to_address=EVIL,
            reply_to_name=EVIL,
            from_address=EVIL,
            from_name=EVIL,
            bcc_address=(EVIL,),
            attachments=(LetterAttachment(file_name=EVIL, content=b""),),
        ),
    ],
    ids=["empty", "by template", "evil"],
)
def test_check_tells_problems_in_the_cores_names(name: str, letter: Letter) -> None:
    found = list(channel(name).check(letter))
    known = {field.name for field in fields(Letter)}
    known_in_attachment = {field.name for field in fields(LetterAttachment)}
    for problem in found:
        assert isinstance(problem, Problem)
        assert problem.code in {Code.REQUIRED, Code.INVALID, Code.EXCLUSIVE, Code.STORE}
        assert problem.sentence.isprintable()
        assert problem.field[0] in known
        assert len(problem.field) == 1 or problem.field[2] in known_in_attachment
    assert len(found) == len(set(found))


@every_channel
def test_hand_over_answers_with_an_outcome_whatever_the_outside_does(name: str, outside: str) -> None:
    outcome = channel(name).hand_over(a_parcel())
    assert isinstance(outcome, Outcome)
    assert outcome.kind in OutcomeKind
    assert outcome.words.isprintable()
    assert outcome.words or outcome.kind is OutcomeKind.SENT


@every_channel
def test_an_instance_survives_failure_and_closing(name: str, outside: str) -> None:
    kept = channel(name)
    kinds = set()
    for _ in range(2):
        kinds.add(kept.hand_over(a_parcel()).kind)
        kept.close()
        kept.close()
        kinds.add(kept.hand_over(a_parcel()).kind)
    assert len(kinds) == 1


@pytest.mark.parametrize("name", [name for name, kind in sorted(channels().items()) if kind.is_repeatable])
def test_a_repeatable_channel_hands_over_twice_as_once(name: str, outside: str) -> None:
    parcel = a_parcel()
    first = channel(name).hand_over(parcel)
    close_channels()
    assert channel(name).hand_over(parcel) == first


@every_channel
def test_an_archive_may_always_be_repeated(name: str) -> None:
    """What it does is done while letters are made ready, and that is done again after a worker's death."""
    assert channels()[name].is_repeatable or not channels()[name].archives_all


@every_channel
def test_what_cannot_be_an_address_is_an_outcome_too(name: str, settings: Settings) -> None:
    with ScriptedServer() as server:
        settings.HAMMY_SMTP_SERVERS = (server.server,)
        evil = Parcel(
            message_id=1,
            uuid=uuid4(),
            created_at=datetime.now(UTC),
            subject=EVIL,
            sender=Address(address=EVIL, name=EVIL),
            recipient=Address(address=EVIL, name=EVIL),
        )
        assert isinstance(channel(name).hand_over(evil), Outcome)


@every_channel
def test_a_certified_parcel_is_signed_or_honestly_not_handed_over(
    name: str, outside: str, settings: Settings, tmp_path: Path
) -> None:
    if not channels()[name].signs_letter:
        # Such a parcel is kept from it (sending.certifying).
        return
    certified = replace(a_parcel(), is_certified=True)
    assert channel(name).hand_over(certified).kind is OutcomeKind.RETRY
    signer().settle(settings, tmp_path)
    assert (channel(name).hand_over(certified).kind is OutcomeKind.SENT) == (outside == "willing")
    now = datetime.now(UTC)
    assert channel(name).raw(certified, date=now) != channel(name).raw(replace(certified, is_certified=False), date=now)


@every_channel
def test_who_signs_all_signs_the_letter_too(name: str) -> None:
    assert channels()[name].signs_letter >= channels()[name].signs_all


@every_channel
def test_a_letter_to_be_signed_is_taken_only_where_it_can_be(name: str, settings: Settings, tmp_path: Path) -> None:
    signer().settle(settings, tmp_path)
    others = LetterAttachment(file_name="a.csv", media_type="text/csv", content=b"", certification_expected=True)
    document = replace(others, media_type="application/pdf")
    letter = Letter(channel=name, certification_expected=True, attachments=(others, document))
    refused = [problem.field for problem in problems_of(letter, channel(name))]
    assert (("certification_expected",) in refused) != channels()[name].signs_letter
    assert (("attachments", 0, "certification_expected") in refused) != channels()[name].signs_all
    assert ("attachments", 1, "certification_expected") not in refused


@every_channel
@pytest.mark.parametrize(
    "field", ["recipient_name", "recipient_email_address", "recipient_postal_address", "partner_ref", "properties"]
)
@pytest.mark.parametrize("bad", ["", "two\nlines", "x" * 200, "\0", "nowhere", "a@b..c", "é" * 9, "1117 Budapest"])
def test_what_depends_on_whom_a_letter_goes_to_is_asked_by_itself(name: str, bad: str, field: str) -> None:
    """One that looked at a recipient in ``check`` alone would let the others of a campaign pass."""
    by = channel(name)
    good = Letter(
        channel=name,
        recipient_name="Teszt Elek",
        recipient_email_address="elek@example.com",
        recipient_postal_address="Fő utca 1.\n1117 Budapest",
        partner_ref="P",
        mail_subject="Tárgy",
        mail_body="Szöveg",
    )
    value = (Property(key=bad, value=bad),) if field == "properties" else bad
    letter = replace(good, **{field: value})
    assert list(by.recipient_problems(good)) == []
    assert [one for one in by.check(letter) if one not in list(by.check(good))] == list(by.recipient_problems(letter))
