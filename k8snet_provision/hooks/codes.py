"""K8N48x: hooks that cannot be run, told before anything begins."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The number is stable: operators and CI filters search for it."""

    NO_SUCH_PHASE = "K8N480"
    NO_PROGRAM = "K8N481"
    NOT_EXECUTABLE = "K8N482"
