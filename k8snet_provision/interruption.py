"""Ctrl-C during a roll-out: the batch in hand is finished first, so that no host is left half changed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""A terminal that closes (SIGHUP) and a CI job that is cancelled (SIGTERM) are no reason to break a host either."""


@contextmanager
def postponed(told: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether one of SIGNALS has come; `told` is called when the first one does.

    A second one raises KeyboardInterrupt, for an operator who will not wait.
    """
    came: list[int] = []

    def take(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt
        told()

    before = {number: signal.signal(number, take) for number in SIGNALS}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
