"""Forgetting a person who is a recipient (proof S36)."""

import json

from django.db.models import Exists, OuterRef, Q

from campaigns.models import InvalidLine, Recipient
from jobs.models import Job
from sending.persons import Person


def forget_recipients(person: Person) -> int:
    """Take them out of every group; how many recipients. It reads every row there is."""
    wanted = Q()
    for spelling in person.spellings:
        wanted |= Q(email_address__iexact=spelling)
    if person.partner_ref:
        wanted |= Q(partner_ref=person.partner_ref)
    if not wanted:
        return 0
    found = Recipient.objects.filter(wanted)
    if person.client_id is not None:
        found = found.filter(group__client_id=person.client_id)
    return found.delete()[0]


def forget_lines(person: Person) -> int:
    """Forget what stood in files in lines that were none of a recipient, and named them; how many lines."""
    wanted = Q()
    for text in {*person.spellings, *(json.dumps(spelling)[1:-1] for spelling in person.spellings)}:
        wanted |= Q(fields__icontains=text)
    if not wanted:
        return 0
    found = InvalidLine.objects.filter(wanted)
    if person.client_id is not None:
        found = found.filter(Exists(Job.objects.filter(pk=OuterRef("job_id"), client_id=person.client_id)))
    return found.update(fields=[])
