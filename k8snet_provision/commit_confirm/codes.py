"""K8N44x: why changes cannot be made until they are confirmed, or were not confirmed."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The number is stable: operators and CI filters search for it. A comment says when it is given."""

    BAD_WINDOW = "K8N440"  # --confirm-within is no duration, or not one from a minute to a day
    NOT_ALONE = "K8N441"  # the plan changes something that a host cannot put back by itself
    UNKNOWN_RUN = "K8N442"  # no host knows a run of this id that waits to be confirmed
    WENT_BACK = "K8N443"  # it was not confirmed in time
    NOT_REACHED = "K8N444"  # a host of the run that could not be told
    NOT_CONFIRMED = "K8N445"  # a host that answered, and could not do it
    AWAITED = "K8N446"  # an earlier run still waits to be confirmed
    NOT_ARMED = "K8N447"  # at the end of a run a host could not be told until when it waits
