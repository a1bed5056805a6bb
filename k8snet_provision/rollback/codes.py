"""K8N43x: why a run is not rolled back."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The number is stable: operators and CI filters search for it. A comment says when it is given."""

    UNKNOWN_RUN = "K8N430"  # no run of that id, or none of this inventory
    UNDER_WAY = "K8N431"  # the run has not ended yet
    MOVED = "K8N432"  # a thing is neither what the run made of it nor what it was before
    LATER_RUN = "K8N433"  # a later run touched the same thing
    NO_SECRET = "K8N434"  # what a Secret was before is not to be had any more
    NEWER_FORMAT = "K8N435"  # the run was kept by a later version whose format is not known here
    NO_HOST = "K8N436"  # a host of the run is not in the inventory any more
    NO_PHASE = "K8N437"  # the run has a phase that this version does not know
