"""When one host of the edge may be left for the next: it serves, one host has the VIP, and requests are answered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from shlex import quote

from k8snet_provision.capability import Gate, Together
from k8snet_provision.change import Change, Kind
from k8snet_provision.edge import haproxy, keepalived, observed
from k8snet_provision.kube_proxy.http import HTTP_GET
from k8snet_provision.seen import World

FRONTEND = re.compile(r"^frontend (http|https|api)\n    bind (\S+)$", re.MULTILINE)

VIP = re.compile(r"^    virtual_ipaddress \{\n\s+([0-9a-f.:]+)/", re.MULTILINE)

RUNS = """
runs() {
  state=$(systemctl is-active -- "$1")
  [ "$state" = active ] && return
  echo "$1 is $state: $(journalctl -u "$1" -n 5 --no-pager -o cat | grep . | tail -n 1 | cut -c -300)"; exit 1
}
"""

SERVES = f"""{HTTP_GET}{RUNS}
runs {haproxy.UNIT}; runs {keepalived.UNIT}
[ "$mark" ] || exit 0
now=$(http_get {haproxy.STATUS} /config)
[ "$now" = "$mark" ] || {{ echo "HAProxy works by configuration ${{now:-unknown}}, not $mark"; exit 1; }}
rows=$(http_get {haproxy.STATUS} '/;csv') || {{ echo "HAProxy gives no statistics"; exit 1; }}
for backend in $backends; do
  servers=$(printf '%s\\n' "$rows" | awk -F, -v b="$backend" '$1 == b && $2 != "BACKEND" {{ print $2, $18, $19, $37 }}')
  printf '%s\\n' "$servers" | grep -Eq ' UP.* [1-9][0-9]* (.*L7OKC?)?$' && continue
  echo "no server of $backend is up: $(printf '%s' "$servers" | tr '\\n' ';')"; exit 1
done
"""
"""Variables: `mark` of the configuration, empty where it is not ours; `backends`, names. HAProxy believes a server to
be up until it has asked it once, so its answer counts (columns of HAProxy's management guide, section 9.1); one that
tracks another has none of its own. Weight 0 is a node that is drained."""


def _after(world: World, host: str, changes: Sequence[Change], path: str) -> str:
    """A file's content once the changes are made; of changes that were turned round, the old content."""
    written = [change.after or "" for change in changes if change.kind is Kind.FILE and change.name == path]
    return written[-1] if written else observed.text(world.host(host), path)


def _stops(changes: Sequence[Change]) -> bool:
    """Put back to where the edge was not there yet."""
    return any(change.kind is Kind.UNIT and not change.details["after_active"] for change in changes)


def serves(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """HAProxy works by the configuration, with a server up behind every port; keepalived runs."""
    if _stops(changes):
        return None
    text = _after(world, host, changes, haproxy.PATH)
    mark = haproxy.mark(text)
    backends = " ".join(haproxy.backends(text)) if mark else ""
    return f"mark={quote(mark)}; backends={quote(backends)}\n{SERVES}"


def has_vip(world: World, host: str, changes: Sequence[Change]) -> str | None:
    edge = world.topology.edge
    if edge is None or _stops(changes):
        return None
    written = VIP.search(_after(world, host, changes, keepalived.PATH))
    vip = ip_address(written[1]) if written else edge.vip
    return f'if [ "$(ip -o addr show to {vip})" ]; then echo here; else echo elsewhere; fi'


def edge_hosts(world: World) -> Sequence[str]:
    return world.reached(world.cluster.load_balancers)


def one_has_it(world: World, said: Mapping[str, str]) -> str:
    """Why not, empty where it is one; a host that was not reached may be the one."""
    holders = [host for host, words in said.items() if words == "here"]
    elsewhere = set(world.cluster.load_balancers) - set(said)
    if len(holders) == 1 or (not holders and elsewhere):
        return ""
    return f"the VIP is on {' and '.join(holders) or 'no host'}"


def last(world: World) -> str:
    """The host that the roll-out comes to last: the one with the VIP; where none has it yet, the last one."""
    hosts = edge_hosts(world)
    networks = observed.networks(world)
    vip = world.topology.edge.vip if world.topology.edge else None
    holders = [host for host in hosts if vip and host in networks and observed.holds(networks[host], vip)]
    return (holders or [*hosts])[-1]


def answers(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """Every port of the VIP answers as what is behind it should, asked from outside the edge.

    Asked once the VIP's host, which comes last, has its frontends: before that nobody has them at the VIP.
    """
    target = changes[0].target
    if target != last(world):
        return None
    text = _after(world, target, changes, haproxy.PATH)
    if _stops(changes) or not haproxy.mark(text):
        return None
    checks = "".join(_checks(FRONTEND.findall(text)))
    return f"{HTTP_GET}{checks}" if checks else None


def _checks(places: Sequence[tuple[str, str]]) -> Iterator[str]:
    """curl alone can ask over TLS; where there is none, that a connection is taken has to do."""
    for name, place in places:
        host, _, port = place.rpartition(":")
        if name == "http":
            yield f"http_get {quote(place)} /healthz >/dev/null || "
            yield f'{{ echo "no 200 from http://{place}/healthz"; exit 1; }}\n'
            continue
        path, good = ("/healthz", "200") if name == "https" else ("/readyz", "200 | 401 | 403")
        yield f"""if command -v curl >/dev/null; then
  code=$(curl -q -gsk -m 3 -o /dev/null -w '%{{http_code}}' {quote(f"https://{place}{path}")})
  case $code in {good}) ;; *) echo "https://{place}{path} answers ${{code:-nothing}}"; exit 1 ;; esac
else tcp_answers {quote(host.strip("[]"))} {port} || {{ echo "{place} takes no connection"; exit 1; }}; fi
"""


def outside(world: World) -> str:
    """A control plane where one was reached, else whichever host of the edge."""
    return world.reached((*world.cluster.control_planes, *world.cluster.load_balancers))[0]


SERVES_GATE = Gate("HAProxy and keepalived at work, servers up", serves, deadline=20)
ONE_VIP = Gate("one host has the VIP", has_vip, deadline=15, together=Together(edge_hosts, one_has_it))
ANSWERED = Gate("requests through the VIP answered", answers, deadline=20, asked_from=outside)
ALL = (SERVES_GATE, ONE_VIP, ANSWERED)
