"""The edge as it works: who has the VIP, and which servers HAProxy sends requests to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deploys.edge import NAME
from deploys.watched.found import found
from k8snet_provision.change import CLUSTER
from k8snet_provision.drift import Code, Finding, Watch
from k8snet_provision.edge import haproxy, keepalived, observed, servers, wanted
from k8snet_provision.edge.forwards import Server, forwards
from k8snet_provision.edge.servers import ServerSeen
from k8snet_provision.resources.probe import Probe
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.edge import Edge


def probes(cluster: Cluster, host: str) -> Iterator[Probe]:
    if cluster.topology.edge:
        yield from observed.probes(cluster.topology.edge)
        yield servers.probe()


def in_cluster(world: World) -> Iterator[Finding]:
    """The VIP's holder. A host that was not reached may be the one, and is reported by itself."""
    edge, hosts = world.topology.edge, world.cluster.load_balancers
    if edge is None or not hosts:
        return
    networks = observed.networks(world)
    holders = [host for host, network in networks.items() if observed.holds(network, edge.vip)]
    if len(holders) == 1 or (not holders and len(networks) < len(hosts)):
        return
    before = "".join(f"{host}\n" for host in holders) or None
    text = "is on several hosts: each answers for it" if holders else "is on no host: nobody answers for it"
    mend = f"see what keepalived says: journalctl -u {keepalived.UNIT} on {' and '.join(hosts)}"
    if holders:
        mend += f"; take it from where keepalived is not MASTER: ip address del {edge.vip} dev DEVICE"
    what, after = f"VIP {edge.vip}", f"one of {', '.join(hosts)}\n"
    yield found(world, Code.VIP_HOLDER, CLUSTER, NAME, what, text, before=before, after=after, mend=mend)


def on_host(world: World, host: str) -> Iterator[Finding]:
    """Servers that should serve and do not. Those that HAProxy does not know are a matter of its configuration."""
    edge = world.topology.edge
    if edge is None:
        return
    behind = _wanted(world, edge)
    for seen in servers.read(world.host(host)):
        server = behind.get((seen.backend, seen.name))
        if server and not server.drained and not seen.serves and not seen.by_another:
            yield _finding(world, host, server, seen)


def _wanted(world: World, edge: Edge) -> dict[tuple[str, str], Server]:
    """By backend and name, of the wanted way in and of the one that stays until it is quiet. Raises Unknown."""
    ways = dict.fromkeys((wanted.staying_way(world), wanted.final_way(world)))
    led: Iterable[tuple[str, Server]] = (
        (forward.backend, server)
        for way in ways
        for forward in forwards(world.cluster, edge, way)
        for server in forward.servers
    )
    return {(backend, server.name): server for backend, server in led}


def _finding(world: World, host: str, server: Server, seen: ServerSeen) -> Finding:
    place = f"{seen.backend}/{seen.name}"
    by_hand = seen.status.startswith(("MAINT", "DRAIN")) or seen.status.startswith("UP")
    text = "gets no new requests: somebody took it out by hand" if by_hand else "gets no requests: it is down"
    mend = f"on {host}: systemctl reload {haproxy.UNIT}" if by_hand else f"see whether {server.address} serves"
    if seen.why and not by_hand:
        mend += f" (HAProxy's last check: {seen.why})"
    state = seen.status.split(" ")[0]
    before, after = f"{state}, weight {seen.weight}\n", "UP\n"
    return found(
        world, Code.EDGE_SERVER, host, NAME, f"server {place}", text, before=before, after=after, mend=mend
    )  # fmt: skip


WATCH = Watch(NAME, hosts=(CLUSTER, "load_balancer"), probes=probes, in_cluster=in_cluster, on_host=on_host)
