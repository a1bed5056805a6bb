"""When a fault strikes: at a line of the journal that the run itself keeps on the operator's machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from k8snet_provision.change import CLUSTER
from k8snet_provision.runs.model import Event


@dataclass(frozen=True)
class Moment:
    """`reached` says of the events so far, and of a phase and a host, whether it is there."""

    name: str
    reached: Callable[[Iterable[Event], str, str], bool]


def _of_target(kind: str) -> Callable[[Iterable[Event], str, str], bool]:
    """What is done in the cluster is journalled under the cluster's name."""

    def reached(events: Iterable[Event], phase: str, host: str) -> bool:
        return any(e.event == kind and e.phase == phase and e.target in (host, CLUSTER) for e in events)

    return reached


def _of_batch(kind: str) -> Callable[[Iterable[Event], str, str], bool]:
    """A step since the target's batch began; it bears the name of the host that it goes through."""

    def reached(events: Iterable[Event], phase: str, host: str) -> bool:
        told = iter(events)
        return _of_target("batch")(told, phase, host) and any(e.event == kind and e.phase == phase for e in told)

    return reached


def _begun(events: Iterable[Event], phase: str, host: str) -> bool:
    return any(e.event == "begun" for e in events)


BEGUN = Moment("before the first step", _begun)
BATCH = Moment("as its batch begins", _of_target("batch"))
STEP = Moment("in its first step", _of_batch("step_started"))
STEP_DONE = Moment("after its first step", _of_batch("step_done"))
PASSED = Moment("after its gates", _of_target("passed"))
