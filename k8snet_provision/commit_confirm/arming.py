"""CommitConfirm: before each batch its hosts are given what undoes it; at the end of the run the window begins."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from k8snet_provision.capability import Site
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.commit_confirm import host as on_host
from k8snet_provision.commit_confirm import undo
from k8snet_provision.commit_confirm.codes import Code
from k8snet_provision.commit_confirm.confirming import Told
from k8snet_provision.commit_confirm.host import NOTHING, PLACE, TOO_LATE, Place
from k8snet_provision.commit_confirm.window import at, in_words
from k8snet_provision.engine.fleet import Fleet, Output, Script, Unreachable
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.run_lock import PATH
from k8snet_provision.seen import World

LONGEST_BATCH = 1800.0
"""Seconds beyond the window that hosts wait while a run is under way, renewed while it goes on.

No batch lasts that long, its gates and its own putting back included; pauses between batches come on top.
"""

STAGGER = 180.0
"""Seconds between two control planes: an API server is back before the next one goes."""


@dataclass
class CommitConfirm:
    """Of one run. `window` is in seconds; it begins when the run ends, so that the operator has all of it to look.

    `pause` is the longest pause of the run between two batches, in seconds.
    """

    fleet: Fleet
    world: World
    site: Site
    run: str
    window: float
    pause: float = 0.0
    place: Place = PLACE
    stagger: float = STAGGER
    lock: str = PATH
    slack: float = LONGEST_BATCH
    _armed: dict[str, None] = field(default_factory=dict)
    _rejoined: set[str] = field(default_factory=set)
    _renewed: float = 0.0

    def begins(self, phase: str, batch: Mapping[str, Sequence[Change]]) -> dict[str, str]:
        """Why a batch must not begin, by target: a host that cannot keep what undoes it, or is too late."""
        if gone := self._renew():
            return dict.fromkeys(batch, gone)
        position, line = next((i, line) for i, line in enumerate(self.site) if line.name == phase)
        needs = undo.by_host(line, position, batch, self.world)
        listed = {**self._armed, **dict.fromkeys(needs)}
        answers = self.fleet.run(
            {
                host: on_host.arm(
                    self.place,
                    self.run,
                    needed,
                    seconds=self._seconds(host, self.window + self.slack + self.pause),
                    hosts=self._listed(listed),
                    lock=self.lock if host in self.world.cluster.control_planes else "",
                )
                for host, needed in needs.items()
            }
        )
        failures = {host: why for host, answer in answers.items() if (why := _why(answer))}
        self._armed |= dict.fromkeys(needs)
        if failures:  # none of the batch is begun
            self.put_back(phase, batch)
        through_api = line.capability.from_control_plane
        executing = {t: self.world.state.reader if t == CLUSTER or through_api else t for t in batch}
        return {target: failures[host] for target, host in executing.items() if host in failures}

    def rejoin(self, told: Told) -> None:
        """Hosts that wait already are those of the run that goes on: they go on waiting with the others."""
        for host, waiting in told.waiting.items():
            if any((found.run, found.state) == (self.run, "armed") for found in waiting):
                self._armed[host] = None
                self._rejoined.add(host)

    def put_back(self, phase: str, targets: Iterable[str]) -> None:
        """There is nothing to undo of these targets: the run itself has put them back, or never began them.

        Best effort: to undo it nevertheless finds everything as it should be. A host that waited before the run went on
        keeps what it has: what was put back there is what was half done.
        """
        labels = [undo.label(phase, target) for target in targets]
        hosts = [host for host in self._armed if host not in self._rejoined]
        answers = self.fleet.run(dict.fromkeys(hosts, on_host.drop(self.place, self.run, labels)))
        for host, answer in answers.items():
            if isinstance(answer, Output) and answer.stdout == NOTHING:
                del self._armed[host]

    def ends(self) -> list[Problem]:
        """From now on the window counts; warnings for hosts that were not told, and go back later than the others."""
        late = self._wait(self.window, {})
        if late and len(late) < len(self._armed):
            self._wait(self.window, dict.fromkeys(late, round(self.slack + self.pause)))
        return [self._told_late(host, why) for host, why in late.items()]

    @property
    def hosts(self) -> tuple[str, ...]:
        """Those that wait."""
        return tuple(self._armed)

    @property
    def until(self) -> str:
        """When the first of them goes back, if the window begins now."""
        return at(time.time() + self.window + min(map(self._offset, self._armed), default=0))

    def _renew(self) -> str:
        """Hosts of earlier batches wait on while the run goes on; says why it must not go on."""
        if time.monotonic() - self._renewed < self.slack / 4:
            return ""
        answers = self.fleet.run(self._scripts(self._armed, self.window + self.slack + self.pause, {}))
        self._renewed = time.monotonic()
        gone = [host for host, answer in answers.items() if isinstance(answer, Output) and answer.code == TOO_LATE]
        return f"{', '.join(gone)}: changed back by itself, for the run took too long" if gone else ""

    def _wait(self, seconds: float, late: Mapping[str, int]) -> dict[str, str]:
        told = [host for host in self._armed if host not in late]
        answers = self.fleet.run(self._scripts(told, seconds, late))
        return {host: why for host, answer in answers.items() if (why := _why(answer))}

    def _scripts(self, told: Iterable[str], seconds: float, late: Mapping[str, int]) -> dict[str, Script]:
        listed = self._listed(self._armed, late)
        return {
            host: on_host.wait(self.place, self.run, seconds=self._seconds(host, seconds), hosts=listed)
            for host in told
        }

    def _seconds(self, host: str, seconds: float) -> int:
        return round(seconds) + self._offset(host)

    def _offset(self, host: str) -> int:
        """Control planes go back one after another."""
        planes = list(self.world.cluster.control_planes)
        return round(self.stagger * planes.index(host)) if host in planes else 0

    def _listed(self, names: Iterable[str], late: Mapping[str, int] = {}) -> str:
        return "".join(f"{name} {self._offset(name) + late.get(name, 0)}\n" for name in names)

    def _told_late(self, host: str, why: str) -> Problem:
        at_most = in_words(round(self.window + self.slack + self.pause) + self._offset(host))
        return Problem(
            Code.NOT_ARMED,
            f"could not be told that the run has ended; unless it is confirmed it goes back within {at_most}",
            host,
            found=why,
            severity=Severity.WARNING,
        )


def _why(answer: Output | Unreachable) -> str:
    if isinstance(answer, Unreachable):
        return str(answer)
    if answer.code == 0:
        return ""
    said = (answer.stderr or answer.stdout).decode("utf-8", "replace").strip()[-300:]
    if answer.code == TOO_LATE:
        return f"it changes back, or has changed back, by itself ({said})"
    return f"it cannot keep what would undo this: {said or f'exit status {answer.code}'}"
