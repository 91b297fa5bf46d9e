"""What a schedule does is looked at when it is made, in the words of the contract that it comes from."""

from datetime import datetime
from typing import Any

import pytest

from jobs.models import Trigger
from sending.models import Template
from tests.schedules.v4_calls import LETTER, PUSH, V4, body, error, rows, soon

pytestmark = pytest.mark.django_db
_TO = 'must be "all" or an object with tag, tag_and, tag_not, alias or registration_id'
_TEXTS = "must be text of 1 to 255 characters, or a list of at most 100 such"
_CONTENT = "must be text or an object, and not empty"
_GUARD = "leads to an address that may not be called"
NOBODY = (404, 28105, "The push task is invalid. There is no push target.")


@pytest.fixture
def api() -> V4:
    return V4()


@pytest.fixture
def trigger() -> Trigger:
    return Trigger.objects.create(name="count", job_class="tests.Count", params=[["STEPS", "1"]])


def letter(**overrides: Any) -> dict[str, Any]:
    return {"send": {name: value for name, value in (LETTER | overrides).items() if value is not ...}}


def job(**overrides: Any) -> dict[str, Any]:
    return {"job": {"jobName": "count"} | overrides}


def push(**overrides: Any) -> dict[str, Any]:
    return {name: value for name, value in (PUSH | overrides).items() if value is not ...}


def pushed(**overrides: Any) -> dict[str, Any]:
    """The body of a push with other members."""
    given = PUSH["body"] | overrides
    return push(body={name: value for name, value in given.items() if value is not ...})


def refused(api: V4, order: Any) -> str:
    """Why a schedule with that order is not taken, which leaves nothing."""
    before = rows()
    status, code, message = error(api.call("POST", data=body(soon(), push=order)))
    assert (status, code) == (400, 28100)
    assert rows() == before
    return message


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({"send": {}},
         "push.send.mailSubject: required without messageType; push.send.mailBody: required without messageType, "
         "unless mailHtmlBody is given; push.send.recipientEmailAddress: required; push.send.recipientName: required"),
        ({"send": []}, "push.send: the request must be a JSON object"),
        ({"send": "x"}, "push.send: the request must be a JSON object"),
        (letter(recipientName=..., colour="red"),
         "push.send.recipientName: required; push.send.colour: unknown field"),
        (letter(messageType="gone", mailSubject=..., mailBody=...), "push.send.messageType: no such template"),
        (letter(clientHashKey="x"), "push.send.clientHashKey: not in a schedule, which is its client's own"),
        (letter(userName="x"), "push.send.userName: not in a schedule, which is its client's own"),
        (letter(params=[{"key": "DpfControlCallbackUrl", "value": "http://127.0.0.1/"}]),
         f"push.send.params[0].value: DpfControlCallbackUrl {_GUARD}"),
        (letter(channel="PIGEON"), "push.send.channel: must be one of ARCHIVE, EMAIL, PORTAL, POST"),
    ],
)  # fmt: skip
def test_a_letter_is_checked_in_the_words_of_send_v2(api: V4, order: Any, message: str) -> None:
    assert refused(api, order) == message


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (letter() | job(), "push.send: not together with job"),
        (
            letter() | push(),
            "push.from: not together with send; push.to: not together with send; push.body: not together with send",
        ),
        (job() | {"x": 1}, "push.x: not together with job"),
    ],
)
def test_an_order_is_one_thing(api: V4, trigger: Trigger, order: Any, message: str) -> None:
    assert refused(api, order) == message


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({"job": {}}, "push.job.jobName: required"),
        ({"job": None}, "push.job: must be an object"),
        ({"job": "count"}, "push.job: must be an object"),
        (job(jobName="gone"), "push.job.jobName: gone is no trigger"),
        (job(jobname="count"), "push.job.jobname: unknown field; known are jobName, legIds, params"),
        (job(params=[{"key": "STEPS", "value": "x"}]),
         "push.job.params.STEPS: input should be a valid integer, unable to parse string as an integer"),
        (job(params=[{"key": "DpfControlCallbackUrl", "value": "http://169.254.169.254/"}]),
         f"push.job.params.DpfControlCallbackUrl: {_GUARD}"),
    ],
)  # fmt: skip
def test_a_triggers_job_is_checked_in_the_words_of_job_v1(api: V4, trigger: Trigger, order: Any, message: str) -> None:
    assert refused(api, order) == message


