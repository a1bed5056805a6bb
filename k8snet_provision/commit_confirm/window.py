"""How long a run waits to be confirmed."""

from __future__ import annotations

from k8snet_provision import duration
from k8snet_provision.commit_confirm.codes import Code
from k8snet_provision.duration import Bounds, in_words

BOUNDS = Bounds("--confirm-within", Code.BAD_WINDOW, 60, 24 * 3600)
"""In less than a minute nobody has looked; what nobody looked at for a day is nobody's any more."""


def seconds(text: str) -> int:
    """Raises ProblemsFound."""
    return duration.seconds(text, BOUNDS)


__all__ = ["BOUNDS", "in_words", "seconds"]
