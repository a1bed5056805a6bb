"""The way in that is proved: where clients knock, the controller's pods, the Ingresses it serves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.ingress import paths
from k8snet_provision.resources.kube_object import Manifest
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology.ingress import Ingress, Pattern
from k8snet_provision.verification.client import Client
from k8snet_provision.verification.cluster import PREFIX, CannotProbe, kubectl
from k8snet_provision.verification.verdict import at_once
from k8snet_provision.verification.web import Door, opens


class NoWayIn(CannotProbe):
    """There is nothing to send a request to; the text says why."""

    check = "way_in"
    proves = "a controller of the wanted pattern serves"


class NotReached(CannotProbe):
    """The client comes to no door; the text says from where."""

    check = "client"
    proves = "a client outside the cluster reaches the way in"


@dataclass(frozen=True)
class Controller:
    """A pod of the controller. `node` is its node's name, which is the host's in the inventory."""

    name: str
    uid: str
    node: str
    ready: bool
    spec: Manifest


@dataclass(frozen=True)
class WayIn:
    pattern: Pattern
    doors: tuple[Door, ...]
    controllers: tuple[Controller, ...]
    ingresses: tuple[Manifest, ...]
    """Live ones of the controller's class."""

    @property
    def nodes(self) -> frozenset[str]:
        """Those with a pod of the controller that is ready."""
        return frozenset(pod.node for pod in self.controllers if pod.ready)


def read(world: World, fleet: Fleet) -> WayIn:
    """Raises NoWayIn, and CannotProbe where the cluster does not answer."""
    ingress = world.topology.ingress
    assert ingress is not None  # no check that needs a way in is collected without it
    row = paths.ROWS[ingress.pattern]
    try:
        live, addresses = paths.live(world), paths.addresses(world, row.pattern)
    except Unknown as unknown:
        raise NoWayIn(str(unknown)) from None
    if row.pattern not in live:
        found = ", ".join(sorted(live)) or "nothing of ours"
        raise NoWayIn(f"found {found} in the cluster, expected {row.workload} {ingress.namespace}/{row.name}")
    if not addresses:
        raise NoWayIn(f"found no address for {row.pattern}, expected one to send requests to")
    label = f"{paths.PATTERN_LABEL}={row.pattern}"
    pods = json.loads(kubectl(world, fleet, f"-n {ingress.namespace} get pods -l {label} -o json"))["items"]
    controllers = tuple(_controller(pod) for pod in pods if not pod["metadata"].get("deletionTimestamp"))
    if not any(controller.ready for controller in controllers):
        raise NoWayIn(f"found no ready pod of {row.workload} {ingress.namespace}/{row.name}, expected one at least")
    ingresses = json.loads(kubectl(world, fleet, "get ingresses.networking.k8s.io -A -o json"))["items"]
    doors = tuple(_door(world, str(address)) for address in addresses)
    return WayIn(row.pattern, doors, controllers, _served(ingress, ingresses))


def knock(client: Client, way: WayIn) -> None:
    """Raises NotReached where no door opens: every request would wait for its time-out, and fail for one reason."""
    if not any(at_once(lambda door: opens(client, door.address, door.http), way.doors)):
        doors = ", ".join(f"{door.address}:{door.http}" for door in way.doors)
        hint = "; where this machine has no route there, ask from a host: --from" if client.is_here else ""
        raise NotReached(f"found no connection to {doors} from {client.name}, expected one{hint}")


def _controller(pod: dict[str, Any]) -> Controller:
    conditions = pod["status"].get("conditions", ())
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    meta, spec = pod["metadata"], pod["spec"]
    return Controller(meta["name"], meta["uid"], spec.get("nodeName", ""), ready, spec)


def _door(world: World, address: str) -> Door:
    """Behind the edge the VIP's ports are the operator's choice; the controller's own are 80 and 443."""
    topology = world.topology
    if topology.ingress and topology.ingress.behind_edge and topology.edge:
        return Door("VIP", address, topology.edge.http_port, topology.edge.https_port)
    host = next((name for name, its in world.cluster.addresses.items() if its == address), "load balancer address")
    return Door(host, address)


def _served(ingress: Ingress, items: Sequence[Manifest]) -> tuple[Manifest, ...]:
    """Those of our class; those of another verify that runs are its own matter."""

    def ours(item: Manifest) -> bool:
        named = item["spec"].get("ingressClassName")
        named = named or (item["metadata"].get("annotations") or {}).get("kubernetes.io/ingress.class")
        return bool(named == ingress.class_name or (named is None and ingress.default_class))

    return tuple(item for item in items if ours(item) and not item["metadata"]["namespace"].startswith(PREFIX))
