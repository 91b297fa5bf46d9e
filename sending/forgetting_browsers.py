"""Forgetting a person's browsers: they are told nothing more, and nothing tells whose they were."""

from typing import Any

from django.db import transaction
from django.db.models import Q

from sending import subscribing
from sending.models import Push, Subscription, SubscriptionTag
from sending.models.push import new_registration_id
from sending.persons import Person


def stop(person: Person, *, reason: str) -> int:
    """Tell them nothing more; how many browsers stood. They are found by their names until they are forgotten."""
    return subscribing.remove_found(person.browsers(), reason=reason)


def forget(person: Person) -> int:
    """Forget by what they were addressed, and take these names out of what pushes say of their audience; how many
    browsers. What pushes said was said to many, and stays. It reads every row there is."""
    with transaction.atomic():
        # One that subscribed again meanwhile, too.
        stop(person, reason="forgotten")
        mine = list(person.browsers().select_for_update(of=("self",)).order_by("id"))
        SubscriptionTag.objects.filter(subscription__in=mine).delete()
        for one in mine:
            one.alias = one.time_zone = one.language = ""
            # By the one before, its browser might still be told from others.
            one.registration_id = new_registration_id()
        Subscription.objects.bulk_update(mine, ["alias", "time_zone", "language", "registration_id"], batch_size=500)
        _forget_audiences(person)
    return len(mine)


def _forget_audiences(person: Person) -> None:
    by_name = Push.objects.filter(Q(audience__has_key="alias") | Q(audience__has_key="registration_id"))
    if person.client_id is not None:
        by_name = by_name.filter(client_id=person.client_id)
    for push in by_name.only("audience").iterator():
        audience = pseudonymous(push.audience, person)
        if audience != push.audience:
            Push.objects.filter(pk=push.pk).update(audience=audience)


def pseudonymous(audience: dict[str, Any], person: Person) -> dict[str, Any]:
    """An audience in which another name stands for them, so that it means nobody in their place."""
    named = person.aliases | person.told_as
    return {
        kind: [person.pseudonym if value in named else value for value in values]
        if kind in ("alias", "registration_id")
        else values
        for kind, values in audience.items()
    }
