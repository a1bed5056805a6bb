"""Codes of the problems with runs, in one place."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    NOT_KEPT = "K8N420"
    """The journal cannot be written, so nothing is begun."""
    UNKNOWN = "K8N421"
    """There is no run of this id, or it cannot be read."""
    CUT_SHORT = "K8N422"
    """A run ended without an end: something may be half done."""
    NOTHING_TO_RESUME = "K8N423"
    MOVED = "K8N424"
    """What would be done now is not the rest of the run."""
    DAMAGED = "K8N425"
    """A run's directory that cannot be read, beside others that can."""
