"""Ctrl-C: during a roll-out the batch in hand is finished first; where nothing is changed it ends what is under way."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import gevent

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""A terminal that closes (SIGHUP) and a CI job that is cancelled (SIGTERM) are no reason to break a host either."""


_came: list[int] = []
"""What `remember` has heard."""


def remember() -> None:
    """Ctrl-C is raised as ever, and remembered from now on, so that no roll-out begins after one that was lost.

    Python swallows what is raised in a destructor or a callback, as it runs many of whenever something is imported.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as whoever started the program wanted it
        signal.signal(signal.SIGINT, _raise)


def _raise(number: int, frame: FrameType | None) -> None:
    _came.append(number)
    raise KeyboardInterrupt


@contextmanager
def postponed(told: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether one of SIGNALS has come; `told` is called when the first one does.

    A second one raises KeyboardInterrupt, for an operator who will not wait. So does one that came before and was lost.
    """
    came: list[int] = []

    def take(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt
        told()

    before = {number: signal.signal(number, take) for number in SIGNALS}
    try:
        if _came:
            raise KeyboardInterrupt
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def at_once() -> Iterator[None]:
    """Ctrl-C is raised in the greenlet that calls this, and in no other.

    Python raises it in whichever greenlet is at work, where a library's own `except:` may swallow it.
    """
    before, hub, caller = signal.getsignal(signal.SIGINT), gevent.get_hub(), gevent.getcurrent()
    if before is signal.SIG_IGN:  # as whoever started the program wanted it
        yield
        return
    taking = gevent.signal_handler(signal.SIGINT, lambda: hub.loop.run_callback(caller.throw, KeyboardInterrupt))
    try:
        yield
    finally:
        taking.cancel()
        signal.signal(signal.SIGINT, before)
