"""Forgetting a person who is a recipient (proof S36)."""

import json

from django.db.models import Q

from campaigns.models import InvalidLine, Recipient
from sending.forgetting import Person


def forget_recipients(person: Person) -> int:
    """Take them out of every group; how many recipients. It reads every row there is."""
    wanted = Q()
    for spelling in person.spellings:
        wanted |= Q(email_address__iexact=spelling)
    if person.partner_ref:
        wanted |= Q(partner_ref=person.partner_ref)
    found = Recipient.objects.filter(wanted)
    if person.client_id is not None:
        found = found.filter(group__client_id=person.client_id)
    return found.delete()[0]


def forget_lines(person: Person) -> int:
    """Forget what stood in files in lines that were none of a recipient, and named them; how many lines."""
    wanted = Q()
    for text in {*person.spellings, *(json.dumps(spelling)[1:-1] for spelling in person.spellings)}:
        wanted |= Q(fields__icontains=text)
    return InvalidLine.objects.filter(wanted).update(fields=[]) if wanted else 0
