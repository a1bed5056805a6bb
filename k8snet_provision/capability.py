"""Capability, Gate and Phase: the shape that deploys/ fills and that planning and roll-out walk through.

A capability's functions are pure: they take the cluster as wanted and what was seen, and return data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.problems import Problem
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.resources.probe import Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

T = TypeVar("T")

NEVER = 9
"""Exit status by which a gate's script says that waiting longer is of no use."""


@dataclass(frozen=True)
class Together:
    """A gate that no host can judge alone: all of `hosts` are asked the same.

    `verdict` is given the last line of each host that answered with exit 0, and says why the gate does not pass
    yet; empty when it does.
    """

    hosts: Callable[[World], Sequence[str]]
    verdict: Callable[[World, Mapping[str, str]], str]


@dataclass(frozen=True)
class Gate:
    """A read-only check that must pass before the next batch.

    `script` gives POSIX sh for a host (for cluster changes: the control-plane host in use) from the
    changes just made: exit 0 passes, NEVER fails at once, anything else is asked again until `deadline`
    (seconds); the last line of its stdout is what is shown. None where there is nothing to check on that host.
    `asked_from` chooses the host to ask where the one that changes, or the control plane for cluster changes, is
    the wrong place. `together` asks several.
    """

    what: str
    script: Callable[[World, str, Sequence[Change]], str | None]
    deadline: float = 60.0
    asked_from: Callable[[World], str] | None = None
    together: Together | None = None


def nothing(*_: object) -> tuple[Any, ...]:
    return ()


def no_time(_: Cluster) -> float:
    return 0.0


@dataclass(frozen=True)
class Capability:
    """One thing the tool provides. Each field is a function of what is wanted and what is there.

    probes(world.cluster, host)   what must be looked at on a host
    reads(cluster)                which cluster objects must be read
    questions(cluster, prelude)   what else is asked of the cluster, once, by the control plane that reads it;
                                  `prelude` is the sh that defines K (kubectl)
    manifests(world)              objects applied server-side, owned by us
    host_changes(world, host)     what differs on a host
    cluster_changes(world)        what differs in the cluster beside `manifests`
    refusals(world)               reasons why nothing may be changed at all
    notices(world)                what an operator should know although nothing changes because of it
    facts(world)                  (name, value) of what was observed because the topology leaves it open
    carry_out(changes, prelude)   a pyinfra @deploy over one host's changes of a batch; `prelude` is the sh
                                  that defines K (kubectl) on a control-plane host
    order(world, hosts)           the hosts in the order in which they change; the inventory's when None
    from_control_plane            host changes are carried out through a control-plane host, all of a batch at
                                  once, because they go through the API although they concern one node
    retires                       owners (values of the label k8snet-provision/capability) whose objects this
                                  phase deletes when no phase's `manifests` has them any more; its own name when None
    managed(cluster)              whether the topology has this section at all, so that what it no longer asks for
                                  is deleted; when None: whether anything is asked for
    puts_back                     whether the objects of a failed batch can simply be made again what they were
    undone(changes)               the changes that undo those of one target, in the order in which to carry them out;
                                  when None: undoing.simply
    left_over(world)              what only a run that was cut short leaves in the cluster, as changes that delete it:
                                  a rollback of what had not taken effect otherwise takes it along
    backwards                     whether what it changed is undone after all that came later in the site's order:
                                  a way in serves again before requests go back to it; others are undone in that
                                  order itself, in which each step finds what it needs
    felt                          what clients notice while it changes, in a sentence; figures were measured on the lab
    waits(cluster)                seconds that the operator's own settings make each batch wait
    """

    name: str
    carry_out: Callable[..., Any]
    probes: Callable[[Any, str], Iterable[Probe]] = nothing
    reads: Callable[[Any], Iterable[ObjectRef]] = nothing
    questions: Callable[[Any, str], Iterable[Probe]] = nothing
    manifests: Callable[[World], Iterable[Manifest]] = nothing
    host_changes: Callable[[World, str], Iterable[Change]] = nothing
    cluster_changes: Callable[[World], Iterable[Change]] = nothing
    refusals: Callable[[World], Iterable[Problem]] = nothing
    notices: Callable[[World], Iterable[str]] = nothing
    facts: Callable[[World], Iterable[tuple[str, str]]] = nothing
    gates: tuple[Gate, ...] = ()
    order: Callable[[World, Sequence[str]], Sequence[str]] | None = None
    from_control_plane: bool = False
    retires: tuple[str, ...] | None = None
    managed: Callable[[Cluster], bool] | None = None
    puts_back: bool = True
    undone: Callable[[Sequence[Change]], Iterable[Change]] | None = None
    left_over: Callable[[World], Iterable[Change]] = nothing
    backwards: bool = False
    felt: str = ""
    waits: Callable[[Cluster], float] = no_time

    @property
    def prunes(self) -> tuple[str, ...]:
        """The owners whose objects this phase deletes."""
        return (self.name,) if self.retires is None else self.retires


@dataclass(frozen=True)
class Phase:
    """One line of the site table: a capability, its hosts, how many at once.

    `hosts` are inventory groups or CLUSTER; `at_once` is a number of hosts or a percentage ("25%").
    """

    capability: Capability
    hosts: tuple[str, ...] = (CLUSTER,)
    at_once: int | str = "100%"

    @property
    def name(self) -> str:
        return self.capability.name

    @property
    def pace(self) -> str:
        """How many at once and through which gates, for people."""
        pace = "one at a time" if self.at_once == 1 else f"{self.at_once} at once"
        if CLUSTER in self.hosts and self.capability.host_changes is nothing:  # its hosts are looked at only
            pace = "once, for the cluster"
        gates = ", ".join(gate.what for gate in self.capability.gates)
        return pace + (f", gate {gates}" if gates else "")


Site = Sequence[Phase]
"""The phases in their order: deploys/site.py."""


def members(phase: Phase, cluster: Cluster) -> tuple[str, ...]:
    """The hosts of a phase in the inventory's order, each once; CLUSTER is no host."""
    groups = {host for group in phase.hosts if group != CLUSTER for host in cluster.having(group)}
    return tuple(member.name for member in cluster.members if member.name in groups)


def ordered(phase: Phase, world: World) -> Sequence[str]:
    """The hosts of a phase in the order in which they change; the inventory's where that cannot be known."""
    hosts = members(phase, world.cluster)
    return (attempt(phase.capability.order, world, hosts) or hosts) if phase.capability.order else hosts


def batch_size(at_once: int | str, hosts: int) -> int:
    """Hosts per batch: at least one; a percentage is rounded down, as a roll-out should err to the careful side."""
    if isinstance(at_once, int):
        return max(1, at_once)
    return max(1, hosts * int(at_once.removesuffix("%")) // 100)


def attempt(function: Callable[..., Iterable[T]], *arguments: Any) -> list[T]:
    """What the function gives, nothing where something it needs is unknown: whoever asks for changes reports that."""
    try:
        return list(function(*arguments))
    except Unknown:
        return []
