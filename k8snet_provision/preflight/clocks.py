"""The hosts' clocks, as an interval in which the difference to this machine's must lie.

A host reads its clock as the first and as the last thing of its script. The first reading was made after the script
was sent, the last one before its answer was here; that bounds the difference whatever the connection takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from k8snet_provision.change import CLUSTER
from k8snet_provision.preflight.codes import Code
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.resources.probe import HostSeen, Probe, Unknown

FIRST, LAST = "preflight:clock first", "preflight:clock last"

WARN = 5.0
STOP = 30.0
"""Seconds. etcd complains of its peers above 1 s; certificates that are made now must be valid on every host."""

_SCRIPT = "date +%s.%N"


def probes() -> tuple[Probe, Probe]:
    return Probe(FIRST, _SCRIPT), Probe(LAST, _SCRIPT)


@dataclass(frozen=True)
class Offset:
    """Seconds by which a host's clock is ahead of this machine's: between `least` and `most`."""

    least: float
    most: float

    @property
    def surely(self) -> float:
        """The smallest difference that is possible, without its sign."""
        return max(self.least, -self.most, 0.0)

    @property
    def middle(self) -> float:
        return (self.least + self.most) / 2

    @property
    def measured(self) -> str:
        return f"measured to {max((self.most - self.least) / 2, 0.1):.1f} s"

    def minus(self, other: Offset) -> Offset:
        """How far two hosts are apart."""
        return Offset(self.least - other.most, self.most - other.least)


def read(seen: HostSeen, sent: float, answered: float) -> Offset:
    """`sent` and `answered` are this machine's clock, in seconds since the epoch; raises Unknown."""
    first, step = _reading(seen, FIRST)
    last, _ = _reading(seen, LAST)
    least, most = last - answered, first + step - sent
    if last < first or least > most:
        raise Unknown(seen.host, "clock", f"it went back, or was set, while it was read: {first} and then {last}")
    return Offset(least, most)


def _reading(seen: HostSeen, key: str) -> tuple[float, float]:
    """Seconds since the epoch, and how much more it may be: a date without %N (busybox) cuts them off."""
    said = (seen.text(key) or "").strip()
    whole, _, fraction = said.partition(".")
    if not whole.isdigit():
        raise Unknown(seen.host, "clock", f"date answered {said[:50]!r}")
    return (float(said), 0.0) if fraction.isdigit() else (float(whole), 1.0)


def problems(offsets: Mapping[str, Offset], control_planes: tuple[str, ...]) -> Iterator[Problem]:
    yield from _away(offsets)
    yield from _apart({host: offset for host, offset in offsets.items() if host in control_planes})


def _away(offsets: Mapping[str, Offset]) -> Iterator[Problem]:
    away = {host: offset for host, offset in offsets.items() if offset.surely > WARN}
    alone = len(away) == len(offsets) > 1 and not any(_apart(offsets))
    hint = "the hosts agree with each other: set this machine's clock" if alone else "see whether NTP runs there"
    for host, offset in away.items():
        text = "the host's clock differs from this machine's"
        found = f"{abs(offset.middle):.1f} s {'ahead' if offset.middle > 0 else 'behind'}, {offset.measured}"
        yield Problem(Code.CLOCK_AWAY, text, host, found, f"at most {STOP:g} s", hint, _severity(offset))


def _apart(offsets: Mapping[str, Offset]) -> Iterator[Problem]:
    """The two that differ most: with three hosts, one wrong clock would be told twice."""
    pairs = {pair: offsets[pair[0]].minus(offsets[pair[1]]) for pair in combinations(offsets, 2)}
    if not pairs:
        return
    (one, other), offset = max(pairs.items(), key=lambda item: item[1].surely)
    if offset.surely > WARN:
        text = "the control planes' clocks differ"
        hint = "etcd and the API servers rely on one time: see whether NTP runs on all of them"
        first, second = (one, other) if offset.middle > 0 else (other, one)
        found = f"{first} is {abs(offset.middle):.1f} s ahead of {second}, {offset.measured}"
        yield Problem(Code.CLOCKS_APART, text, CLUSTER, found, f"at most {STOP:g} s", hint, _severity(offset))


def _severity(offset: Offset) -> Severity:
    return Severity.ERROR if offset.surely > STOP else Severity.WARNING
