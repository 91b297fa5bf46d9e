"""Doors and pages that take letters offer no channel that takes none."""

import pytest
from django.urls import reverse

from campaigns.admin.forms import LegForm
from campaigns.models import Campaign
from gateway.caller import Caller as Person
from gateway.errors import Refusal
from sending import previewing, services
from sending.channels import channels, letter_channels
from sending.models import Message
from tests.console import client_of, plain_pages  # noqa: F401
from tests.sending.factories import a_letter, make_template
from tests.sending.queue_calls import XML, QueueCaller, status
from tests.sending.send_v2_calls import LETTER, Caller, elements, envelope, post_soap, problems
from tests.soap import soap_status

pytestmark = pytest.mark.django_db
SENTENCE = "channel: must be one of ARCHIVE, EMAIL, PORTAL, POST"


def test_only_what_takes_letters_is_offered() -> None:
    assert sorted(set(channels()) - set(letter_channels())) == ["WEB_PUSH"]
    assert "WEB_PUSH" not in previewing.sending_channels()
    form = LegForm(caller=Person.house("anna"), campaign=Campaign())
    assert [name for name, _ in form.fields["channel"].choices] == ["ARCHIVE", "EMAIL", "PORTAL", "POST"]  # type: ignore[attr-defined]


def test_rest_soap_and_queue_refuse_it_and_name_the_others() -> None:
    api, queue = Caller(), QueueCaller()
    assert problems(api.send(channel="WEB_PUSH")) == [(1002, SENTENCE)]
    given = {name.replace("-", "_"): value for name, value in api.headers.items()}
    answer = post_soap(envelope("sendMail", elements(channel="WEB_PUSH")), **given)
    assert soap_status(answer) == (1002, [SENTENCE])
    assert status(queue.ask({"channel": "WEB_PUSH"})) == (1002, [SENTENCE])
    members = "".join(f"<{name}>{value}</{name}>" for name, value in (LETTER | {"channel": "WEB_PUSH"}).items())
    letter = f"<sendMailRequest>{members}</sendMailRequest>"
    assert status(queue.ask(letter, content_type=XML)) == (1002, [SENTENCE])
    assert not Message.objects.exists()


def test_the_service_refuses_it_whoever_asks(caller: Person) -> None:
    with pytest.raises(Refusal, match=SENTENCE):
        services.submit(caller=caller, letter=a_letter(channel="WEB_PUSH"))
    assert not Message.objects.exists()


def test_templates_are_not_previewed_as_pushes() -> None:
    version = make_template()
    client = client_of("Administrator")
    assert (
        "WEB_PUSH"
        not in client.get(reverse("admin:sending_templateversion_preview", args=[version.pk])).content.decode()
    )
