"""kube-apiserver: the ranges of ClusterIPs and NodePorts, on every control plane, one after the other.

The controller manager carries the same range, and the serving certificate the range's first address, so that
Pods can trust the API at its new address from the moment the Service has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from deploys import apiserver_certificate, control_plane
from deploys.apiserver_gates import carries_flags, certificate_served
from deploys.control_plane import APISERVER, CONTROLLER_MANAGER, Program
from k8snet_provision import undoing
from k8snet_provision.capability import Capability, Gate
from k8snet_provision.change import Change, Kind
from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.engine import carry_out, operations
from k8snet_provision.kube_proxy.install import node
from k8snet_provision.problems import Problem
from k8snet_provision.resources import certificate, file
from k8snet_provision.resources.probe import Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

NAME = "kube-apiserver"

SERVICE_RANGE = "service-cluster-ip-range"
NODE_PORTS = "service-node-port-range"
TO_ENDPOINTS = "enable-aggregator-routing"
DEFAULT_NODE_PORTS = "30000-32767"

NOT_EDITABLE = "K8N272"


def probes(cluster: Cluster, host: str) -> Iterable[Probe]:
    yield from control_plane.probes(cluster)
    sources = [
        (control_plane.unit_name(cluster, program), control_plane.manifest_path(cluster, program))
        for program in (APISERVER, CONTROLLER_MANAGER)
    ]
    yield certificate.probe(*sources)


def service_range(world: World) -> str:
    """The range as the flag has it: one network, or two with a comma between."""
    return ",".join(map(str, world.topology.service_cidr))


def wanted_flags(world: World, program: Program) -> dict[str, str]:
    """What the program's flags shall be; a default that is not written is not added."""
    wanted = {SERVICE_RANGE: service_range(world)}
    if program.name == APISERVER:
        ports = str(world.topology.node_port_range)
        if ports != DEFAULT_NODE_PORTS or program.defined(NODE_PORTS) is not None:
            wanted[NODE_PORTS] = ports
        if needs_endpoints(world):
            wanted[TO_ENDPOINTS] = "true"
    return wanted


def needs_endpoints(world: World) -> bool:
    """Whether webhooks must be called at their pods' addresses. Raises Unknown.

    A control plane that is no node has no kube-proxy, so no Service has an address there. In spite of its name
    the flag is for admission webhooks too (kube-apiserver's generic admission initializer).
    """
    ingress, metallb = world.topology.ingress, world.topology.metallb
    if not metallb and not (ingress and ingress.admission):
        return False
    return any(node(world, host) is None for host in world.cluster.control_planes)


def host_changes(world: World, host: str) -> Iterator[Change]:
    found = control_plane.read(world, host)
    if found.problems:
        return
    yield from apiserver_certificate.changes(world, NAME, host)
    for program in found.programs:
        try:
            yield from program_changes(world, host, program)
        except EditRefused:
            return


def program_changes(world: World, host: str, program: Program) -> list[Change]:
    """The edited files; or a restart, where the files are right and the process that runs is older."""
    wanted = wanted_flags(world, program)
    before = {flag: program.running(flag) for flag in wanted}
    edits = [
        change
        for old, new in program.with_flags(wanted)
        for change in file.change(NAME, host, old, new, restarts=_restarts(program), stage=_stage(world, program))
    ]
    details = {
        "program": program.name,
        "before_flags": json.dumps({flag: program.defined(flag) for flag in wanted}),
        "after_flags": json.dumps(wanted),
    }
    changes = [replace(change, details={**change.details, **details}) for change in edits]
    if changes or before == wanted:
        return changes
    return [
        Change(
            NAME,
            host,
            Kind.RESTART,
            program.unit,
            _flag_text(before) if program.argv else f"{program.name} does not run\n",
            _flag_text(wanted),
            details,
            because=f"{program.name} does not run as its files say",
        )
    ]


def _restarts(program: Program) -> tuple[str, ...]:
    """The kubelet starts a static pod anew by itself."""
    return (program.unit,) if program.kind == "systemd" else ()


def _stage(world: World, program: Program) -> str:
    """The kubelet takes every file in its directory for a pod, so a new one is prepared beside that directory."""
    return world.topology.control_plane.manifests_dir.rpartition("/")[0] if program.kind == "kubeadm" else ""


def _flag_text(flags: Mapping[str, str | None]) -> str:
    return "".join(f"--{flag}={value}\n" for flag, value in flags.items() if value is not None)


def facts(world: World) -> Iterator[tuple[str, str]]:
    """How the control plane runs; both kinds are named where hosts differ."""
    kinds = {
        program.kind
        for host in world.reached(world.cluster.control_planes)
        for program in control_plane.read(world, host).programs
    }
    if kinds:
        yield "control plane", " and ".join(sorted(kinds))


def refusals(world: World) -> Iterator[Problem]:
    """All hosts are looked at; one that could not be observed is reported by its own changes."""
    for host in world.reached(world.cluster.control_planes):
        try:
            yield from host_problems(world, host)
        except Unknown:
            continue


def host_problems(world: World, host: str) -> list[Problem]:
    found = control_plane.read(world, host)
    problems = list(found.problems)
    for program in found.programs:
        try:
            program_changes(world, host, program)
        except EditRefused as refused:
            where = f"{refused.file}:{refused.line}" if refused.line else refused.file
            problems.append(Problem(NOT_EDITABLE, refused.text, host, found=where, hint=refused.hint))
    if found.programs:
        problems += apiserver_certificate.problems(world, host)
    return problems


@carry_out.deploy("kube-apiserver")
def apply(changes: Sequence[Change], prelude: str = "") -> None:
    """A new certificate first, the old one last: the new one is good for the old address and the new one."""
    certificates = [change for change in changes if change.kind is Kind.CERTIFICATE]
    for change in certificates:
        if not apiserver_certificate.is_kept(change):
            operations.add(f"issue {change.name}", apiserver_certificate.issue(change))
    if rest := [change for change in changes if change not in certificates]:
        carry_out.host_changes(rest, prelude)
    for change in certificates:
        if apiserver_certificate.is_kept(change):
            operations.add(f"restore {change.name}", apiserver_certificate.restore(change))


def undone(changes: Sequence[Change]) -> Iterator[Change]:
    """The files, then the certificate that was kept on the host when another one took its place."""
    yield from undoing.simply(changes)
    yield from apiserver_certificate.undone(changes)


CAPABILITY = Capability(
    name=NAME,
    felt=(
        "an API server gives no answers while it restarts: 0.7 s at most behind a load balancer, about 45 s where "
        "kubeadm's is the only one; Pods and Services go on"
    ),
    carry_out=apply,
    probes=probes,
    host_changes=host_changes,
    refusals=refusals,
    facts=facts,
    gates=(
        # A static pod's apiserver is given 30 s to end by the kubelet, which then waits about 10 s more.
        Gate("the new flags in the running programs, and /readyz", carries_flags, deadline=120),
        Gate("the new certificate served", certificate_served, deadline=75),
    ),
    undone=undone,
)
