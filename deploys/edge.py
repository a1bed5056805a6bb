"""The edge: HAProxy and keepalived on the hosts of load_balancer, one after the other, the VIP's host last.

Two steps of the site table: what the wanted way in needs, and, once an old one has gone quiet, the end of its
frontends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from deploys import edge_gates as gates
from deploys import edge_refusals
from k8snet_provision.capability import Capability
from k8snet_provision.change import Change, Kind
from k8snet_provision.edge import haproxy, keepalived, observed, wanted
from k8snet_provision.engine.carry_out import host_changes as carry_out
from k8snet_provision.resources import file, package, sysctl, unit
from k8snet_provision.resources.file import File
from k8snet_provision.resources.probe import HostSeen, Probe
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

NAME, RETIRED_NAME = "edge", "edge-retired"


def probes(cluster: Cluster, host: str) -> Iterator[Probe]:
    if cluster.topology.edge:
        yield from observed.probes(cluster.topology.edge)


def host_changes(world: World, host: str) -> Iterator[Change]:
    edge = world.topology.edge
    if edge is None:
        return
    seen = world.host(host)
    seat = keepalived.seat(world.cluster, edge, observed.networks(world), host)
    if seat is None:  # a reason to refuse everything, and told there
        return
    for program, path in ((haproxy.UNIT, haproxy.PATH), (keepalived.UNIT, keepalived.PATH)):
        yield from package.change(NAME, seen, program, unit=program, config=path)
    because = "HAProxy listens on the VIP on every host"
    yield from sysctl.change(NAME, seen, [(observed.NONLOCAL[edge.vip.version], "1")], because=because)
    yield from _haproxy(seen, wanted.staying(world, edge, host))
    yield from _keepalived(seen, keepalived.configuration(edge, host, seat))


def _haproxy(seen: HostSeen, text: str) -> Iterator[Change]:
    changes = list(_file(NAME, seen, haproxy.PATH, text, haproxy.UNIT, haproxy.VALIDATE))
    runs = unit.read(seen, haproxy.UNIT)
    changes += unit.running(NAME, seen.host, haproxy.UNIT, runs)
    yield from changes
    if not changes and observed.state(seen).running != haproxy.mark(text):
        yield Change(NAME, seen.host, Kind.RELOAD, haproxy.UNIT, "", "", because="it works by another configuration")


def _keepalived(seen: HostSeen, text: str) -> Iterator[Change]:
    changes = list(_file(NAME, seen, keepalived.PATH, text, keepalived.UNIT, keepalived.VALIDATE))
    changes += unit.running(NAME, seen.host, keepalived.UNIT, unit.read(seen, keepalived.UNIT))
    yield from changes
    if not changes and observed.state(seen).stale:
        because = "its configuration changed after it was read"
        yield Change(NAME, seen.host, Kind.RELOAD, keepalived.UNIT, "", "", because=because)


def _file(phase: str, seen: HostSeen, path: str, text: str, name: str, validate: str) -> Iterator[Change]:
    before = file.read(seen, path)
    after = replace(before or File(path, b""), content=text.encode())
    yield from file.change(phase, seen.host, before, after, reloads=(name,), validate=validate)


def retired_changes(world: World, host: str) -> Iterator[Change]:
    """From what `host_changes` leaves to what stays for good."""
    edge = world.topology.edge
    if edge is None:
        return
    seen = world.host(host)
    mode = file.read(seen, haproxy.PATH) or File(haproxy.PATH, b"")
    before, after = wanted.staying(world, edge, host), wanted.final(world, edge)
    yield from file.change(
        RETIRED_NAME,
        host,
        replace(mode, content=before.encode()),
        replace(mode, content=after.encode()),
        reloads=(haproxy.UNIT,),
        validate=haproxy.VALIDATE,
        because="no requests take the old way in any more",
    )


def order(world: World, hosts: Sequence[str]) -> Sequence[str]:
    """The host with the VIP comes last: what goes wrong goes wrong first where no client is. Raises Unknown."""
    edge = world.topology.edge
    if edge is None:
        return hosts
    networks, vip = observed.networks(world), edge.vip
    return sorted(hosts, key=lambda host: host in networks and observed.holds(networks[host], vip))


CAPABILITY = Capability(
    name=NAME,
    felt="nothing while HAProxy reloads; 0.6 s without answers where the VIP moves",
    carry_out=carry_out,
    probes=probes,
    host_changes=host_changes,
    refusals=edge_refusals.refusals,
    order=order,
    gates=gates.ALL,
    backwards=True,
)
RETIRED = Capability(
    name=RETIRED_NAME,
    felt="nothing; no requests take the old way in any more",
    carry_out=carry_out,
    probes=probes,
    host_changes=retired_changes,
    order=order,
    gates=gates.ALL,
    backwards=True,
)
