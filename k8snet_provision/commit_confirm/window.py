"""How long a run waits to be confirmed, as an operator writes it: 10m, 90s, 1h30m."""

from __future__ import annotations

from datetime import UTC, datetime

from k8snet_provision import duration
from k8snet_provision.commit_confirm.codes import Code
from k8snet_provision.duration import Bounds, in_words

BOUNDS = Bounds("--confirm-within", Code.BAD_WINDOW, 60, 24 * 3600)
"""In less than a minute nobody has looked; what nobody looked at for a day is nobody's any more."""


def seconds(text: str) -> int:
    """Raises ProblemsFound."""
    return duration.seconds(text, BOUNDS)


def at(moment: float) -> str:
    """A moment (seconds of the epoch) in UTC, as it is printed and kept."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = ["BOUNDS", "at", "in_words", "seconds"]
