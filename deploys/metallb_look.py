"""What MetalLB's plan rests on: who answers in the nodes' networks, pools of others, Services with addresses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

from k8snet_provision.metallb import network
from k8snet_provision.metallb.contents import CERTIFICATE, NAMESPACE
from k8snet_provision.metallb.network import NodeNetwork
from k8snet_provision.resources.kube_object import Manifest, owner
from k8snet_provision.resources.probe import ABSENT_CODE, Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.values import IPAddress

CERTIFICATE_KEY, POOLS_KEY = "metallb:certificate", "metallb:pools"

EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"

ASKERS = 3
"""Nodes that ask who has the pools' addresses: one would do, were it always there; all of them would be a storm."""


def probes(cluster: Cluster, host: str) -> Iterable[Probe]:
    topology = cluster.topology
    if topology.metallb is None:
        return
    if host in cluster.nodes:
        asks = host in cluster.nodes[:ASKERS]
        yield network.probe(network.addresses(topology.pools) if asks else ())


def questions(cluster: Cluster, prelude: str) -> Iterator[Probe]:
    """Whether the Secret is there, and no more of it; and all pools, for kubectl's reads are by name."""
    if cluster.topology.metallb is None:
        return
    place = f"-n {NAMESPACE} get secret {CERTIFICATE.name}"
    yield Probe(
        CERTIFICATE_KEY,
        f"""{prelude} o=$(K {place} --ignore-not-found -o name 2>&1) || {{ echo "$o"; exit 1; }}
[ "$o" ] || exit {ABSENT_CODE}""",
    )
    yield Probe(
        POOLS_KEY,
        f"""{prelude} o=$(K get --raw /apis/metallb.io/v1beta1/ipaddresspools 2>&1) && {{ echo "$o"; exit 0; }}
case $o in *"(NotFound)"*) exit {ABSENT_CODE} ;; esac; echo "$o"; exit 1""",
    )


def certificate_is_there(world: World) -> bool:
    """Raises Unknown."""
    return world.state.said(CERTIFICATE_KEY) is not None


def pools_of_others(world: World) -> Iterator[Manifest]:
    """IPAddressPools without our label; raises Unknown."""
    text = world.state.said(POOLS_KEY)
    try:
        items = json.loads(text)["items"] if text else ()
    except (ValueError, KeyError, TypeError):
        raise Unknown("cluster", "MetalLB's pools", "kubectl answered no list") from None
    yield from (item for item in items if not owner(item))


def networks(world: World) -> Mapping[str, NodeNetwork]:
    """What each reached node said; raises Unknown where one could not."""
    return {
        host: network.decode(world.host(host).text(network.KEY) or "") for host in world.reached(world.cluster.nodes)
    }


def excluded_nodes(world: World) -> list[str]:
    """Nodes from which MetalLB announces nothing by default; kubeadm labels control planes so."""
    return [
        node["metadata"]["name"] for node in world.state.nodes if EXCLUDED in (node["metadata"].get("labels") or {})
    ]


def holders(world: World) -> Mapping[IPAddress, str]:
    """namespace/name of the Service that has each address of a load balancer; raises Unknown."""
    return {
        ip_address(entry["ip"]): f"{service['metadata']['namespace']}/{service['metadata']['name']}"
        for service in world.state.services
        for entry in service.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
        if "ip" in entry
    }


def waiting(world: World) -> list[str]:
    """namespace/name of each Service of type LoadBalancer that has no address; raises Unknown."""
    return [
        f"{service['metadata']['namespace']}/{service['metadata']['name']}"
        for service in world.state.services
        if service["spec"].get("type") == "LoadBalancer"
        and not service.get("status", {}).get("loadBalancer", {}).get("ingress")
    ]
