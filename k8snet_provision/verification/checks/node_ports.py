"""NodePorts answer where the Service's policy says, and nowhere else."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import product

from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.resources.kube_object import FIELD_MANAGER, OWNED_LABEL, Manifest
from k8snet_provision.seen import World
from k8snet_provision.verification.client import Client
from k8snet_provision.verification.cluster import kubectl
from k8snet_provision.verification.verdict import at_once, nothing_wrong
from k8snet_provision.verification.web import opens


def called_for(world: World) -> bool:
    return world.topology.ingress is not None or bool(world.topology.services)


def test_node_ports(client: Client, world: World, fleet: Fleet) -> None:
    """NodePorts of our Services answer on nodes with a pod where the policy is Local, on all where it is Cluster"""
    services = [service for service in world.state.services if _is_ours(service)]
    pods = _nodes_with_pods(world, fleet)
    nodes = [node for node in world.cluster.nodes if node in world.observation.hosts]

    def fault(question: tuple[Manifest, str]) -> str:
        service, node = question
        name = f"{service['metadata']['namespace']}/{service['metadata']['name']}"
        local = service["spec"].get("externalTrafficPolicy") == "Local"
        expected = node in pods[name] if local else bool(pods[name])
        faults = []
        for port in service["spec"].get("ports", ()):
            if "nodePort" not in port or port.get("protocol", "TCP") != "TCP":
                continue
            if opens(client, world.cluster.addresses[node], port["nodePort"]) != expected:
                found = ("no answer", "an answer") if expected else ("an answer", "none")
                why = f"policy {'Local' if local else 'Cluster'}, {'a' if node in pods[name] else 'no'} pod there"
                faults.append(
                    f"{name} port {port['nodePort']} of {node}: found {found[0]}, expected {found[1]} ({why})"
                )
        return "; ".join(faults)

    nothing_wrong(at_once(fault, list(product(services, nodes))))


def _is_ours(service: Manifest) -> bool:
    ours = (service["metadata"].get("labels") or {}).get(OWNED_LABEL) == FIELD_MANAGER
    return ours and service["spec"]["type"] in ("NodePort", "LoadBalancer")


def _nodes_with_pods(world: World, fleet: Fleet) -> defaultdict[str, set[str]]:
    """Nodes by Service with an endpoint that is ready; one outside the cluster has none, and counts for all."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for piece in json.loads(kubectl(world, fleet, "get endpointslices.discovery.k8s.io -A -o json"))["items"]:
        name = (piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name", "")
        for endpoint in piece.get("endpoints") or ():
            if endpoint.get("conditions", {}).get("ready", True) is not False:
                found[f"{piece['metadata']['namespace']}/{name}"].add(endpoint.get("nodeName", ""))
    return found
