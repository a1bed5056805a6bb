"""K8N41x: why a plan is not saved, not read or not applied."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The number is stable: operators and CI filters search for it. A comment says when it is given."""

    UNREADABLE = "K8N410"  # no file, not a saved plan, damaged, edited, too large
    NEWER_FORMAT = "K8N411"  # saved by a later version whose format is not known here
    OTHER_TOOL = "K8N412"  # saved by another version of this program
    EXTRA_VARS = "K8N413"  # --extra-vars name other variables than those the plan was made with
    NOT_WHOLE = "K8N414"  # something was refused or could not be observed when it was made
    INVENTORY_MOVED = "K8N415"  # a host, a value of the topology or a file it names
    MOVED = "K8N416"  # a host or the cluster is no longer as the plan saw it, or would be changed otherwise
    NOT_SAVED = "K8N417"  # the file cannot be written, or the plan cannot be kept in one