def test_a_disabled_trigger_is_refused(api: V4, trigger: Trigger) -> None:
    Trigger.objects.update(is_enabled=False)
    assert refused(api, job()) == "push.job.jobName: the trigger count is disabled"


@pytest.mark.parametrize("value", ["x", "", [], {}, None, 1, True, "ALL", ["all"]])
def test_a_push_is_to_all_or_to_some(api: V4, value: Any) -> None:
    assert refused(api, push(to=value)) == f"push.to: {_TO}"


@pytest.mark.parametrize("name", ["tag", "tag_and", "tag_not", "alias", "registration_id"])
def test_whom_a_push_is_to_is_lists_of_at_most_a_thousand(api: V4, name: str) -> None:
    for value, words in (
        ([], f".{name}: must not be empty"), ("x", f".{name}: must be a list"), ([1], f".{name}[0]: must be text"),
        ([""], f".{name}[0]: must not be empty"), (["x" * 256], f".{name}[0]: must be at most 255 characters long"),
        (["x"] * 1001, f".{name}: must be at most 1000 items"),
        (None, ": must name somebody by tag, tag_and, tag_not, alias or registration_id"),
    ):  # fmt: skip
        assert refused(api, push(to={name: value})) == f"push.to{words}"
    assert api.create(soon(), push=push(to={name: ["x"] * 1000})).order["to"] == {name: ["x"] * 1000}


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({}, "to: required; push.body: required"),
        (push(body=None), "body: must be an object"),
        (push(body={}), "body.platform: required"),
        (push(audience="all"), "audience: unknown field"),
        (push(to={"segment": ["x"]}), "to.segment: unknown field"),
        (pushed(platform=5), f"body.platform: {_TEXTS}"),
        (pushed(platform=""), f"body.platform: {_TEXTS}"),
        (pushed(platform="x" * 256), f"body.platform: {_TEXTS}"),
        (pushed(platform=[]), f"body.platform: {_TEXTS}"),
        (pushed(platform=["web", 5]), f"body.platform: {_TEXTS}"),
        (pushed(platform=["web", ""]), f"body.platform: {_TEXTS}"),
        (pushed(platform=["web"] * 101), f"body.platform: {_TEXTS}"),
        (pushed(notification=...), "body: needs notification or message"),
        (pushed(notification={}, message={}), "body: needs notification or message"),
        (pushed(notification={"web": {}}), "body.notification: needs alert, here or in web"),
        (pushed(notification={"alert": ""}), "body.notification: needs alert, here or in web"),
        (pushed(notification={"alert": {"x": 1}}), "body.notification.alert: must be text"),
        (pushed(notification="x"), "body.notification: must be an object"),
        (pushed(message={"msg_content": "x"}), "body: takes notification or message, not both"),
        (pushed(notification=..., message={"title": "x"}), "body.message.msg_content: required"),
        (pushed(notification=..., message={"msg_content": ""}), f"body.message.msg_content: {_CONTENT}"),
        (pushed(notification=..., message={"msg_content": {}}), f"body.message.msg_content: {_CONTENT}"),
        (pushed(notification=..., message={"msg_content": ["x"]}), f"body.message.msg_content: {_CONTENT}"),
        (pushed(notification=..., message={"msg_content": None}), f"body.message.msg_content: {_CONTENT}"),
        (pushed(notification=..., message={"msg_content": "x", "extras": "x"}),
         "body.message.extras: must be an object"),
        (pushed(options={"time_to_live": -1}), "body.options.time_to_live: must be at least 0"),
        (pushed(options={"time_to_live": 1296001}), "body.options.time_to_live: must be at most 1296000"),
        (pushed(options={"time_to_live": "60"}), "body.options.time_to_live: must be a whole number"),
        (pushed(options={"time_to_live": True}), "body.options.time_to_live: must be a whole number"),
        (pushed(options={"time_to_live": 1.5}), "body.options.time_to_live: must be a whole number"),
        (pushed(options={"override_msg_id": 1.5}), "body.options.override_msg_id: must be a whole number or text"),
        (pushed(options={"override_msg_id": True}), "body.options.override_msg_id: must be a whole number or text"),
        (pushed(options={"dpf_control_callback_url": 1}), "body.options.dpf_control_callback_url: must be text"),
        (pushed(options={"DpfControlCallbackUrl": "http://10.0.0.1/"}),
         f"body.options.DpfControlCallbackUrl: {_GUARD}"),
        (pushed(options={"DpfControlCallbackUrl": "https://a.example/", "dpfcontrolcallbackurl": "https://b.example/"}),
         "body.options.dpfcontrolcallbackurl: is given twice, also as DpfControlCallbackUrl"),
        (pushed(sms={}), "body.sms: unknown field"),
        (push(request_id=1), "request_id: must be text"),
        (push(request_id="x" * 256), "request_id: must be at most 255 characters long"),
        (push(custom_args=1), "custom_args: must be text or an object"),
        (push(custom_args=[]), "custom_args: must be text or an object"),
        (push(custom_args=True), "custom_args: must be text or an object"),
        (push(**{"from": 1}), "from: must be text"),
        (push(**{"from": "x" * 256}), "from: must be at most 255 characters long"),
        (push(**{"from": "a\nb"}), "from: must not contain control characters"),
    ],
)  # fmt: skip
def test_a_push_is_checked_whole_whether_later_or_now(api: V4, order: Any, message: str) -> None:
    assert refused(api, order) == f"push.{message}"
    before = rows()
    assert error(api.call("POST", "/v4/push", order)) == (400, 28100, message.replace("; push.", "; "))
    assert rows() == before


