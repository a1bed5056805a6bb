"""Workloads with a roll-out in progress: the cluster's own add-ons, and those that the plan touches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.preflight.codes import Code
from k8snet_provision.problems import Problem
from k8snet_provision.resources.probe import HostSeen, Probe, Unknown

KEY = "preflight:workloads"

KINDS = ("Deployment", "DaemonSet", "StatefulSet")

NAMESPACES = frozenset({"kube-system", "ingress-nginx", "metallb-system"})

_ROWS = (
    "go-template={{range .items}}{{.kind}}|{{.metadata.namespace}}|{{.metadata.name}}|{{.metadata.generation}}|"
    "{{or .status.observedGeneration 0}}|"
    '{{if eq .kind "DaemonSet"}}{{or .status.desiredNumberScheduled 0}}|{{or .status.updatedNumberScheduled 0}}|'
    "{{or .status.currentNumberScheduled 0}}|{{or .status.numberAvailable 0}}|{{.spec.updateStrategy.type}}|"
    "{{else}}{{if .spec.replicas}}{{.spec.replicas}}{{else}}0{{end}}|{{or .status.updatedReplicas 0}}|"
    "{{or .status.replicas 0}}|{{or .status.availableReplicas 0}}|"
    "{{with .spec.updateStrategy}}{{.type}}{{end}}{{with .spec.strategy}}{{.type}}{{end}}|"
    "{{with .spec.strategy}}{{with .rollingUpdate}}{{.maxUnavailable}}{{end}}{{end}}"
    '{{end}}{{"\\n"}}{{end}}'
)


@dataclass(frozen=True)
class Workload:
    """Counts of pods as the status has them; `max_unavailable` as a Deployment's strategy has it."""

    kind: str
    namespace: str
    name: str
    generation: int
    observed: int
    wanted: int
    updated: int
    existing: int
    available: int
    strategy: str
    max_unavailable: str

    @property
    def place(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def takes_none_away(self) -> bool:
        """A Deployment that brings the new pod up first. A percentage is rounded down (its API reference)."""
        share = self.max_unavailable.removesuffix("%")
        if self.kind != "Deployment" or self.strategy != "RollingUpdate" or not share.isdigit():
            return False
        return int(share) * (self.wanted if self.max_unavailable.endswith("%") else 100) < 100


def probe(prelude: str) -> Probe:
    kinds = ",".join(f"{kind.lower()}s.apps" for kind in KINDS)
    return Probe(KEY, f"{prelude}\nK get {kinds} -A -o {quote(_ROWS)} 2>&1")


def read(seen: HostSeen) -> list[Workload]:
    """Raises Unknown. A cluster has at least its DNS."""
    rows = [line.split("|") for line in (seen.text(KEY) or "").splitlines()]
    try:
        found = [_workload(row) for row in rows if len(row) == 11]
    except ValueError as error:
        raise Unknown(CLUSTER, "workloads", f"kubectl's answer cannot be read: {error}") from None
    if not found:
        raise Unknown(CLUSTER, "workloads", "kubectl named none")
    return found


def _workload(row: Sequence[str]) -> Workload:
    generation, observed, wanted, updated, existing, available = map(int, row[3:9])
    return Workload(row[0], row[1], row[2], generation, observed, wanted, updated, existing, available, row[9], row[10])


def touched(changes: Iterable[Change]) -> frozenset[str]:
    """ "Kind namespace/name" of the workloads among the changed or restarted objects."""
    names = (change.name for change in changes if change.kind in (Kind.OBJECT, Kind.RESTART))
    return frozenset(name for name in names if name.partition(" ")[0] in KINDS)


def problems(
    workloads: Sequence[Workload], concerned: frozenset[str], silenced: Mapping[str, int]
) -> Iterator[Problem]:
    """`concerned`: namespaces, and places of workloads. `silenced`: pods on nodes that are not Ready, by place: those
    nodes are a problem of their own, and their pods none."""
    for workload in workloads:
        found = _rolling(workload, silenced.get(workload.place, 0))
        if not found or concerned.isdisjoint((workload.namespace, workload.place)):
            continue
        hint = "wait until it has ended (kubectl rollout status), or mend what keeps its pods from starting"
        text = f"{workload.place} has a roll-out in progress"
        expected = f"{workload.wanted} of {workload.wanted} pods new and available"
        yield Problem(Code.ROLLING, text, CLUSTER, found, expected, hint)


def _rolling(workload: Workload, silenced: int) -> str:
    """What `kubectl rollout status` would still wait for, but for pods that cannot be; empty when nothing."""
    if workload.observed < workload.generation:
        return "its controller has not seen its last change"
    if workload.strategy != "OnDelete" and workload.updated < workload.wanted:
        return f"{workload.updated} of {workload.wanted} pods are new"
    if workload.kind == "Deployment" and workload.existing > workload.updated:
        return f"{workload.existing - workload.updated} old pods are still there"
    missing = workload.wanted - workload.available
    if missing > silenced:
        return f"{workload.available} of {workload.wanted} pods are available"
    return ""
