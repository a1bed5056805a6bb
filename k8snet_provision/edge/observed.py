"""What the hosts of load_balancer answer about the edge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from k8snet_provision.edge import haproxy, keepalived
from k8snet_provision.edge.forwards import ways_of
from k8snet_provision.kube_proxy.http import HTTP_GET
from k8snet_provision.resources import file, listener, neighbour, package, sysctl, unit
from k8snet_provision.resources.probe import HostSeen, Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology.edge import Edge
from k8snet_provision.topology.host_network import HostNetwork, decode, script
from k8snet_provision.topology.ingress import Pattern
from k8snet_provision.topology.values import IPAddress

NETWORK = "host:network"
STATE = "edge:state"
VIP_MACS = "neighbours:vip"

NONLOCAL = {4: "net.ipv4.ip_nonlocal_bind", 6: "net.ipv6.ip_nonlocal_bind"}
"""A host listens on the VIP also while the other one has it."""

LOOK = f"""{HTTP_GET}
printf 'running=%s\\n' "$(http_get {haproxy.STATUS} /config 2>/dev/null | head -c 100 | head -n 1)"
changed=$(systemctl show -p StateChangeTimestampMonotonic -- {keepalived.UNIT}.service | sed 's/.*=//')
read -r up _ </proc/uptime
[ "${{changed:-0}}" -gt 0 ] && printf 'loaded=%s\\n' "$((${{up%%.*}} - changed / 1000000))"
[ -e {keepalived.PATH} ] && printf 'untouched=%s\\n' "$(($(date +%s) - $(stat -L -c %Z -- {keepalived.PATH})))"
printf 'macs=%s\\n' "$(ip -o link | sed -n 's/.* link\\/ether \\([^ ]*\\).*/\\1/p' | tr '\\n' ' ')"
[ "$(getenforce 2>/dev/null)" = Enforcing ] && getsebool haproxy_connect_any 2>/dev/null | sed 's/.* /connect_any=/'
exit 0
"""


def probes(edge: Edge) -> Iterable[Probe]:
    """Everything the edge's phases want to know of one of its hosts."""
    yield Probe(NETWORK, script(ipvs=False))
    for program in (haproxy.UNIT, keepalived.UNIT):
        yield package.probe(program)
        yield unit.probe(program)
    for path in (haproxy.PATH, keepalived.PATH):
        yield file.probe(path)
    yield sysctl.probe(NONLOCAL[edge.vip.version])
    yield sysctl.probe_kept()
    yield listener.probe()
    yield neighbour.probe([edge.vip], VIP_MACS)
    yield Probe(STATE, LOOK)


@dataclass(frozen=True)
class State:
    """`running` is the mark of the configuration that HAProxy works by, empty where it is not ours or does not run.

    `stale`: keepalived has not read its file since that changed. `connect_any` is SELinux' switch of that name,
    empty where SELinux does not decide. `macs` are the host's own.
    """

    running: str
    stale: bool
    connect_any: str
    macs: frozenset[str]


def state(seen: HostSeen) -> State:
    """Raises Unknown."""
    values = dict(line.partition("=")[::2] for line in (seen.text(STATE) or "").splitlines())
    try:
        age = {key: int(values[key]) for key in ("loaded", "untouched") if key in values}
    except ValueError:
        raise Unknown(seen.host, STATE, "the answer cannot be read") from None
    # Both are rounded to seconds.
    stale = len(age) == 2 and age["loaded"] > age["untouched"] + 1
    macs = frozenset(values.get("macs", "").lower().split())
    return State(values.get("running", ""), stale, values.get("connect_any", ""), macs)


def networks(world: World) -> Mapping[str, HostNetwork]:
    """What each reached host of the edge says of its network. Raises Unknown."""
    found = {}
    for host in world.reached(world.cluster.load_balancers):
        found[host] = decode(host, world.host(host).text(NETWORK) or "")
        if "addresses" in found[host].unknown:
            raise Unknown(host, "network", "the host could not give its addresses")
    return found


def holds(network: HostNetwork, vip: IPAddress) -> bool:
    return any(item.address == vip for item in network.interfaces)


def text(seen: HostSeen, path: str) -> str:
    """A file's content, empty where there is none. Raises Unknown."""
    found = file.read(seen, path)
    return found.content.decode("utf-8", "surrogateescape") if found else ""


def ways(world: World) -> tuple[Pattern, ...]:
    """The ways in that HAProxy's configuration leads to on any reached host of the edge. Raises Unknown."""
    hosts = world.reached(world.cluster.load_balancers)
    return tuple(dict.fromkeys(way for host in hosts for way in ways_of(text(world.host(host), haproxy.PATH))))