@pytest.mark.parametrize(
    "order",
    [
        push(to="all"),
        push(custom_args={"a": [1, {"b": None}]}),
        push(custom_args=""),
        push(custom_args=None, request_id=None, **{"from": None}),
        pushed(platform="web scheduled task"),
        pushed(platform="android", sound=...),
        pushed(platform=["android", "ios", "hmos"]),
        push(**{"from": "ügyfélszolgálat " + "x" * 239}),
        pushed(notification={"alert": "x"}),
        pushed(notification={"alert": "x", "web": {}, "android": {"alert": "y"}}),
        pushed(notification={"web": {"alert": "x", "url": "https://a.example", "extras": {"k": 1}, "vibrate": [1, 2]}}),
        pushed(notification={}, message={"msg_content": "x", "content_type": "text", "title": "t", "extras": {}}),
        pushed(notification=..., message={"msg_content": {"a": {"b": [1, None]}}, "test_message": False}),
        pushed(message=None, options={}),
        pushed(options={"time_to_live": 0, "override_msg_id": 12, "cid": "x"}),
        pushed(options={"time_to_live": 1296000, "override_msg_id": "12"}),
        pushed(options={"DpfControlCallbackUrl": "https://callback.example/x"}),
        push(to={"tag": ["a"], "tag_and": ["b"], "tag_not": ["c"], "alias": ["d"], "registration_id": ["e"]}),
    ],
)
def test_a_push_is_kept_as_it_was_written(api: V4, order: Any) -> None:
    assert api.create(soon(), push=order).order == order


def test_a_schedule_says_so_much_and_no_more(api: V4, settings: Any) -> None:
    # S23
    settings.HAMMY_MAX_SCHEDULE_BYTES = 400
    assert api.create(soon(), push=letter(mailBody="x" * 200)).size <= 400
    told = refused(api, letter(mailBody="ő" * 200))
    assert told.startswith("push: must be at most 400 bytes of JSON, and is 5")


@pytest.mark.parametrize(
    ("rights", "order", "message"),
    [
        ([], letter(), "the client lacks the right schedules"),
        (["send", "jobs.run"], letter(), "the client lacks the right schedules"),
        (["schedules"], letter(), "push: the client lacks the right send"),
        (["schedules", "jobs.run"], push(), "push: the client lacks the right send"),
        (["schedules", "send"], job(), "push: the client lacks the right jobs.run"),
    ],
)
def test_a_client_needs_the_right_to_schedule_and_to_do_it(
    trigger: Trigger, rights: list[str], order: Any, message: str
) -> None:
    poor = V4(rights=rights)
    before = rows()
    assert error(poor.call("POST", data=body(soon(), push=order))) == (403, 28100, message)
    assert rows() == before


def test_a_template_that_only_others_may_use_is_none(api: V4) -> None:
    template = Template.objects.create(name="theirs")
    template.clients.add(V4().client)
    assert refused(api, letter(messageType="theirs", mailSubject=..., mailBody=...)) == (
        "push.send.messageType: no such template"
    )


def test_a_letter_reads_back_as_it_was_written_with_its_unusual_members(api: V4) -> None:
    order = letter(params=[{"key": "SEND_AT", "value": "2027-01-01T10:00:00Z"}], requestId="r-1")
    made = api.create(datetime(2027, 1, 5, 10, 0), push=order)
    assert api.call("GET", f"/v4/schedules/{made.uuid}").json()["push"] == order
