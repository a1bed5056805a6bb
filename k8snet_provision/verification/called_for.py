"""Which checks a topology calls for: a module's own `called_for`, and that of a single check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from k8snet_provision.seen import World

F = TypeVar("F", bound=Callable[..., Any])
NAME = "called_for"


def only_where(condition: Callable[[World], bool]) -> Callable[[F], F]:
    """Marks one check of a module."""

    def mark(check: F) -> F:
        setattr(check, NAME, condition)
        return check

    return mark


def is_called_for(item: pytest.Item, world: World) -> bool:
    """What the topology does not ask for is not reported as proved."""
    asked = [getattr(getattr(item, part, None), NAME, None) for part in ("module", "function")]
    return all(condition(world) for condition in asked if condition is not None)
