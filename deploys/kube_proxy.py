"""kube-proxy: the mode that turns Services into packet rules on every node.

Four steps of the site table: the kernel is made ready, the DaemonSet's ConfigMap is edited, its pods are
replaced batch by batch (through the API), and units restart and old rules go (on the hosts). Which of the
middle ones have anything to do depends on how kube-proxy is installed, which is observed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from deploys import kube_proxy_gates as gates
from deploys import kube_proxy_steps as steps
from deploys import kube_proxy_undo as undo
from k8snet_provision.capability import Capability
from k8snet_provision.change import Change, Kind
from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.engine.carry_out import cluster_changes, host_changes
from k8snet_provision.kube_proxy import kernel, live, options, residue
from k8snet_provision.kube_proxy.install import (
    AS_DAEMONSET,
    CONFIG_KEY,
    CONFIG_MAP,
    DAEMONSET,
    SYSTEMD,
    config_text,
    hosts,
    install,
    node,
    pod,
    problems,
    runs_here,
)
from k8snet_provision.kube_proxy.lvs import probe as lvs_probe
from k8snet_provision.kube_proxy.lvs import would_flush
from k8snet_provision.problems import Problem
from k8snet_provision.resources import file, kube_object, module, sysctl
from k8snet_provision.resources.kube_object import ObjectRef
from k8snet_provision.resources.probe import Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.kube_proxy import KubeProxy

KERNEL_NAME, CONFIG_NAME, PODS_NAME, NAME = "kube-proxy kernel", "kube-proxy config", "kube-proxy pods", "kube-proxy"

FORWARDING = "net.ipv4.ip_forward"
NOT_EDITABLE = "K8N257"


def probes(cluster: Cluster, host: str) -> Iterable[Probe]:
    """All four steps look at the same: each can be asked for alone."""
    proxy = cluster.topology.kube_proxy
    if proxy is None:
        return
    yield sysctl.probe(FORWARDING)
    yield sysctl.probe_kept()
    yield module.probe_kept()
    yield from kernel.probes(proxy.mode, steps.scheduler(proxy))
    yield live.probe(cluster.topology.control_plane.units.kube_proxy, proxy.metrics_bind_address or "")
    yield residue.probe()
    yield lvs_probe()


def reads(cluster: Cluster) -> Iterable[ObjectRef]:
    return (DAEMONSET, CONFIG_MAP) if cluster.topology.kube_proxy else ()


def refusals(world: World) -> Iterable[Problem]:
    """Nothing is changed where a host could not run the mode, or where it is not clear what to change."""
    proxy = world.topology.kube_proxy
    if proxy is None:
        return
    yield from problems(world)
    for host in hosts(world):
        try:
            yield from _refusals_of(world, host, proxy)
        except Unknown:  # told where the host's changes are asked for; the other hosts' problems are told too
            continue


def _refusals_of(world: World, host: str, proxy: KubeProxy) -> Iterable[Problem]:
    if not runs_here(world, host):
        return
    seen, in_container = world.host(host), install(world) == AS_DAEMONSET
    yield from kernel.problems(seen, proxy.mode, steps.scheduler(proxy), in_container)
    yield from _edit_problems(world, host)
    yield from would_flush(seen, proxy.mode, (*pod_changes(world, host), *unit_changes(world, host)))


def _edit_problems(world: World, host: str) -> Iterable[Problem]:
    try:
        steps.wanted_text(world, host)
    except EditRefused as refused:
        where = host if install(world) == SYSTEMD else str(CONFIG_MAP)
        yield Problem(NOT_EDITABLE, f"kube-proxy's configuration cannot be edited: {refused}", where)


def kernel_changes(world: World, host: str) -> Iterable[Change]:
    proxy = world.topology.kube_proxy
    if proxy is None or not runs_here(world, host):
        return
    seen = world.host(host)
    yield from sysctl.change(KERNEL_NAME, seen, [(FORWARDING, "1")], because="Services are reached by forwarding")
    if proxy.mode == "ipvs":
        names = kernel.modules("ipvs", steps.scheduler(proxy))
        yield from module.change(KERNEL_NAME, seen, names, because="for kube-proxy's ipvs mode")


def config_changes(world: World) -> Iterable[Change]:
    """The DaemonSet's ConfigMap, with the given keys set and the rest of its text as it is."""
    proxy, config_map = world.topology.kube_proxy, world.live(CONFIG_MAP)
    text = config_text(world)
    if proxy is None or install(world) != AS_DAEMONSET or config_map is None or text is None:
        return
    try:
        edited = options.edited(text, proxy)
    except EditRefused:  # a reason to refuse everything, and told there
        return
    wanted = {**config_map, "data": {**config_map["data"], CONFIG_KEY: edited}}
    yield from kube_object.change(CONFIG_NAME, config_map, wanted, how="replace")


