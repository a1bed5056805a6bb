"""Directories that stand for hosts behind a real sshd, a capability that replaces a file in each, and what was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

from k8snet_provision.capability import Capability, Gate, Phase
from k8snet_provision.change import Change, Kind
from k8snet_provision.engine import operations
from k8snet_provision.engine.carry_out import deploy
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.plan import Plan
from k8snet_provision.resources import file
from k8snet_provision.resources.file import File
from k8snet_provision.rollout import Outcome, Rollout
from k8snet_provision.seen import World
from tests.engine.sshd import Sshd, free_port

HOSTS = ("h1", "h2", "h3", "h4")
CONTROL_PLANE = "cp1"
OLD, NEW = b"old\n", b"new\n"


@dataclass
class Told:
    """Takes down what a roll-out tells."""

    lines: list[str] = field(default_factory=list)

    def phase(self, phase: str, changes: int) -> None:
        self.lines.append(f"phase {phase} {changes}")

    def batch(self, phase: str, targets: Sequence[str]) -> None:
        self.lines.append(f"batch {' '.join(targets)}")

    def waiting(self, phase: str, what: str, targets: Sequence[str]) -> None:
        self.lines.append(f"waiting for {what} on {' '.join(targets)}")

    def pausing(self, phase: str, seconds: float) -> None:
        self.lines.append(f"pausing {seconds:g} s")

    def passed(self, phase: str, target: str, seconds: float) -> None:
        self.lines.append(f"passed {target}")

    def failed(self, phase: str, target: str, why: str) -> None:
        self.lines.append(f"failed {target}")

    def putting_back(self, phase: str, targets: Sequence[str]) -> None:
        self.lines.append(f"putting back {' '.join(targets)}")

    def said(self, line: str) -> None:
        self.lines.append(f"said {line}")

    def interrupted(self) -> None:
        self.lines.append("interrupted")


@dataclass
class Site:
    """Directories that stand for hosts, each with one file; a capability that replaces it."""

    root: Path
    server: Sshd
    world: World
    told: Told = field(default_factory=Told)

    def path(self, host: str) -> Path:
        return self.root / host / "a.conf"

    def contents(self) -> dict[str, bytes]:
        return {host: self.path(host).read_bytes() for host in HOSTS}

    def changes(self, phase: str, hosts: Sequence[str] = HOSTS) -> list[Change]:
        found: list[Change] = []
        for host in hosts:
            before = File(str(self.path(host)), OLD)
            found += file.change(phase, host, before, replace(before, content=NEW))
        return found

    def marks(self, phase: str, hosts: Sequence[str] = HOSTS) -> list[Change]:
        """A file more for each host."""
        return [Change(phase, host, Kind.OBJECT, str(self.root / host / phase), None, "made") for host in hosts]

    def marked(self, phase: str) -> list[str]:
        return [host for host in HOSTS if (self.root / host / phase).exists()]

    def run(self, phases: Sequence[Phase], changes: Sequence[Change], dead: Sequence[str] = (), **how: Any) -> Outcome:
        """`how`: what Rollout takes. Nobody listens where `dead` hosts should be."""
        plan = Plan("test", {}, tuple(changes))
        reached = {host: self.server.connection(host) for host in (*HOSTS, CONTROL_PLANE)}
        reached |= {host: replace(reached[host], port=free_port()) for host in dead}
        with Fleet(reached) as fleet:
            return Rollout(plan, self.world, fleet, self.told, **how).run(phases)

    def phase(self, name: str, *gates: Gate, at_once: int | str = "50%") -> Phase:
        carry_out = partial(write, backups=str(self.root / "backups"))
        return Phase(Capability(name, carry_out=carry_out, gates=gates), hosts=HOSTS, at_once=at_once)


@deploy("files and objects")
def write(changes: Sequence[Change], prelude: str = "", backups: str = "") -> None:
    for change in changes:
        if change.kind is Kind.OBJECT:
            operations.run_script(f"printf %s {quote(change.after or '')} >{quote(change.name)}", name="object")
        else:
            content = (change.after or "").encode()
            expected = change.details["before_sha256"]
            operations.write_file(change.name, content, expected_sha256=expected, backup_dir=backups)


def reads(site: Site, host: str, content: bytes) -> str:
    text = content.decode().strip()
    return f'now=$(cat {quote(str(site.path(host)))}); [ "$now" = {text} ] || {{ echo "it reads $now"; exit 1; }}'


def follows(site: Site) -> Gate:
    """Passes when a file reads what the change made of it, whichever way it was turned."""

    def script(world: World, host: str, changes: Sequence[Change]) -> str:
        return reads(site, host, (changes[0].after or "").encode())

    return Gate("the content", script, deadline=5)


def refuses_new(site: Site, bad: str, code: int = 1, deadline: float = 1) -> Gate:
    """Fails on one host (or more: "h1 h3") while it has the new content."""

    def script(world: World, host: str, changes: Sequence[Change]) -> str | None:
        refuse = f'[ "$(cat {quote(str(site.path(host)))})" = old ] || {{ echo "it is not well"; exit {code}; }}'
        return refuse if host in bad.split() else None

    return Gate("health", script, deadline=deadline)
