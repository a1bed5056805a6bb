"""Where an address is: which hosts have it, and who answers ARP and neighbour discovery for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from k8snet_provision.engine.fleet import Fleet, Output, Script
from k8snet_provision.engine.shell import assign
from k8snet_provision.resources import neighbour
from k8snet_provision.seen import World
from k8snet_provision.topology.values import IPAddress
from k8snet_provision.verification.verdict import NotAsWanted

ASKERS = 6
"""Hosts that ask: each hears everybody on the segment who answers, and some may be no neighbours of it."""

LOOK = """
ip -o link | sed -n 's,.* link/ether \\([^ ]*\\) .*,mac \\1,p'
[ -z "$(ip -o addr show to "$address")" ] || echo has
"""

ARPING = """
device=$(ip -o route get "$address" | grep -v ' via ' | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')
case $device in ''|lo) exit 0 ;; esac
if [ "$family" = 4 ] && command -v arping >/dev/null; then
  arping -c 2 -w 2 -I "$device" "$address" | sed -n 's/.*reply from .* \\[\\([0-9A-Fa-f:]*\\)\\].*/answer \\1/p'
  exit 0
fi
"""
"""arping hears everybody who answers; the kernel, which is asked where it is missing, keeps one."""


@dataclass(frozen=True)
class Announced:
    """`holders`: hosts that have the address. `answers`: the host by the MAC that answered, "" for a stranger's."""

    holders: frozenset[str]
    answers: Mapping[str, str]

    def only_from(self, expected: str) -> str:
        """What is wrong; empty where exactly one place answers, and it is `expected` (a host)."""
        places = [f"{host or 'a stranger'} ({mac})" for mac, host in sorted(self.answers.items())]
        found = " and ".join(places) or "no answer to ARP"
        return "" if list(self.answers.values()) == [expected] else f"found {found}, expected {expected} alone"


def announced(world: World, fleet: Fleet, address: IPAddress) -> Announced:
    """Asks hosts of every role. Raises NotAsWanted where no host could be asked."""
    cluster = world.cluster
    askers = [*cluster.load_balancers, *cluster.control_planes[:2], *cluster.nodes[:2]]
    reached = [name for name in dict.fromkeys((*askers, *cluster.nodes)) if name in world.observation.hosts]
    values = assign(address=str(address), family=str(address.version))
    probe = neighbour.probe([address]).script
    ask = f"{values}{LOOK}{ARPING}( {probe}\n) | sed -n 's/^[^ ]* \\([0-9a-f:]*:[0-9a-f:]*\\)$/answer \\1/p'"
    asking = set(reached[:ASKERS])
    answers = fleet.run({name: Script(ask if name in asking else values + LOOK) for name in reached})
    rows = {name: _rows(answer) for name, answer in answers.items() if isinstance(answer, Output) and answer.code == 0}
    if not rows:
        raise NotAsWanted(f"found no host to ask for {address}, expected one")
    return _place(rows)


def _rows(answer: Output) -> list[tuple[str, str]]:
    lines = (line.partition(" ") for line in answer.stdout.decode("utf-8", "replace").splitlines())
    return [(word, rest.strip().lower()) for word, _, rest in lines]


def _place(rows: Mapping[str, Sequence[tuple[str, str]]]) -> Announced:
    owners = {mac: host for host, its in rows.items() for word, mac in its if word == "mac"}
    heard = {mac for its in rows.values() for word, mac in its if word == "answer"}
    holders = frozenset(host for host, its in rows.items() if ("has", "") in its)
    return Announced(holders, {mac: owners.get(mac, "") for mac in heard})
