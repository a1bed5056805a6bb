"""What a deploy would run, as data: its operations are written down instead of given to pyinfra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from k8snet_provision.engine.script import Script

Step = tuple[str, Script]
"""The step's name, as progress would call it, and what runs on the host."""

_written: ContextVar[list[Step] | None] = ContextVar("k8snet_provision_recording", default=None)


def under_way() -> bool:
    """Whether operations are written down just now."""
    return _written.get() is not None


def written(name: str, script: Script) -> bool:
    """Writes a step down, if that is what is wanted just now; False where it is to be run."""
    steps = _written.get()
    if steps is None:
        return False
    steps.append((name, script))
    return True


def steps_of(carry_out: Callable[..., Any], changes: Sequence[Any], prelude: str = "") -> list[Step]:
    """The steps by which a capability's `carry_out` would make one host's changes, in order. Nothing runs."""
    steps: list[Step] = []
    token = _written.set(steps)
    try:
        carry_out(changes, prelude=prelude)
    finally:
        _written.reset(token)
    return steps
