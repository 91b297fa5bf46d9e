"""Lets go the letters that waited for their template to be enabled."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from django.db import transaction
from pydantic import Field

from jobs import services as job_services
from jobs.context import Context
from jobs.params import JobParams
from jobs.registry import JobClass, JobFailed, Outcome
from sending import editorial
from sending.models import Template

_PORTION = 1000


class SuspendParams(JobParams):
    template: Annotated[str, Field(alias=editorial.RELEASE_TEMPLATE, min_length=1, max_length=100)]
    # Kept with the letters' events; enabling a template in the console gives the editor's words.
    reason: Annotated[str, Field(alias=editorial.RELEASE_REASON, max_length=1000)] = "the template is enabled"


class SuspendRequestHandler(JobClass[SuspendParams]):
    """A template went from suspended to enabled: releases the messages held for it, portion by portion.

    Quick, though a million letters keep it busy for two minutes: people wait for them, and long jobs may take hours.
    """

    name: ClassVar[str] = editorial.RELEASE_JOB
    Params = SuspendParams
    is_resumable = True
    time_limit = 1800.0

    def concurrency_key(self, params: SuspendParams) -> str:
        return f"suspend {params.template}"

    def run(self, context: Context[SuspendParams]) -> Outcome:
        name = context.params.template
        template = Template.objects.filter(name=name).first()
        if template is None:
            raise JobFailed(f"there is no template {name}")
        owner = job_services.owner_of(context.job)
        # A client's words do not go into the story of other clients' letters.
        reason = context.params.reason if owner.sees_all else "the template is enabled"
        # What an earlier run let go is not held any more: the cursor only counts.
        done = context.cursor or 0
        context.progress(done, done + editorial.held_for(template).count())
        for message_ids in _portions(template):
            with transaction.atomic():
                count = editorial.release_held(template, message_ids, reason=reason, actor=owner.actor)
                context.checkpoint(cursor=done + count)
            done += count
            context.progress(done)
        return None


def _portions(template: Template) -> Iterator[list[int]]:
    # The first is empty: a template that is not enabled is refused though it holds nothing.
    yield []
    while ids := editorial.held_ids(template):
        for start in range(0, len(ids), _PORTION):
            yield ids[start : start + _PORTION]
