"""The picture of a cluster: the wanted way of a request from the client to the pods, and what it rests on.

Plain data that goes with a report, so that whoever reads the report needs no inventory. Each place says which findings
are about it; how it is drawn is the reader's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from k8snet_provision.ingress.paths import ROWS
from k8snet_provision.topology import Cluster, Topology
from k8snet_provision.topology.annotated import Networks
from k8snet_provision.topology.ingress import Ingress


@dataclass(frozen=True)
class Place:
    """Somewhere that requests come to, or that their way rests on (then nothing leads there but the edge's API port).

    `about` are a few words each, `then` the places that requests go to from here. A finding is about the place if it
    has one of `capabilities`, and where `whole` also if it is on one of `hosts`, whatever it is about.
    """

    name: str
    title: str
    about: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    whole: bool = False
    capabilities: tuple[str, ...] = ()
    then: tuple[str, ...] = ()


def places(cluster: Cluster) -> tuple[Place, ...]:
    """From the topology alone, in the order in which a request comes by; then what the way rests on."""
    return (*_way(cluster), *_ground(cluster))


def _way(cluster: Cluster) -> Iterator[Place]:
    topology = cluster.topology
    yield Place("clients", "Clients", then=tuple(_ways_in(topology)))
    if topology.edge:
        yield _edge(cluster, topology)
    if topology.metallb or _announced(topology):
        yield Place(
            "metallb",
            "MetalLB",
            tuple(_addresses(topology)),
            capabilities=("metallb", "metallb-pools"),
            then=("nodes",) if _announced(topology) else (),
        )
    yield Place(
        "nodes",
        "Nodes",
        tuple(_ports(topology)),
        cluster.nodes,
        whole=True,
        capabilities=("kubelet", "ingress-nodes"),
        then=tuple(_inside(topology)),
    )
    if topology.ingress:
        yield _controller(cluster, topology.ingress)
    yield Place(
        "services", "Services", tuple(_services(topology)), capabilities=("services", "ingresses"), then=("pods",)
    )
    yield Place("pods", "Pods", _ranges("range", topology.pod_cidr or ()), capabilities=("addon-pods",))


def _ground(cluster: Cluster) -> Iterator[Place]:
    topology = cluster.topology
    yield Place(
        "control-planes",
        "Control planes",
        _ranges("Services", topology.service_cidr),
        tuple(dict.fromkeys((*cluster.control_planes, *cluster.etcd))),
        whole=True,
        capabilities=("kube-apiserver", "service-range"),
    )
    yield Place(
        "kube-proxy",
        "kube-proxy",
        (f"mode {topology.kube_proxy.mode}",) if topology.kube_proxy and topology.kube_proxy.mode else (),
        tuple(dict.fromkeys((*cluster.control_planes, *cluster.nodes))),
        capabilities=("kube-proxy", "kube-proxy kernel", "kube-proxy config", "kube-proxy pods"),
    )
    yield Place("dns", "Cluster DNS", (str(topology.dns_address), topology.cluster_domain), capabilities=("coredns",))


def _edge(cluster: Cluster, topology: Topology) -> Place:
    edge, ingress = topology.edge, topology.ingress
    assert edge is not None
    behind = bool(ingress and ingress.behind_edge)
    ports = [*((edge.http_port, edge.https_port) if behind else ()), *((edge.api.port,) if edge.api else ())]
    return Place(
        "edge",
        "Load balancers",
        (f"VIP {edge.vip}", *((f"ports {', '.join(map(str, ports))}",) if ports else ())),
        cluster.load_balancers,
        whole=True,
        capabilities=("edge", "edge-retired"),
        then=(*(("nodes",) if behind else ()), *(("control-planes",) if edge.api else ())),
    )


def _controller(cluster: Cluster, ingress: Ingress) -> Place:
    row = ROWS[ingress.pattern]
    everywhere = row.workload == "DaemonSet"
    return Place(
        "ingress",
        "ingress-nginx",
        (f"pattern {ingress.pattern}", "one pod a host" if everywhere else f"{ingress.replicas} pods"),
        cluster.ingress if everywhere else (),
        capabilities=("ingress-nginx", "ingress-admission", "ingress-traffic", "ingress-retired"),
        then=("services",),
    )


def _ways_in(topology: Topology) -> Iterator[str]:
    ingress = topology.ingress
    if topology.edge and (topology.edge.api or (ingress and ingress.behind_edge)):
        yield "edge"
    if _announced(topology):
        yield "metallb"
    direct = ingress is not None and ingress.pattern == "host_network" and not ingress.behind_edge
    if direct or any(service.type == "NodePort" for service in topology.services or ()):
        yield "nodes"


def _announced(topology: Topology) -> bool:
    """Whether clients come to an address that MetalLB gives."""
    balanced = topology.ingress is not None and topology.ingress.pattern == "load_balancer"
    return balanced or any(service.type == "LoadBalancer" for service in topology.services or ())


def _inside(topology: Topology) -> Iterator[str]:
    """Where nodes pass requests on to; past the controller where a Service is reached from outside by itself."""
    if topology.ingress:
        yield "ingress"
    outside = any(service.type in ("NodePort", "LoadBalancer") for service in topology.services or ())
    if outside or not topology.ingress:
        yield "services"


def _addresses(topology: Topology) -> Iterator[str]:
    ingress = topology.ingress
    if ingress and ingress.pattern == "load_balancer" and ingress.load_balancer.address:
        yield f"address {ingress.load_balancer.address}"
    yield from (str(pool) for pool in topology.pools)


def _ports(topology: Topology) -> Iterator[str]:
    ingress = topology.ingress
    if ingress and ingress.pattern == "node_port":
        yield f"ports {ingress.node_port.http}, {ingress.node_port.https}"
    if ingress and ingress.pattern == "host_network":
        yield "ports 80, 443"


def _services(topology: Topology) -> Iterator[str]:
    names = [f"{service.namespace}/{service.name}" for service in topology.services or ()]
    yield from names if len(names) <= 2 else (names[0], f"and {len(names) - 1} more")


def _ranges(what: str, networks: Networks) -> tuple[str, ...]:
    return tuple(f"{what} {network}" for network in networks)
