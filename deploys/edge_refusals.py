"""What keeps the edge from being changed at all: the network, ports and programs of its hosts."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from k8snet_provision.edge import haproxy, keepalived, observed, wanted
from k8snet_provision.edge.forwards import forwards
from k8snet_provision.problems import Problem
from k8snet_provision.resources import listener, neighbour, package, unit
from k8snet_provision.resources.probe import HostSeen, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology.edge import Edge
from k8snet_provision.topology.observed_ways_in import device_is_missing, vip_is_elsewhere

TAKEN = "K8N290"
PORT_HELD = "K8N291"
LEADS_NOWHERE = "K8N292"
SELINUX = "K8N293"
NO_PACKAGE = "K8N294"
ONLY_THE_VIP = "K8N295"


def refusals(world: World) -> Iterator[Problem]:
    edge = world.topology.edge
    if edge is None:
        return
    yield from _ways_without_ingress(world)
    for host in world.reached(world.cluster.load_balancers):
        try:
            yield from _of_host(world, edge, host)
        except Unknown:  # told where the host's changes are asked for; the other hosts' problems are told too
            continue


def _of_host(world: World, edge: Edge, host: str) -> Iterator[Problem]:
    seen = world.host(host)
    yield from _network(world, edge, host)
    yield from _vip_taken(world, edge, seen)
    yield from _ports(world, edge, seen)
    yield from _programs(seen)


def _ways_without_ingress(world: World) -> Iterator[Problem]:
    """A section that is taken out of the topology ends nothing, and without it nobody knows where requests go."""
    if world.topology.ingress is None and (leading := observed.ways(world)):
        yield Problem(
            LEADS_NOWHERE,
            "the edge passes requests on to the ingress controller, which the topology no longer has",
            world.cluster.origin("edge"),
            found=", ".join(leading),
            expected="the section ingress",
            hint=f"put it back, take edge out too, or remove these frontends from {haproxy.PATH} by hand",
        )


def _network(world: World, edge: Edge, host: str) -> Iterator[Problem]:
    """What the hosts' own step says too, which --tags may leave out; and a VIP that is there for good."""
    network = observed.networks(world)[host]
    problems = [*vip_is_elsewhere(world.cluster, network), *device_is_missing(world.cluster, network)]
    yield from problems
    if not problems and keepalived.interface(world.cluster, edge, network) is None:
        yield Problem(
            ONLY_THE_VIP,
            f"the VIP {edge.vip} is the only address that the host has on its network",
            host,
            expected="an address of the host's own beside it",
            hint="keepalived gives the host the VIP and takes it away; remove it from the host's network settings",
        )


def _vip_taken(world: World, edge: Edge, seen: HostSeen) -> Iterator[Problem]:
    mac = neighbour.read(seen, observed.VIP_MACS).get(edge.vip)
    hosts = world.cluster.load_balancers
    ours = {mac for host in world.reached(hosts) for mac in observed.state(world.host(host)).macs}
    if mac is None or mac == neighbour.HERE or mac in ours:
        return
    unreached = set(hosts) - set(world.reached(hosts))
    if unreached and _takes_part(seen, edge):
        return  # it may well be that host; keepalived here follows it
    yield Problem(
        TAKEN,
        f"another machine already has the VIP {edge.vip}",
        seen.host,
        found=f"MAC {mac} answers for it",
        expected="nobody, or a host of load_balancer",
        hint=f"free the address, or choose another one at {world.cluster.origin('edge', 'vip')}",
    )


def _takes_part(seen: HostSeen, edge: Edge) -> bool:
    runs = unit.read(seen, keepalived.UNIT)
    return bool(runs and runs.active == "active") and f" {edge.vip}/" in observed.text(seen, keepalived.PATH)


def _ports(world: World, edge: Edge, seen: HostSeen) -> Iterator[Problem]:
    ways = dict.fromkeys((wanted.final_way(world), wanted.staying_way(world)))
    ports = {item.port: item.name for way in ways for item in forwards(world.cluster, edge, way)}
    places = [(edge.vip, port, name) for port, name in ports.items()]
    places.append((ip_address(haproxy.STATUS.partition(":")[0]), haproxy.STATUS_PORT, "its status"))
    listeners = listener.read(seen)
    for address, port, name in places:
        for holder in listener.holders(listeners, address, port):
            if haproxy.UNIT not in holder.programs:
                yield Problem(
                    PORT_HELD,
                    f"another program listens on port {port}, which HAProxy needs for {name}",
                    seen.host,
                    found=str(holder),
                    hint="stop it, or let it listen on other addresses or another port",
                )


def _programs(seen: HostSeen) -> Iterator[Problem]:
    for name in (haproxy.UNIT, keepalived.UNIT):
        if package.read(seen, name) not in (package.HERE, *package.MANAGERS):
            yield Problem(
                NO_PACKAGE,
                f"{name} is not installed, and nothing on the host could install it",
                seen.host,
                expected=f"one of {', '.join(package.MANAGERS)}",
                hint=f"install {name} by hand",
            )
    if observed.state(seen).connect_any == "off":
        yield Problem(
            SELINUX,
            "SELinux keeps HAProxy from connecting to the nodes' ports",
            seen.host,
            found="haproxy_connect_any is off",
            hint="run: setsebool -P haproxy_connect_any on",
        )
