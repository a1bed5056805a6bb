"""How kube-proxy is installed: as a systemd unit on each host, or as kubeadm's DaemonSet."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from k8snet_provision.change import CLUSTER
from k8snet_provision.kube_proxy import live
from k8snet_provision.problems import Problem
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World

NOT_INSTALLED, INSTALLED_TWICE, NO_CONFIG_FILE = "K8N250", "K8N251", "K8N252"

DAEMONSET = ObjectRef("apps/v1", "DaemonSet", "kube-proxy", "kube-system")
CONFIG_MAP = ObjectRef("v1", "ConfigMap", "kube-proxy", "kube-system")
CONFIG_KEY = "config.conf"

SYSTEMD, AS_DAEMONSET = "systemd", "daemonset"


def hosts(world: World) -> tuple[str, ...]:
    """The reached hosts that may run kube-proxy, in the inventory's order."""
    roles = {*world.cluster.nodes, *world.cluster.control_planes}
    return world.reached(tuple(member.name for member in world.cluster.members if member.name in roles))


@lru_cache(maxsize=1)
def found(world: World) -> tuple[str, ...]:
    """The ways in which kube-proxy was seen to be installed; raises Unknown where the cluster was not read."""
    daemonset = world.live(DAEMONSET) is not None
    units = any(_is_unit(world, host) for host in hosts(world))
    return (*([SYSTEMD] if units else []), *([AS_DAEMONSET] if daemonset else []))


def _is_unit(world: World, host: str) -> bool:
    """False for a host that could not tell: it is reported by itself, and does not hide the others."""
    try:
        return live.read(world.host(host)).is_unit
    except Unknown:
        return False


def install(world: World) -> str:
    """SYSTEMD or AS_DAEMONSET, as given or as found; empty where that is not clear (`problems` says so)."""
    proxy = world.topology.kube_proxy
    if proxy is None:
        return ""
    ways = (proxy.install,) if proxy.install else found(world)
    return ways[0] if len(ways) == 1 else ""


def node(world: World, host: str) -> Manifest | None:
    """The Node object of a host: of its name, otherwise of its address; None where it runs no kubelet."""
    address = world.cluster.addresses[host]
    by_name = {item["metadata"]["name"]: item for item in world.state.nodes}
    by_address = (item for item in world.state.nodes if address in _addresses(item))
    return by_name.get(host) or by_name.get(host.split(".")[0]) or next(by_address, None)


def _addresses(item: Manifest) -> set[str]:
    return {entry["address"] for entry in item.get("status", {}).get("addresses", [])}


def pod(world: World, host: str) -> str:
    """The name of kube-proxy's pod on a host, empty where the DaemonSet has none there."""
    its_node = node(world, host)
    pods = world.state.pods if its_node else ()
    owner = ("DaemonSet", DAEMONSET.name, DAEMONSET.namespace)
    return (
        next(
            (
                p.name
                for p in pods
                if p.node == its_node["metadata"]["name"] and (p.owner_kind, p.owner, p.namespace) == owner
            ),
            "",
        )
        if its_node
        else ""
    )


def runs_here(world: World, host: str) -> bool:
    """Whether this host's kube-proxy is ours to bring into its mode; raises Unknown."""
    match install(world):
        case "systemd":
            return live.read(world.host(host)).is_unit
        case "daemonset":
            return bool(pod(world, host))
    return False


def config_text(world: World) -> str | None:
    """The DaemonSet's configuration, None where there is no such ConfigMap or key; raises Unknown."""
    data: Any = (world.live(CONFIG_MAP) or {}).get("data") or {}
    text = data.get(CONFIG_KEY)
    return None if text is None else str(text)


def problems(world: World) -> Iterator[Problem]:
    """Why it is not clear what is to be changed; raises Unknown."""
    proxy = world.topology.kube_proxy
    if proxy is None:
        return
    ways = found(world)
    if not proxy.install and len(ways) != 1:
        yield _twice() if ways else _nowhere()
    elif install(world) == AS_DAEMONSET:
        yield from _no_config_map(world)
    else:
        yield from _units(world)


def _twice() -> Problem:
    return Problem(
        INSTALLED_TWICE,
        "kube-proxy is installed in two ways, and both would write packet rules",
        CLUSTER,
        "a systemd unit on hosts and the DaemonSet kube-system/kube-proxy",
        "one of them",
        "remove one, or name the one to manage as kube_proxy.install",
    )


def _nowhere() -> Problem:
    return Problem(
        NOT_INSTALLED,
        "kube-proxy is not installed",
        CLUSTER,
        "no systemd unit on any host, no DaemonSet kube-system/kube-proxy",
        "one of them",
        "install it first (kubeadm init phase addon kube-proxy); where the network plugin replaces it, "
        "leave kube_proxy out of the topology",
    )


def _no_config_map(world: World) -> Iterator[Problem]:
    for ref in (DAEMONSET, CONFIG_MAP):
        if world.live(ref) is None:
            yield Problem(NOT_INSTALLED, "kube-proxy is not installed as a DaemonSet", CLUSTER, f"no {ref}", str(ref))
            return
    if config_text(world) is None:
        text = "kube-proxy's ConfigMap holds no configuration"
        yield Problem(NO_CONFIG_FILE, text, CLUSTER, f"no key {CONFIG_KEY} in {CONFIG_MAP}", f"the key {CONFIG_KEY}")


def _units(world: World) -> Iterator[Problem]:
    unit = world.topology.control_plane.units.kube_proxy
    for host in hosts(world):
        try:
            here = live.read(world.host(host))
        except Unknown:
            continue  # reported where the host's changes are asked for
        if here.is_unit and here.config is None:
            yield Problem(
                NO_CONFIG_FILE,
                f"kube-proxy on {host} has no configuration file to edit",
                host,
                f"--config={here.config_path}, which is not there" if here.config_path else "flags only",
                "--config=FILE with a KubeProxyConfiguration",
                "write one with kube-proxy --write-config-to=FILE and name it in the unit",
            )
        elif not here.is_unit and host in world.cluster.nodes:
            hint = "take the host out of kube_node, or name the unit in control_plane.units.kube_proxy"
            text = f"{host} has no kube-proxy unit"
            yield Problem(NOT_INSTALLED, text, host, f"no active unit {unit}.service", f"{unit}.service", hint)
