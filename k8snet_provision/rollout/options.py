"""How careful a roll-out is asked to be, checked before anything starts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import StrEnum

from k8snet_provision.capability import Site
from k8snet_provision.change import CLUSTER
from k8snet_provision.plan import Plan
from k8snet_provision.problems import Problem


class Code(StrEnum):
    """K8N49x. The number is stable: operators and CI filters search for it."""

    CANARY = "K8N490"  # no host of the plan, or none that a phase changes
    NUMBER = "K8N491"  # a number of hosts or seconds that is none


def check_options(plan: Plan, site: Site, canary: str = "", max_failures: int = 0, pause: float = 0.0) -> list[Problem]:
    """Why a roll-out of this plan cannot be run like that."""
    return [*_canary(plan, site, canary), *_numbers(max_failures, pause)]


def _canary(plan: Plan, site: Site, canary: str) -> Iterator[Problem]:
    changed = list(dict.fromkeys(target for phase in site for target in plan.targets(phase.name) if target != CLUSTER))
    if canary and canary not in changed:
        expected = f"one of {', '.join(changed[:8])}{' ...' if len(changed) > 8 else ''}" if changed else ""
        hint = "a canary is a host that changes" if changed else "no host changes: leave --canary away"
        yield Problem(Code.CANARY, "no phase changes the canary", "--canary", canary, expected, hint)


def _numbers(max_failures: int, pause: float) -> Iterator[Problem]:
    if max_failures < 0:
        yield Problem(Code.NUMBER, "no number of hosts", "--max-failures", str(max_failures), "0 or more")
    if not (math.isfinite(pause) and pause >= 0):
        yield Problem(Code.NUMBER, "no time to wait", "--pause", f"{pause:g}", "0 seconds or more")
