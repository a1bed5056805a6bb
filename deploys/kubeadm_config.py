"""kubeadm's ConfigMaps, kept in step: an upgrade writes the cluster's files from them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from deploys.kubelet_config import with_dns
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.edits import yaml_value
from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.problems import Problem
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import ObjectRef
from k8snet_provision.seen import World
from k8snet_provision.topology import Topology

KUBEADM_CONFIG = ObjectRef("v1", "ConfigMap", "kubeadm-config", "kube-system")
KUBELET_CONFIG = ObjectRef("v1", "ConfigMap", "kubelet-config", "kube-system")
CONFIG_MAPS = (KUBEADM_CONFIG, KUBELET_CONFIG)

NODE_PORTS = "service-node-port-range"
SERVICE_RANGE = "service-cluster-ip-range"
DEFAULT_NODE_PORTS = "30000-32767"

NOT_EDITABLE = "K8N313"

Edit = Callable[[Topology, str], str]


def cluster_configuration(topology: Topology, text: str) -> str:
    """The ClusterConfiguration with the topology's range, domain and NodePorts; raises EditRefused."""
    cidrs = ",".join(map(str, topology.service_cidr))
    text = yaml_value.with_value(text, ("networking", "serviceSubnet"), cidrs)
    text = yaml_value.with_value(text, ("networking", "dnsDomain"), topology.cluster_domain)
    ports = str(topology.node_port_range)
    text = _with_argument(text, "apiServer", NODE_PORTS, ports, needed=ports != DEFAULT_NODE_PORTS)
    for program in ("apiServer", "controllerManager"):
        text = _with_argument(text, program, SERVICE_RANGE, cidrs, needed=False)
    return text


def _with_argument(text: str, program: str, name: str, value: str, *, needed: bool) -> str:
    """extraArgs is a list of name and value since kubeadm.k8s.io/v1beta4, a mapping before."""
    path = (program, "extraArgs")
    found: Any = yaml_value.get(text, path)
    if isinstance(found, list):
        places = [index for index, item in enumerate(found) if item.get("name") == name]
        for index in places:
            text = yaml_value.with_value(text, (*path, index, "value"), value)
        if places or not needed:
            return text
        raise EditRefused(
            f"{program}.extraArgs of kubeadm-config lacks {name}",
            hint=f"add name: {name}, value: {value} there, or a kubeadm upgrade would take the flag back",
        )
    if not needed and not (found and name in found):
        return text
    if found is None and yaml_value.get(text, ("apiVersion",)) != "kubeadm.k8s.io/v1beta3":
        return _with_first_argument(text, program, name, value)
    return yaml_value.with_value(text, (*path, name), value)


def _with_first_argument(text: str, program: str, name: str, value: str) -> str:
    item: Any = [{"name": name, "value": value}]
    return yaml_value.with_value(text, (program, "extraArgs"), item)


EDITS: dict[ObjectRef, tuple[str, Edit]] = {
    KUBEADM_CONFIG: ("ClusterConfiguration", cluster_configuration),
    KUBELET_CONFIG: ("kubelet", with_dns),
}


def config_map_changes(world: World, phase: str) -> Iterator[Change]:
    """What differs in the ConfigMaps that are there; one that cannot be edited is a problem instead."""
    for ref in CONFIG_MAPS:
        try:
            yield from _changes(world, phase, ref)
        except EditRefused:
            continue


def _changes(world: World, phase: str, ref: ObjectRef) -> Iterator[Change]:
    live, (key, edit) = world.live(ref), EDITS[ref]
    if live is None or key not in (live.get("data") or {}):
        return
    wanted = copy.deepcopy(live)
    wanted["data"][key] = edit(world.topology, live["data"][key])
    yield from kube_object.change(
        phase, live, wanted, how="replace", because="what a kubeadm upgrade or join would write"
    )


def problems(world: World) -> Iterator[Problem]:
    for ref in CONFIG_MAPS:
        try:
            list(_changes(world, "", ref))
        except EditRefused as refused:
            yield Problem(NOT_EDITABLE, f"{ref} cannot be kept in step: {refused.text}", CLUSTER, hint=refused.hint)
