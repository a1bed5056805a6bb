"""Reasons not to begin with a way in: ports that are taken, nodes that are not there, somebody else's controller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from itertools import chain

from k8snet_provision.ingress import admission, foreign, observed, ports
from k8snet_provision.ingress.exposure import edge_networks
from k8snet_provision.ingress.paths import OWNER, ROWS
from k8snet_provision.ingress.ports import Holder
from k8snet_provision.kube_proxy.install import node
from k8snet_provision.problems import Problem
from k8snet_provision.resources.kube_object import Manifest, owner
from k8snet_provision.seen import World
from k8snet_provision.topology.ingress import Ingress

PORT_TAKEN, NODE_PORT_TAKEN, NO_NODE, NOT_A_NODE, NO_ADDRESS, NO_OPENSSL = (
    "K8N280", "K8N322", "K8N323", "K8N281", "K8N282", "K8N283",
)  # fmt: skip


def refusals(world: World) -> Iterable[Problem]:
    ingress = world.topology.ingress
    if ingress is None:
        return
    yield from foreign.refusals(world)
    yield from _nodes(world, ingress)
    yield from _ports(world, ingress)
    yield from _node_ports(world, ingress)
    yield from _edge(world, ingress)
    if ingress.admission and admission.bundle(world) is None and observed.lacks_openssl(world):
        text = "openssl, which makes the webhook's certificate, is not installed"
        yield Problem(NO_OPENSSL, text, world.state.reader, hint="install it, or set ingress.admission: false")


def _nodes(world: World, ingress: Ingress) -> Iterable[Problem]:
    selector = ingress.node_selector
    if ingress.pattern == "host_network":
        for host in world.cluster.ingress:
            item = node(world, host)
            if item is None:
                text = "a host of the group ingress is no node of the cluster"
                yield Problem(NOT_A_NODE, text, world.cluster.host_origin(host), found=host)
            elif missing := _missing(item, selector):
                yield _unmatched(world, f"node {item['metadata']['name']} of the group ingress", missing)
    elif not any(not _missing(item, selector) for item in world.state.nodes):
        yield _unmatched(world, "no node", _labels(selector))


def _missing(item: Manifest, selector: Mapping[str, str]) -> str:
    has = item["metadata"].get("labels") or {}
    return _labels({key: value for key, value in selector.items() if has.get(key) != value})


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in labels.items())


def _unmatched(world: World, who: str, labels: str) -> Problem:
    without = who if who == "no node" else f"{who} does not match"
    return Problem(
        NO_NODE,
        f"{without}{' matches' if who == 'no node' else ''} ingress.node_selector",
        world.cluster.origin("ingress", "node_selector"),
        expected=labels,
        hint="label the nodes, or choose labels that they have",
    )


def _ports(world: World, ingress: Ingress) -> Iterable[Problem]:
    """Each wanted port on each chosen node; what our own controller holds is no conflict. Raises Unknown."""
    hosts = world.cluster.ingress if ingress.pattern == "host_network" else world.cluster.nodes
    if not ports.wanted(ingress):
        return
    for host in world.reached(hosts):
        for holder in ports.holders(world.host(host)):
            who = _pod(world, holder)
            if who not in _ours(ingress):
                yield Problem(
                    PORT_TAKEN,
                    f"port {holder.port}, which the way in needs, is taken",
                    host,
                    found=f"{holder}" + (f", of {' '.join(who)}" if who else ""),
                    hint=_hint(world, who),
                )


def _pod(world: World, holder: Holder) -> tuple[str, ...]:
    """Kind, namespace and name of the workload whose pod holds the port; empty for what is no pod."""
    found = (pod for pod in world.state.pods if holder.pod and pod.uid == holder.pod)
    return next(((pod.owner_kind, pod.namespace, pod.owner) for pod in found), ())


def _ours(ingress: Ingress) -> Iterable[tuple[str, ...]]:
    row = ROWS["host_network"]
    return ((row.workload, ingress.namespace, row.name),)


def _hint(world: World, who: tuple[str, ...]) -> str:
    adopted = {(item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]) for item in _adopted(world)}
    if who in adopted:
        return (
            "two controllers cannot have the same port of a node: adopt it with another pattern first, or on other "
            "nodes, and come back to this one afterwards"
        )
    return "stop it or move it to another port; or take other hosts into the group ingress"


def _adopted(world: World) -> Iterable[Manifest]:
    return (item for item in foreign.adopted(world) if item["kind"] in foreign.WORKLOADS)


def _node_ports(world: World, ingress: Ingress) -> Iterable[Problem]:
    """Fixed NodePorts that other Services have. Raises Unknown."""
    if ingress.pattern != "node_port":
        return
    for service in world.state.services:
        meta = service["metadata"]
        if owner(service) == OWNER or (meta["namespace"], meta["name"]) == (ingress.namespace, ROWS["node_port"].name):
            continue
        has = chain((p.get("nodePort") for p in service["spec"].get("ports") or ()), [_health(service)])
        for port in sorted(set(ports.wanted(ingress)) & {p for p in has if p}):
            yield Problem(
                NODE_PORT_TAKEN,
                f"NodePort {port} belongs to another Service",
                world.cluster.origin("ingress", "node_port"),
                found=f"Service {meta['namespace']}/{meta['name']}",
                hint="choose another port below ingress.node_port",
            )


def _health(service: Manifest) -> int | None:
    port: int | None = service["spec"].get("healthCheckNodePort")
    return port


def _edge(world: World, ingress: Ingress) -> Iterable[Problem]:
    """The controller believes exactly the edge hosts, by address. Raises Unknown."""
    if ingress.behind_edge and len(edge_networks(world.cluster)) != len(world.cluster.load_balancers):
        for host in world.cluster.load_balancers:
            if not _is_address(world.cluster.addresses[host]):
                yield Problem(
                    NO_ADDRESS,
                    "the address of an edge host has to be an IP address: the controller believes its PROXY header",
                    world.cluster.host_origin(host),
                    found=world.cluster.addresses[host],
                )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
