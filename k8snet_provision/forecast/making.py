"""A plan becomes a forecast: its batches, with the seconds that such batches took before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Protocol

from k8snet_provision.capability import Phase, Site
from k8snet_provision.change import CLUSTER
from k8snet_provision.forecast import measured
from k8snet_provision.forecast.model import BEFORE, BEFORE_WITH_ETCD, LAB, NO_FIGURE, Forecast, Row, rounded
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
    plan: Plan,
    site: Site,
    cluster: Cluster,
    past: Sequence[Timed],
    batches: Batches,
    pause: float = 0.0,
    measured_as: Callable[[str], str] = str,
) -> Forecast | None:
    """None for a plan without changes. `past` are this cluster's runs, `pause` seconds between a phase's batches.

    `measured_as` is the phase whose figures are those of a phase of this plan.
    """
    rows: list[Row] = []
    pauses = 0.0
    for phase in site:
        taken = batches(phase, plan)
        rows += (_row(plan, phase, measured_as(phase.name), cluster, past, targets) for targets in taken)
        pauses += pause * max(0, len(taken) - 1)
    return Forecast(tuple(rows), float(pauses)) if rows else None


def beginning(plan: Plan, past: Sequence[Timed], keeps_etcd: bool) -> Row:
    """What comes before the first batch. How long looking takes here is known: the plan was just made."""
    phase = BEFORE_WITH_ETCD if keeps_etcd else BEFORE
    figures = [took for run in past if (took := run.timings.get((phase, ""))) is not None]
    if figures:
        return Row(phase, ("",), (), rounded(median(figures)), _runs(len(figures)))
    return Row(phase, ("",), (), rounded(plan.seconds + measured.beginning(keeps_etcd)), LAB)


def _row(plan: Plan, phase: Phase, known: str, cluster: Cluster, past: Sequence[Timed], targets: Sequence[str]) -> Row:
    batch = {target: plan.of(phase.name, target) for target in targets}
    seconds, basis = _took(plan, phase, known, cluster, past, CLUSTER in targets)
    return Row(phase.name, tuple(targets), processes(batch), seconds, basis, phase.capability.felt)


def _runs(number: int) -> str:
    return f"{number} run here" if number == 1 else f"{number} runs here"


def _took(
    plan: Plan, phase: Phase, known: str, cluster: Cluster, past: Sequence[Timed], in_cluster: bool
) -> tuple[float | None, str]:
    """The median of what this cluster's batches took, else the lab's figure; and which of them it is.

    What an operator's own settings make a phase wait comes on top of the lab's figure, which is without it.
    """
    runs = [figures for run in past if (figures := list(_of_run(run, known, in_cluster)))]
    if runs:
        here = median(figure for figures in runs for figure in figures)
        return rounded(here), _runs(len(runs))
    seconds = measured.seconds(known, plan.facts.get("control plane", ""))
    if seconds is None:
        return None, NO_FIGURE
    return rounded(seconds + phase.capability.waits(cluster)), LAB


def _of_run(run: Timed, phase: str, in_cluster: bool) -> Iterator[float]:
    """One figure for each target, which is its batch's: they are begun and awaited together."""
    for (name, target), seconds in run.timings.items():
        if name == phase and (target == CLUSTER) is in_cluster:
            yield seconds