def pod_changes(world: World, host: str) -> Iterable[Change]:
    """A DaemonSet's pod is replaced where the process in it does not work by the wanted configuration."""
    if install(world) != AS_DAEMONSET or not (name := pod(world, host)):
        return
    because = steps.why_restart(world, host)
    its_node, daemonset = node(world, host), world.live(DAEMONSET)
    if because and its_node and daemonset and (sides := _sides(world, host)):
        details = {"node": its_node["metadata"]["name"], "pod": name, "selector": steps.selector(daemonset), **sides}
        yield Change(PODS_NAME, host, Kind.RESTART, "kube-proxy", "", "", details, because=because)


def _sides(world: World, host: str) -> dict[str, str]:
    """Nothing where the configuration cannot be edited: a reason to refuse everything, and told there."""
    try:
        return undo.sides(world, host)
    except EditRefused:
        return {}


def unit_changes(world: World, host: str) -> Iterable[Change]:
    """A unit's file and its restart; and, however kube-proxy is installed, rules that another mode left."""
    if not runs_here(world, host):
        return
    restarts = bool(list(pod_changes(world, host)))
    if install(world) == SYSTEMD:
        changes = list(_unit_changes(world, host))
        restarts = bool(changes)
        yield from changes
    yield from _rules_changes(world, host, restarts)


def _unit_changes(world: World, host: str) -> Iterable[Change]:
    here = live.read(world.host(host))
    unit = world.topology.control_plane.units.kube_proxy
    because = steps.why_restart(world, host)
    try:
        text = steps.wanted_text(world, host)
    except EditRefused:  # a reason to refuse everything, and told there
        return
    if here.config is None:
        return
    after = replace(here.config, content=text.encode("utf-8", "surrogateescape"))
    changes = list(
        file.change(NAME, host, here.config, after, restarts=(unit,), because=because, validate=steps.validator(here))
    )
    sides = _sides(world, host)
    yield from (replace(change, details={**change.details, **sides}) for change in changes)
    if because and not changes:
        yield Change(NAME, host, Kind.RESTART, unit, "", "", sides, because=because)


def _rules_changes(world: World, host: str, restarts: bool) -> Iterable[Change]:
    proxy = world.topology.kube_proxy
    if proxy is None:
        return
    left = residue.left_over(residue.read(world.host(host)), proxy.mode, restarts=restarts)
    if left:
        unit = world.topology.control_plane.units.kube_proxy if install(world) == SYSTEMD else ""
        details = {"unit": unit, "program": live.read(world.host(host)).program, **_sides(world, host)}
        because = f"no rules of mode {proxy.mode}; kube-proxy --cleanup removes them, and kube-proxy starts anew"
        text = "".join(f"{line}\n" for line in left)
        yield Change(NAME, host, Kind.RULES, "packet rules of another mode", text, None, details, because=because)


FELT = "Services go on by the rules that are there: of 840 requests through changes of mode none was lost"


def _step(name: str, **parts: Any) -> Capability:
    return Capability(name=name, probes=probes, reads=reads, refusals=refusals, **parts)


KERNEL = _step(KERNEL_NAME, felt="nothing", carry_out=host_changes, host_changes=kernel_changes)
CONFIG = _step(
    CONFIG_NAME,
    felt="nothing; Pods read it when they are replaced",
    carry_out=cluster_changes,
    cluster_changes=config_changes,
)
PODS = _step(
    PODS_NAME,
    felt=FELT,
    carry_out=steps.replace_pods,
    host_changes=pod_changes,
    gates=(gates.HEALTHY, gates.SERVICES, gates.STARTED_CLEAN),
    from_control_plane=True,
    undone=undo.pods_undone,
)
CAPABILITY = _step(
    NAME,
    felt=FELT,
    carry_out=steps.roll_out,
    host_changes=unit_changes,
    gates=(gates.HEALTHY, gates.SERVICES, gates.CLEAN),
    undone=undo.undone,
)
