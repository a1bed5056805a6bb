"""Lines on standard error about what is going on, each with the seconds since the command began."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Say = Callable[[str], None]


def teller() -> Say:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr, flush=True)

    return say


class WaitedTooLong(Exception):
    """A bounded wait ran out; says for what, how long, and what was seen last."""


def wait_for(what: str, seconds: float, check: Callable[[], str], pause: float = 0.1) -> None:
    """Return once `check` returns an empty string; what it returns otherwise is what was last seen.

    Raises WaitedTooLong after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while seen := check():
        if time.monotonic() > deadline:
            raise WaitedTooLong(f"waited {seconds:.0f} s for {what}; last seen: {seen}")
        time.sleep(pause)
