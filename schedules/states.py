"""What a schedule and its times may come to (contract schedules_v4)."""

from enum import StrEnum


class Zoning(StrEnum):
    """Whose clock a time is read on: the site's, or that of EACH recipient (contract schedules_v4, ``zone_type``)."""

    SITE = "SITE"
    EACH = "EACH"


class Status(StrEnum):
    """Where a schedule stands, for people: a PAUSED one lets its times pass, an ENDED one has none left."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    ENDED = "ENDED"
    DELETED = "DELETED"


class Decision(StrEnum):
    """What was made of one of a schedule's times: FIRED has a job; the others say why there is none."""

    FIRED = "FIRED"
    LATE = "LATE"
    PAUSED = "PAUSED"
    CLIENT_INACTIVE = "CLIENT_INACTIVE"
    ZONES_PAST = "ZONES_PAST"
    NOBODY = "NOBODY"
    BROKEN = "BROKEN"
