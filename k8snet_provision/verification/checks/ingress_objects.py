"""The objects around the way in: addresses in the Ingress status, the admission webhook, nothing of other patterns."""

from __future__ import annotations

from datetime import UTC, datetime

import gevent

from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.ingress import paths
from k8snet_provision.resources.kube_object import ObjectRef, owner
from k8snet_provision.seen import World
from k8snet_provision.verification.called_for import only_where
from k8snet_provision.verification.cluster import said, try_kubectl
from k8snet_provision.verification.echo import Echo
from k8snet_provision.verification.verdict import NotAsWanted, difference, nothing_wrong
from k8snet_provision.verification.way_in import WayIn, read

STATUS_WITHIN = 75.0
"""Seconds after which a new Ingress has its status: the controller writes it once a minute."""


def called_for(world: World) -> bool:
    return world.topology.ingress is not None


@only_where(lambda world: bool(world.topology.ingresses))
def test_status(world: World, fleet: Fleet, way: WayIn) -> None:
    """the status of every Ingress has exactly the addresses of the way in"""
    while wrong := _wrong_status(way):
        youngest = max(datetime.fromisoformat(item["metadata"]["creationTimestamp"]) for item in way.ingresses)
        if (datetime.now(UTC) - youngest).total_seconds() > STATUS_WITHIN:
            break
        gevent.sleep(2)
        way = read(world, fleet)
    nothing_wrong(wrong)


def _wrong_status(way: WayIn) -> list[str]:
    expected = {door.address for door in way.doors}
    faults = []
    for item in way.ingresses:
        points = item.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
        found = {point.get("ip") or point.get("hostname", "") for point in points}
        name = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        faults += [difference(found, expected, name)] if found != expected else []
    return faults


def test_other_patterns(world: World, way: WayIn) -> None:
    """nothing of another pattern is left in the cluster or on the nodes"""
    faults = []
    for item in world.state.owned:
        pattern = (item["metadata"].get("labels") or {}).get(paths.PATTERN_LABEL, way.pattern)
        if owner(item) == paths.OWNER and pattern != way.pattern:
            faults.append(f"found {ObjectRef.of(item)} of {pattern}, expected objects of {way.pattern} only")
    for node in world.state.nodes:
        if way.pattern != "host_network" and paths.NODE_LABEL in node["metadata"].get("labels", {}):
            faults.append(f"found the label {paths.NODE_LABEL} on node {node['metadata']['name']}, expected none")
    nothing_wrong(faults)


@only_where(lambda world: world.topology.ingress is not None and world.topology.ingress.admission)
def test_admission(world: World, fleet: Fleet, echo: Echo) -> None:
    """the API server asks the controller before it takes an Ingress: one with a path that is taken is refused"""
    ingress = world.topology.ingress
    assert ingress is not None
    backend = {"service": {"name": "echo", "port": {"number": 80}}}
    rule = {"host": echo.host, "http": {"paths": [{"path": "/exact", "pathType": "Exact", "backend": backend}]}}
    second = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "second", "namespace": echo.namespace},
        "spec": {"ingressClassName": ingress.class_name, "rules": [rule]},
    }
    answer = try_kubectl(world, fleet, "apply --dry-run=server -f -", second)
    if answer.code == 0:
        raise NotAsWanted("found an Ingress taken whose host and path are another's, expected it refused")
    if "denied the request" not in said(answer):
        raise NotAsWanted(f"found {said(answer)}, expected a refusal by the webhook")
