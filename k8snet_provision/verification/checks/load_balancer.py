"""The pattern load_balancer: the Service has its address, and one node answers for it on the network."""

from __future__ import annotations

from ipaddress import ip_address

from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.ingress import paths
from k8snet_provision.seen import World
from k8snet_provision.verification.announced import announced
from k8snet_provision.verification.verdict import NotAsWanted, demand, nothing_wrong
from k8snet_provision.verification.way_in import WayIn


def called_for(world: World) -> bool:
    return world.topology.ingress is not None and world.topology.ingress.pattern == "load_balancer"


def test_service_address(world: World, way: WayIn) -> None:
    """the controller's Service has its address, of a pool of the topology"""
    found = _addresses(world)
    demand(found, {door.address for door in way.doors}, "addresses of the Service")
    if pools := world.topology.pools:
        spans = [range(int(pool.first), int(pool.last) + 1) for pool in pools]
        outside = [address for address in found if not any(int(ip_address(address)) in span for span in spans)]
        nothing_wrong(f"found {address}, expected one of {', '.join(map(str, pools))}" for address in outside)


def test_announced_once(world: World, fleet: Fleet, way: WayIn) -> None:
    """exactly one node answers for the address on the network, one with a controller"""
    for door in way.doors:
        place = announced(world, fleet, ip_address(door.address))
        if place.holders:
            raise NotAsWanted(f"found {door.address} on {', '.join(place.holders)}, expected it on no device")
        nodes = [host for host in place.answers.values() if host in way.nodes]
        nothing_wrong([place.only_from(nodes[0] if nodes else f"one of {', '.join(sorted(way.nodes))}")])


def _addresses(world: World) -> set[str]:
    ingress = world.topology.ingress
    wanted = (ingress.namespace if ingress else "", paths.ROWS["load_balancer"].name)
    for service in world.state.services:
        if (service["metadata"]["namespace"], service["metadata"]["name"]) == wanted:
            points = service.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
            return {point["ip"] for point in points if "ip" in point}
    return set()
