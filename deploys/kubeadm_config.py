"""kubeadm's ConfigMaps, kept in step: an upgrade writes the cluster's files from them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ruamel.yaml.nodes import SequenceNode

from deploys.kubelet_config import with_dns
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.edits import yaml_scalar, yaml_value
from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.edits.yaml_list import appended
from k8snet_provision.edits.yaml_tree import child, document, spliced
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

PLACEHOLDER = "k8snet-provision-placeholder"

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
    if isinstance(found, Mapping):
        return yaml_value.with_value(text, (*path, name), value) if needed or name in found else text
    places = [index for index, item in enumerate(found or ()) if item.get("name") == name]
    for index in places:
        text = yaml_value.with_value(text, (*path, index, "value"), value)
    if places or not needed:
        return text
    if not found and yaml_value.get(text, ("apiVersion",)) in ("kubeadm.k8s.io/v1beta2", "kubeadm.k8s.io/v1beta3"):
        return yaml_value.with_value(text, (*path, name), value)
    return _with_new_argument(text, path, {"name": name, "value": value})


def _with_new_argument(text: str, path: tuple[str, str], argument: Mapping[str, str]) -> str:
    """Adds an item to the list, in flow style, which every reader of YAML takes."""
    written = yaml_scalar.inline(argument)
    listed = child(child(document(text, None), path[0]), path[1])
    if isinstance(listed, SequenceNode) and listed.value:
        edited = spliced(text, [appended(text, listed, [written])])
    else:
        # A list of one placeholder, which the item then replaces: edits set scalars only.
        edited = yaml_value.with_value(text, path, [PLACEHOLDER]).replace(PLACEHOLDER, written)
    before, after = yaml_value.get(text, path) or [], yaml_value.get(edited, path)
    if after != [*before, argument]:
        raise EditRefused(f"{'.'.join(path)} of kubeadm-config cannot be extended", hint=f"add {written} there")
    return edited


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
