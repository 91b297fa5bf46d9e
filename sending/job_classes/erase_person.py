"""Forgets one person, and reports what it did."""

from collections import Counter
from typing import Annotated, Any, ClassVar, Self

from django.db import transaction
from pydantic import AfterValidator, Field, model_validator

from jobs import services as job_services
from jobs.context import Context
from jobs.params import JobParams
from jobs.registry import Again, JobClass, Outcome
from jobs.states import Queue
from sending import erasing, forgetting, forgetting_browsers, persons
from sending.addresses import is_valid
from sending.forgetting import ALIAS, CLIENT, EMAIL_ADDRESS, PARTNER_REF, REASON, REGISTRATION_ID
from sending.persons import Person

_PORTION = 200
_AGAIN_SECONDS = 10.0
# Addresses below this name reach nobody (RFC 2606).
_NOWHERE = "erased.invalid"
_REPORT = {
    "messages": "ERASED_MESSAGES",
    "copies": "ERASED_COPIES",
    "attachments": "ERASED_ATTACHMENTS",
    "withdrawn": "WITHDRAWN_MESSAGES",
    "suppressions": "ERASED_SUPPRESSIONS",
    "subscriptions": "ERASED_SUBSCRIPTIONS",
}
_WHY = "erased on request"


def _address(text: str) -> str:
    if text and not is_valid(text):
        raise ValueError("not a valid e-mail address")
    return text


class ErasePersonParams(JobParams):
    email_address: Annotated[str, AfterValidator(_address), Field(alias=EMAIL_ADDRESS, max_length=254)] = ""
    partner_ref: Annotated[str, Field(alias=PARTNER_REF, max_length=100)] = ""
    alias: Annotated[str, Field(alias=ALIAS, max_length=255)] = ""
    registration_id: Annotated[str, Field(alias=REGISTRATION_ID, max_length=64)] = ""
    client: Annotated[str, Field(alias=CLIENT, max_length=150)] = ""
    reason: Annotated[str, Field(alias=REASON, min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not (self.email_address or self.partner_ref or self.alias or self.registration_id):
            raise ValueError(f"one of {EMAIL_ADDRESS}, {PARTNER_REF}, {ALIAS} and {REGISTRATION_ID} is required")
        return self


class ErasePerson(JobClass[ErasePersonParams]):
    """Looks at every message for the address, the partner or the browsers, erases portion by portion, and takes the
    person out of its own parameters at the end. What is being sent just now it comes back for."""

    name: ClassVar[str] = forgetting.JOB_CLASS
    Params = ErasePersonParams
    queue = Queue.LONG
    is_resumable = True
    time_limit = 12 * 3600.0
    outputs = tuple(_REPORT.values())

    def run(self, context: Context[ErasePersonParams]) -> Outcome:
        cursor: dict[str, Any] = context.cursor or {"after": 0, "done": {}}
        if cursor.get("is_over"):
            return None
        params = context.params
        person = persons.named(
            email_address=params.email_address,
            partner_ref=params.partner_ref,
            alias=params.alias,
            registration_id=params.registration_id,
            client_name=params.client,
            pseudonym=f"erased-{context.job.uuid.hex[:12]}",
        )
        done = Counter(cursor["done"])
        # Before anything is looked for: else it would be told more meanwhile.
        forgetting_browsers.stop(person, reason=_WHY)
        sending = self._walk(context, person, cursor["after"], done)
        if sending:
            context.checkpoint(cursor={"after": 0, "done": done})
            return Again(seconds=_AGAIN_SECONDS, reason=f"{sending} messages are being sent just now")
        with transaction.atomic():
            done["suppressions"] += forgetting.forget_suppressions(person)
            done["subscriptions"] += forgetting_browsers.forget(person)
            done.update(forgetting.forget_elsewhere(person))
            forgetting.forget_operations(person)
            for name, key in _REPORT.items():
                context.set_output(key, str(done[name]))
            if params.email_address:
                context.replace_param(EMAIL_ADDRESS, f"{person.pseudonym}@{_NOWHERE}")
            given = {PARTNER_REF: params.partner_ref, ALIAS: params.alias, REGISTRATION_ID: params.registration_id}
            for name, value in given.items():
                if value:
                    context.replace_param(name, person.pseudonym)
            context.checkpoint(cursor={"is_over": True})
        for name, count in done.items():
            context.log(f"{name}: {count}")
        context.progress(done["messages"] + done["copies"], done["messages"] + done["copies"])
        return None

    def _walk(self, context: Context[ErasePersonParams], person: Person, after: int, done: Counter[str]) -> int:
        """Every portion beyond ``after``; how many are being sent just now. ``done`` is added to."""
        caller = job_services.owner_of(context.job)
        letters = forgetting.letters_of(caller, person).order_by("id")
        sending = 0
        while ids := list(letters.filter(id__gt=after).values_list("id", flat=True)[:_PORTION]):
            with transaction.atomic():
                over, withdrawn = forgetting.withdraw(caller, person, ids, reason=_WHY)
                done["withdrawn"] += withdrawn
                context.checkpoint(cursor={"after": 0 if sending else after, "done": done})
            # Before the messages forget whose it is, or a run that died here would not find it again.
            done.update(erasing.erase_elsewhere(over) if over else {})
            after = ids[-1]
            with transaction.atomic():
                found = forgetting.forget(person, ids, over=over)
                sending += found.pop("sending", 0)
                done += found
                # What is being sent is looked for again from the start.
                context.checkpoint(cursor={"after": 0 if sending else after, "done": done})
            context.progress(done["messages"] + done["copies"])
        return sending
