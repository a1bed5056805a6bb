"""The edge: both programs run on every host, exactly one has the VIP, and HAProxy reaches the servers it should."""

from __future__ import annotations

import csv
import io
from collections import defaultdict

from testinfra.host import Host

from k8snet_provision.edge.haproxy import STATUS
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.kube_proxy.http import HTTP_GET
from k8snet_provision.seen import World
from k8snet_provision.verification.announced import announced
from k8snet_provision.verification.called_for import only_where
from k8snet_provision.verification.client import Client
from k8snet_provision.verification.verdict import NotAsWanted, demand, nothing_wrong
from k8snet_provision.verification.way_in import WayIn
from k8snet_provision.verification.web import Request, anything, ask


def called_for(world: World) -> bool:
    return world.topology.edge is not None


def test_units(edge_host: Host) -> None:
    """HAProxy and keepalived run, and start with the host"""
    units = ("haproxy", "keepalived")
    asked = {unit: [edge_host.run(f"systemctl is-{what} {unit}").stdout.strip() for what in ("active", "enabled")]
             for unit in units}  # fmt: skip
    nothing_wrong(
        f"{unit}: found {', '.join(found)}, expected active, enabled"
        for unit, found in asked.items()
        if found != ["active", "enabled"]
    )


def test_vip(world: World, fleet: Fleet) -> None:
    """exactly one edge host has the VIP, and it alone answers for it on the network"""
    assert world.topology.edge is not None
    place = announced(world, fleet, world.topology.edge.vip)
    if len(place.holders) != 1 or not place.holders <= set(world.cluster.load_balancers):
        holders = " and ".join(sorted(place.holders)) or "nobody"
        raise NotAsWanted(f"found the VIP on {holders}, expected it on one of {_names(world.cluster.load_balancers)}")
    nothing_wrong([place.only_from(*place.holders)])


def test_servers(edge_host: Host) -> None:
    """every backend of HAProxy has a server that is up"""
    empty = [backend for backend, servers in _up(edge_host).items() if not servers]
    nothing_wrong(f"{backend}: found no server that is up, expected one at least" for backend in empty)


@only_where(lambda world: world.topology.ingress is not None and world.topology.ingress.behind_edge)
def test_nodes(edge_host: Host, world: World, way: WayIn) -> None:
    """HAProxy sends requests to the nodes with a ready controller that are not drained, and to no other"""
    edge = world.topology.edge
    assert edge is not None
    up = _up(edge_host)
    for backend in (f"{way.pattern}-http", f"{way.pattern}-https"):
        demand(up.get(backend, set()), set(way.nodes) - set(edge.drain), f"servers of {backend} that are up")


@only_where(lambda world: world.topology.edge is not None and world.topology.edge.api is not None)
def test_api(client: Client, world: World) -> None:
    """the API answers at the VIP"""
    edge = world.topology.edge
    assert edge is not None and edge.api is not None
    answer = ask(client, str(edge.vip), edge.api.port, Request("kubernetes", "/readyz", trust=anything()))
    if answer.status not in (200, 401, 403):
        raise NotAsWanted(f"found {answer.status} of {edge.vip}:{edge.api.port}, expected 200, or 401 for strangers")


def _up(edge_host: Host) -> dict[str, set[str]]:
    """Servers that take new connections, by backend: those of HAProxy's statistics in state UP."""
    asked = f"http_get {STATUS} '/;csv'"
    answer = edge_host.run(f"{HTTP_GET}\n{asked} || {asked}")  # a host under load may miss a time-out once
    if answer.rc != 0:
        raise NotAsWanted(f"found no statistics of HAProxy at {STATUS} (exit code {answer.rc}), expected them")
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in csv.DictReader(io.StringIO(answer.stdout.lstrip("# "))):
        if row["svname"] not in ("FRONTEND", "BACKEND"):
            found[row["pxname"]] |= {row["svname"]} if row["status"].startswith("UP") else set()
    return dict(found)


def _names(hosts: tuple[str, ...]) -> str:
    return ", ".join(hosts)
