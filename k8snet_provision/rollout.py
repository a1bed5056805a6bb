"""Roll-out: the plan's changes, phase by phase, batch by batch, each batch through its gates.

A batch that fails is put back and the roll-out stops there: what was done before stays and is named, what
comes after is not touched and is named. An interrupted roll-out stops between two batches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from k8snet_provision.capability import NEVER, Gate, Phase, Site, Together, batch_size
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.engine.batch import Failed
from k8snet_provision.engine.fleet import Fleet, Output, Script, Unreachable
from k8snet_provision.plan import Plan
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World

INVERTIBLE = (Kind.FILE, Kind.SYSCTL, Kind.UNIT)

POLL = 0.2
"""Seconds between two looks of a gate."""

CUT_SHORT = "interrupted before it was finished; diff shows what is left to do"

Failures = dict[str, str]
"""What went wrong, by target."""


class Progress(Protocol):
    """Told what happens while it happens."""

    def phase(self, phase: str, changes: int) -> None: ...
    def batch(self, phase: str, targets: Sequence[str]) -> None: ...
    def waiting(self, phase: str, what: str, targets: Sequence[str]) -> None: ...
    def passed(self, phase: str, target: str, seconds: float) -> None: ...
    def failed(self, phase: str, target: str, why: str) -> None: ...
    def putting_back(self, phase: str, targets: Sequence[str]) -> None: ...
    def interrupted(self) -> None: ...


@dataclass
class Outcome:
    """How a roll-out went. `put_back` are failed batches whose old state was seen to work again."""

    done: list[Change] = field(default_factory=list)
    failures: dict[str, Failures] = field(default_factory=dict)
    put_back: list[Change] = field(default_factory=list)
    left_broken: Failures = field(default_factory=dict)
    untouched: list[Change] = field(default_factory=list)
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.failures and not self.interrupted


@dataclass(frozen=True)
class Rollout:
    """Everything a roll-out needs; `run` is its only verb."""

    plan: Plan
    world: World
    fleet: Fleet
    progress: Progress
    stop: Callable[[], bool] = bool
    """Asked before each batch; True ends the roll-out there."""

    def run(self, site: Site) -> Outcome:
        started = time.monotonic()
        outcome = Outcome()
        for phase in site:
            if changes := self.plan.of(phase.name):
                self.progress.phase(phase.name, len(changes))
            for targets in batches(phase, self.plan):
                batch = {target: self.plan.of(phase.name, target) for target in targets}
                outcome.interrupted |= self.stop()
                if not outcome.ok:
                    outcome.untouched += _flat(batch)
                    continue
                self._batch(phase, batch, outcome)
        outcome.seconds = time.monotonic() - started
        return outcome

    def _batch(self, phase: Phase, batch: Mapping[str, Sequence[Change]], outcome: Outcome) -> None:
        started = time.monotonic()
        self.progress.batch(phase.name, list(batch))
        try:
            failures = self._attempt(phase, batch)
        except KeyboardInterrupt:
            outcome.interrupted = True
            outcome.left_broken |= dict.fromkeys(batch, CUT_SHORT)
            return
        for target in batch:
            if target in failures:
                self.progress.failed(phase.name, target, failures[target])
            else:
                self.progress.passed(phase.name, target, time.monotonic() - started)
        if not failures:
            outcome.done += _flat(batch)
            return
        outcome.failures[phase.name] = failures
        self._put_back(phase, batch, outcome)

    def _attempt(self, phase: Phase, batch: Mapping[str, Sequence[Change]], gates: bool = True) -> Failures:
        """Carries out and waits for the gates. Whatever goes wrong fails the batch, so that it is put back."""
        try:
            return self._carry_out(phase, batch) or (self._pass_gates(phase, batch) if gates else {})
        except Unknown as unknown:
            return dict.fromkeys(batch, str(unknown))
        except Exception as error:
            return dict.fromkeys(batch, f"internal error: {type(error).__name__}: {error}"[:500])

    def _carry_out(self, phase: Phase, batch: Mapping[str, Sequence[Change]]) -> Failures:
        """Cluster changes, and host changes that go through the API, run on the reader's connection."""
        capability = phase.capability
        work = partial(capability.carry_out, prelude=self.world.prelude)
        through_api = {t: c for t, c in batch.items() if t == CLUSTER or capability.from_control_plane}
        failures: Failures = {}
        if through_api:
            answers = self.fleet.deploy({self.world.state.reader: _flat(through_api)}, work)
            failures |= {target: str(why) for why in answers.values() if why for target in through_api}
        direct = {target: changes for target, changes in batch.items() if target not in through_api}
        if direct:
            failures |= {host: _failure(why) for host, why in self.fleet.deploy(direct, work).items() if why}
        return failures

    def _pass_gates(self, phase: Phase, batch: Mapping[str, Sequence[Change]]) -> Failures:
        failures: Failures = {}
        for gate in phase.capability.gates:
            waiting = {target: changes for target, changes in batch.items() if target not in failures}
            failures |= self._wait(phase, gate, waiting)
        return failures

    def _wait(self, phase: Phase, gate: Gate, batch: Mapping[str, Sequence[Change]]) -> Failures:
        hosts = {target: self._asked_from(gate, target) for target in batch}
        scripts = {target: gate.script(self.world, hosts[target], list(batch[target])) for target in batch}
        waiting = {target: script for target, script in scripts.items() if script is not None}
        if not waiting:
            return {}
        self.progress.waiting(phase.name, gate.what, list(waiting))
        ends, last = time.monotonic() + gate.deadline, dict.fromkeys(waiting, "nothing")
        failures: Failures = {}
        while waiting and time.monotonic() < ends:
            for target, (code, saw) in self._look(gate, waiting, hosts, ends).items():
                last[target] = saw
                if code == NEVER:
                    failures[target] = f"{gate.what}: {saw}"
                if code in (0, NEVER):
                    del waiting[target]
            if waiting:
                time.sleep(POLL)
        late = {t: f"waited {gate.deadline:g} s for {gate.what}; last seen: {last[t]}" for t in waiting}
        return failures | late

    def _look(
        self, gate: Gate, scripts: Mapping[str, str], hosts: Mapping[str, str], ends: float
    ) -> dict[str, tuple[int, str]]:
        timeout = max(1.0, ends - time.monotonic())
        asked = {target: Script(script, timeout=timeout) for target, script in scripts.items()}
        if gate.together:
            return {target: self._agreed(gate.together, script) for target, script in asked.items()}
        if gate.asked_from:  # one host for all of them
            return {target: _verdict(self.fleet.run({hosts[target]: asked[target]})[hosts[target]]) for target in asked}
        answers = self.fleet.run({hosts[target]: script for target, script in asked.items()})
        return {target: _verdict(answers[hosts[target]]) for target in asked}

    def _agreed(self, together: Together, script: Script) -> tuple[int, str]:
        answers = self.fleet.run(dict.fromkeys(together.hosts(self.world), script))
        verdicts = {host: _verdict(answer) for host, answer in answers.items()}
        why = together.verdict(self.world, {host: said for host, (code, said) in verdicts.items() if code == 0})
        return (1, why) if why else (0, "")

    def _asked_from(self, gate: Gate, target: str) -> str:
        if gate.asked_from:
            return gate.asked_from(self.world)
        return self.world.state.reader if target == CLUSTER else target

    def _put_back(self, phase: Phase, batch: Mapping[str, Sequence[Change]], outcome: Outcome) -> None:
        """Files, sysctls, objects and what restarts for them go back; what cannot be undone is said to be left."""
        failed = outcome.failures[phase.name]
        back = {
            target: [*_put_back(phase, reversed(changes), failed.get(target, ""))] for target, changes in batch.items()
        }
        back = {target: changes for target, changes in back.items() if changes}
        if not back:
            outcome.left_broken |= outcome.failures[phase.name]
            return
        self.progress.putting_back(phase.name, list(back))
        try:
            failures = self._attempt(phase, back, gates=_gates_judge(back))
        except KeyboardInterrupt:
            outcome.interrupted = True
            failures = dict.fromkeys(back, CUT_SHORT)
        outcome.left_broken |= failures
        outcome.put_back += [change for target in back if target not in failures for change in batch[target]]


