"""Roll-out: the plan's changes, phase by phase, batch by batch, each batch through its gates."""

from k8snet_provision.rollout.options import check_options
from k8snet_provision.rollout.outcome import CUT_SHORT, NOT_KEPT, Outcome
from k8snet_provision.rollout.run import Rollout
from k8snet_provision.rollout.told import HOOK, NO_HOOKS, NO_JOURNAL, WHOLE_RUN, Failures, Hooks, Journal, Progress

__all__ = [
    "CUT_SHORT",
    "HOOK",
    "NOT_KEPT",
    "NO_HOOKS",
    "NO_JOURNAL",
    "WHOLE_RUN",
    "Failures",
    "Hooks",
    "Journal",
    "Outcome",
    "Progress",
    "Rollout",
    "check_options",
]
