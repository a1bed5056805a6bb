"""The batches of a phase: who changes together, who goes first, who stays out."""

from __future__ import annotations

from collections.abc import Collection

from k8snet_provision.capability import Phase, batch_size
from k8snet_provision.change import CLUSTER
from k8snet_provision.plan import Plan


def batches(phase: Phase, plan: Plan, canary: str = "", without: Collection[str] = ()) -> list[list[str]]:
    """The targets of a phase in the order of the plan: the cluster first, then hosts in batches.

    The canary is the first host and has a batch of its own. Hosts that are left out make batches no larger.
    """
    targets = plan.targets(phase.name)
    size = batch_size(phase.at_once, len([target for target in targets if target != CLUSTER]))
    here = [target for target in targets if target not in without]
    alone = [target for target in (CLUSTER, canary) if target in here]
    hosts = [target for target in here if target not in alone]
    return [*([target] for target in alone), *(hosts[at : at + size] for at in range(0, len(hosts), size))]