class BeforeRestart(str):
    """A failure while files were written: what runs is still what ran before, and is better left running."""


def _failure(failed: Failed) -> str:
    text = str(failed)
    return BeforeRestart(text) if failed.step.startswith(("write ", "remove ")) else text


def _put_back(phase: Phase, changes: Iterable[Change], failure: str) -> Iterator[Change]:
    for change in changes:
        if change.kind in INVERTIBLE:
            back = change.inverted()
            yield replace(back, restarts=(), reloads=()) if isinstance(failure, BeforeRestart) else back
        elif change.kind is Kind.OBJECT and phase.capability.puts_back and (undone := kube_object.undone(change)):
            yield undone


def _gates_judge(back: Mapping[str, Sequence[Change]]) -> bool:
    """Gates look for what is wanted: of objects that were not there before there is nothing to look for."""
    return not any(change.kind is Kind.OBJECT and change.after is None for change in _flat(back))


def batches(phase: Phase, plan: Plan) -> list[list[str]]:
    """The targets of a phase in the order of the plan: the cluster first, then hosts in batches."""
    targets = plan.targets(phase.name)
    hosts = [target for target in targets if target != CLUSTER]
    size = batch_size(phase.at_once, len(hosts))
    return [
        *([[CLUSTER]] if CLUSTER in targets else []),
        *(hosts[start : start + size] for start in range(0, len(hosts), size)),
    ]


def _verdict(answer: Output | Unreachable) -> tuple[int, str]:
    """The exit status, and the last line that was said; a host that gives no answer may come back."""
    if isinstance(answer, Unreachable):
        return 255, answer.reason
    lines = answer.stdout.decode("utf-8", "replace").strip().splitlines()
    return answer.code, lines[-1][-500:] if lines else f"exit status {answer.code}"


def _flat(batch: Mapping[str, Sequence[Change]]) -> list[Change]:
    return [change for changes in batch.values() for change in changes]
