"""Who the client is: the pod sees its own address, and nobody can pretend to be another."""

from __future__ import annotations

from ipaddress import IPv4Address
from itertools import product

from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.seen import World
from k8snet_provision.verification.called_for import only_where
from k8snet_provision.verification.client import Client, of_host
from k8snet_provision.verification.echo import Echo, heard
from k8snet_provision.verification.proxy_protocol import version_1, version_2
from k8snet_provision.verification.verdict import NotAsWanted, at_once, nothing_wrong
from k8snet_provision.verification.way_in import WayIn
from k8snet_provision.verification.web import Answer, Door, NoAnswer, Request, ask, get

FORGED = IPv4Address("192.0.2.66")
"""Of TEST-NET-1 (RFC 5737): nobody's address."""


def called_for(world: World) -> bool:
    return world.topology.ingress is not None


def test_own_address(client: Client, way: WayIn, echo: Echo) -> None:
    """the pod sees the client's own address"""

    def fault(door: Door) -> str:
        expected = client.source(door.address)
        seen = heard(get(client, door, Request(echo.host, "/exact")))
        found = {seen.get("real", "none"), seen.get("forwarded", "none")}
        hint = " (behind a NAT? then ask from a host: --from)" if client.is_here else ""
        return "" if found == {expected} else f"found {', '.join(sorted(found))}, expected {expected}{hint}"

    nothing_wrong(at_once(fault, way.doors))


def test_headers(client: Client, way: WayIn, echo: Echo) -> None:
    """a header does not change the client's address that the pod sees"""
    names = ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "X-Client-Ip", "CF-Connecting-IP")
    headers = {name: f"for={FORGED}" if name == "Forwarded" else str(FORGED) for name in names}
    answers = at_once(lambda door: get(client, door, Request(echo.host, "/exact", headers)), way.doors)
    nothing_wrong(_believed(answer, "the headers") for answer in answers)


def test_proxy_line(client: Client, way: WayIn, echo: Echo) -> None:
    """a PROXY line of a client does not change the address that the pod sees"""

    def fault(question: tuple[Door, bool]) -> str:
        door, binary = question
        return _pretend(client, door.address, door.http, echo, binary)

    nothing_wrong(at_once(fault, list(product(way.doors, (False, True)))))


@only_where(lambda world: world.topology.ingress is not None and world.topology.ingress.behind_edge)
def test_proxy_line_past_the_edge(client: Client, world: World, fleet: Fleet, way: WayIn, echo: Echo) -> None:
    """a PROXY line from a host that is no edge host changes nothing, also past the VIP"""
    stranger = _no_edge_host(client, world, fleet)
    places = _past_the_edge(world, way)

    def fault(question: tuple[tuple[str, int], bool]) -> str:
        (address, port), binary = question
        return _pretend(stranger, address, port, echo, binary)

    nothing_wrong(at_once(fault, list(product(places, (False, True)))))


def _past_the_edge(world: World, way: WayIn) -> list[tuple[str, int]]:
    """Where the edge hosts themselves send requests to."""
    ingress = world.topology.ingress
    assert ingress is not None
    port = ingress.node_port.http if way.pattern == "node_port" else 80
    return [(world.cluster.addresses[node], port) for node in sorted(way.nodes) if node in world.cluster.addresses]


def _no_edge_host(client: Client, world: World, fleet: Fleet) -> Client:
    edge = world.cluster.load_balancers
    if client.name not in edge:
        return client
    others = [name for name in world.cluster.control_planes if name in world.observation.hosts and name not in edge]
    if not others:
        raise NotAsWanted("found no host to ask from that is no edge host, expected a control plane")
    return of_host(fleet, others[0])


def _pretend(client: Client, address: str, port: int, echo: Echo, binary: bool) -> str:
    """A connection that is closed, or an answer that is not the pod's, forges nothing."""
    line = (version_2 if binary else version_1)(FORGED, IPv4Address("192.0.2.1"), port)
    try:
        answer = ask(client, address, port, Request(echo.host, "/exact", first=line))
    except NoAnswer:
        return ""
    return _believed(answer, f"a PROXY line of version {2 if binary else 1} to {address}:{port}")


def _believed(answer: Answer, what: str) -> str:
    seen = heard(answer)
    forged = str(FORGED) in f"{seen.get('real', '')} {seen.get('forwarded', '')}"
    return f"{what}: the pod saw the forged {FORGED}, expected the client's own address" if forged else ""
