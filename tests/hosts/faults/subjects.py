"""The phases that faults strike: the edit of the topology that sets them to work, and the host that is struck."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

OLD: dict[str, Any] = {
    "service_cidr": "10.96.0.0/16",
    "pod_cidr": "10.244.0.0/16",
    "cluster_domain": "cluster.local",
    "kube_proxy": {"mode": "iptables"},
    "dns": {"replicas": 1, "ttl": 30},
    "services": [{"name": "shop", "selector": {"app": "shop"}, "ports": [{"port": 80}]}],
}
"""What a cell begins and ends with."""

WITH_EDGE: dict[str, Any] = {
    **OLD,
    "ingress": {"pattern": "node_port", "image": "registry.k8s.io/ingress-nginx/controller:v1.11.0"},
    "edge": {"vip": "@NETWORK@.101", "virtual_router_id": 144},
}
"""@NETWORK@ stands for the first three numbers of the lab's addresses."""

MANIFESTS = ("/etc/kubernetes/manifests", "/etc/systemd/system", "/etc/kubernetes", "/etc/kubernetes/pki")
"""Directories whose reader takes whatever lies in them, and those that hold what it reads."""


@dataclass(frozen=True)
class Subject:
    """`lab` is the fixture; `phase` the line of the site table; `edit` is what differs from `old`."""

    name: str
    lab: str
    phase: str
    host: str
    edit: Mapping[str, Any] = field(hash=False)
    old: Mapping[str, Any] = field(default_factory=lambda: OLD, hash=False)

    @property
    def new(self) -> dict[str, Any]:
        return {**copy.deepcopy(self.old), **self.edit}


NODE_PORTS = {"node_port_range": "30000-32000"}
MORE = [
    {"name": "shop", "selector": {"app": "shop"}, "ports": [{"port": 81}]},
    {"name": "more", "selector": {"app": "more"}, "ports": [{"port": 1}]},
]

STATIC_POD = Subject("kube-apiserver (static pod)", "fresh_kubeadm", "kube-apiserver", "cp1", NODE_PORTS)
UNIT = Subject("kube-apiserver (unit)", "fresh_systemd", "kube-apiserver", "cp2", NODE_PORTS)
RANGE = Subject(
    "service-range", "fresh_kubeadm", "service-range", "cp1", {"service_cidr": "10.97.0.0/16"}, {**OLD, "services": []}
)
"""Without Services of the catalogue, whose addresses would be outside the new range (K8N311)."""
CONFIG = Subject("kube-proxy config", "fresh_kubeadm", "kube-proxy config", "cp1", {"kube_proxy": {"mode": "nftables"}})
PODS = Subject("kube-proxy pods", "fresh_kubeadm", "kube-proxy pods", "node1", {"kube_proxy": {"mode": "nftables"}})
COREDNS = Subject("coredns", "fresh_kubeadm", "coredns", "cp1", {"dns": {"replicas": 1, "ttl": 17}})
KUBELET = Subject("kubelet", "fresh_kubeadm", "kubelet", "node1", {"dns": {**OLD["dns"], "address": "10.96.0.53"}})
SERVICES = Subject("services", "fresh_kubeadm", "services", "cp1", {"services": MORE})
PROXY_UNIT = Subject(
    "kube-proxy (unit)", "fresh_proxy_units", "kube-proxy", "node1", {"kube_proxy": {"mode": "nftables"}}
)
EDGE = Subject(
    "edge", "fresh_ways_in", "edge", "lb1", {"edge": {**WITH_EDGE["edge"], "advertisement_interval": 0.3}}, WITH_EDGE
)


def on_units(subject: Subject) -> Subject:
    """The same on the lab whose control planes are units."""
    return replace(subject, name=f"{subject.name} (units)", lab="fresh_systemd")
