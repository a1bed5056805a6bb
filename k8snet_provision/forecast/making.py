"""A plan becomes a forecast: its batches, with the seconds that such batches took before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Protocol

from k8snet_provision.capability import Phase, Site
from k8snet_provision.change import CLUSTER
from k8snet_provision.forecast import measured
from k8snet_provision.forecast.model import LAB, NO_FIGURE, Forecast, Row, rounded
from k8snet_provision.forecast.processes import processes
from k8snet_provision.plan import Plan
from k8snet_provision.topology import Cluster

Batches = Callable[[Phase, Plan], Sequence[Sequence[str]]]
"""The targets of a phase as the roll-out takes them: those of one batch together."""


class Timed(Protocol):
    """A run of the past: seconds of what passed, its gates included, by phase and target."""

    @property
    def timings(self) -> Mapping[tuple[str, str], float]: ...


def of(
    plan: Plan, site: Site, cluster: Cluster, past: Sequence[Timed], batches: Batches, pause: float = 0.0
) -> Forecast | None:
    """None for a plan without changes. `past` are this cluster's runs, `pause` seconds between a phase's batches."""
    rows: list[Row] = []
    pauses = 0.0
    for phase in site:
        taken = batches(phase, plan)
        rows += (_row(plan, phase, cluster, past, targets) for targets in taken)
        pauses += pause * max(0, len(taken) - 1)
    return Forecast(tuple(rows), float(pauses)) if rows else None


def _row(plan: Plan, phase: Phase, cluster: Cluster, past: Sequence[Timed], targets: Sequence[str]) -> Row:
    batch = {target: plan.of(phase.name, target) for target in targets}
    seconds, basis = _took(plan, phase, cluster, past, CLUSTER in targets)
    return Row(phase.name, tuple(targets), processes(batch), seconds, basis, phase.capability.felt)


def _took(
    plan: Plan, phase: Phase, cluster: Cluster, past: Sequence[Timed], in_cluster: bool
) -> tuple[float | None, str]:
    """The median of what this cluster's batches took, else the lab's figure; and which of them it is.

    What an operator's own settings make a phase wait comes on top of the lab's figure, which is without it.
    """
    runs = [figures for run in past if (figures := list(_of_run(run, phase.name, in_cluster)))]
    if runs:
        here = median(figure for figures in runs for figure in figures)
        return rounded(here), f"{len(runs)} run here" if len(runs) == 1 else f"{len(runs)} runs here"
    seconds = measured.seconds(phase.name, plan.facts.get("control plane", ""))
    if seconds is None:
        return None, NO_FIGURE
    return rounded(seconds + phase.capability.waits(cluster)), LAB


def _of_run(run: Timed, phase: str, in_cluster: bool) -> Iterator[float]:
    """One figure for each target, which is its batch's: they are begun and awaited together."""
    for (name, target), seconds in run.timings.items():
        if name == phase and (target == CLUSTER) is in_cluster:
            yield seconds
