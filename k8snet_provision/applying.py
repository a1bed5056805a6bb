"""apply: from a plan to its outcome, with everything that lets an operator press Enter at night.

In this order: what forbids it is said, all at once; the operator agrees; the lock is taken; the journal begins here
and on the hosts; etcd is kept; then the roll-out; then the window in which the operator confirms.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from k8snet_provision import etcd_snapshot, forecast, hooks, interruption, preflight, rollout, run_lock
from k8snet_provision.capability import Site
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.commit_confirm import CommitConfirm, Told, in_the_way, look, refusals
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.etcd_snapshot import codes as snapshots
from k8snet_provision.inventory.connection import Connection
from k8snet_provision.plan import Plan
from k8snet_provision.preflight import Code as Preflight
from k8snet_provision.problems import Problem, ProblemsFound, Severity
from k8snet_provision.run_lock import RunLock
from k8snet_provision.runs import journal
from k8snet_provision.runs.journal import Journal
from k8snet_provision.runs.model import Event, Run, State, now
from k8snet_provision.saved_plan.model import SavedPlan
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

SKIPPABLE: Mapping[str, str] = {
    **preflight.SKIPPABLE,
    **{code: snapshots.TEXTS[code] for code in etcd_snapshot.SKIPPABLE},
}
"""What --skip may leave out, and what that is."""


@dataclass(frozen=True)
class Care:
    """How careful a run is asked to be. `confirm_within` and `pause` are in seconds; `skip` holds codes."""

    canary: str = ""
    max_failures: int = 0
    pause: float = 0.0
    confirm_within: float = 0.0
    skip: tuple[str, ...] = ()


@dataclass
class Ended:
    """How a run ended: its id, the outcome, and what else is to be said of it."""

    run_id: str
    outcome: rollout.Outcome
    warnings: list[Problem] = field(default_factory=list)
    awaits: tuple[str, ...] = ()
    """The hosts that go back by themselves unless the run is confirmed."""


@dataclass(frozen=True)
class Applying:
    """What carrying out one plan needs. `inventory` is the operator's path, `saved` the plan as it is kept."""

    plan: Plan
    world: World
    site: Site
    cluster: Cluster
    fleet: Fleet
    connections: Mapping[str, Connection]
    inventory: Path
    saved: SavedPlan
    care: Care
    lock_path: str = run_lock.PATH
    seconds: float = 0.0
    """What looking and the preflight took."""

    def problems(self, told: Told, again: Run | None = None) -> list[Problem]:
        """Why it should not begin now, as far as that can be seen without changing anything. `told` is what waits."""
        care = self.care
        found = rollout.check_options(self.plan, self.site, care.canary, care.max_failures, care.pause)
        found += refusals(self.plan, self.site) if care.confirm_within else []
        found += in_the_way(told, again.id if again else "", armed_again=care.confirm_within > 0)
        own = [code for code in care.skip if code in preflight.SKIPPABLE]
        checked = preflight.check(self.fleet, self.world, self.site, self.cluster, self.plan, own)
        return [*found, *(_expected(problem) if again else problem for problem in checked)]

    def run(self, progress: rollout.Progress, verb: str = "apply", again: Run | None = None) -> Ended:
        """Carries it out, as a run of its own or going on with one that was cut short; raises ProblemsFound."""
        began = time.monotonic()
        with interruption.postponed(progress.interrupted) as stop, self._lock() as lock:
            kept = self._begin(verb, again)
            with _ending(kept) as ended:
                # What is to be kept is etcd as it was before the run, not half way through it.
                if not (again and any(event.event == "snapshot" for event in again.events)):
                    self._keep_etcd(kept, ended)
                window = self._window(kept)
                if window and again:
                    window.rejoin(look(self.fleet, self.world.observation.hosts))
                told = _Both(kept, window) if window else kept
                care = self.care
                commands = hooks.of(self.cluster, kept.run_id, partial(_said, progress, kept))
                roll_out = rollout.Rollout(
                    self.plan, self.world, self.fleet, progress, lambda: stop() or bool(lock.lost()),
                    told, commands, care.canary, care.max_failures, care.pause,
                )  # fmt: skip
                before = self._passed_before(kept, self.seconds + time.monotonic() - began)
                try:
                    ended.outcome = roll_out.run(self.site)
                    ended.outcome.timings |= before
                    if why := lock.lost():
                        ended.outcome.failures["lock of the run"] = {CLUSTER: why}
                finally:
                    if window:  # whatever happened: from now on the window counts
                        ended.warnings += window.ends()
                        ended.awaits = window.hosts
                        if window.hosts:
                            kept.awaits(window.hosts, window.until)
        return ended

    def _passed_before(self, kept: Journal, seconds: float) -> dict[tuple[str, str], float]:
        """Told as if it were a batch: the next forecast rests on it."""
        phase = forecast.BEFORE_WITH_ETCD if etcd_snapshot.needed(self.plan) else forecast.BEFORE
        kept.passed(phase, "", seconds)
        return {(phase, ""): seconds}

    def _lock(self) -> RunLock:
        reached = {host: self.connections[host] for host in self.cluster.control_planes}
        return RunLock(lambda: Fleet(reached), list(reached), self.world.prelude, self.lock_path)

    @property
    def _mirrors(self) -> list[str]:
        """The control planes that answer."""
        reader = self.world.state.reader
        return list(self.world.reached(self.cluster.control_planes)) or ([reader] if reader else [])

    def _begin(self, verb: str, again: Run | None) -> Journal:
        if again:
            return journal.resume(self.fleet, self._mirrors, self.world.state.reader, again)
        return journal.begin(self.fleet, self._mirrors, self.world.state.reader, self.saved, verb, self.inventory)

    def _keep_etcd(self, kept: Journal, ended: Ended) -> None:
        if not etcd_snapshot.needed(self.plan):
            return
        snapshot, problems = etcd_snapshot.take(self.fleet, self.world, kept.run_id, self.care.skip)
        if snapshot:
            kept.note("snapshot", str(snapshot), snapshot.host, **snapshot.details())
        ended.warnings += [problem for problem in problems if problem.severity is Severity.WARNING]
        if errors := [problem for problem in problems if problem.severity is Severity.ERROR]:
            raise ProblemsFound(errors)

    def _window(self, kept: Journal) -> CommitConfirm | None:
        if not self.care.confirm_within:
            return None
        return CommitConfirm(
            self.fleet,
            self.world,
            self.site,
            kept.run_id,
            self.care.confirm_within,
            self.care.pause,
            lock=self.lock_path,
        )


HALF_DONE = (Preflight.APISERVER, Preflight.NODE_NOT_READY, Preflight.ROLLING)


def _expected(problem: Problem) -> Problem:
    """What a run that was cut short may have left like that must not keep it from being gone on with."""
    return replace(problem, severity=Severity.WARNING) if problem.code in HALF_DONE else problem


def _said(progress: rollout.Progress, kept: Journal, line: str) -> None:
    """What a command of the operator prints is seen now, and in the run's history."""
    progress.said(line)
    kept.note("hook", line)


@contextmanager
def _ending(kept: Journal) -> Iterator[Ended]:
    """Whatever happens in between is the run's end, and in its journal."""
    ended = Ended(kept.run_id, rollout.Outcome())
    state = State.FAILED
    try:
        yield ended
        state = state_of(ended.outcome)
    finally:
        kept.ended(state)


def state_of(outcome: rollout.Outcome) -> State:
    """A batch that was interrupted itself is half done."""
    if outcome.interrupted:
        return State.CUT_SHORT if rollout.CUT_SHORT in outcome.left_broken.values() else State.INTERRUPTED
    return State.DONE if outcome.ok else State.FAILED


@dataclass(frozen=True)
class _Both:
    """The journal, and the hosts' own way back, told of the same batches."""

    kept: Journal
    window: CommitConfirm

    @property
    def steps_dir(self) -> str:
        return self.kept.steps_dir

    def begins(self, phase: str, batch: Mapping[str, Sequence[Change]]) -> dict[str, str]:
        return self.kept.begins(phase, batch) or self.window.begins(phase, batch)

    def step(self, host: str, step: str, outcome: str) -> None:
        self.kept.step(host, step, outcome)

    def passed(self, phase: str, target: str, seconds: float) -> None:
        self.kept.passed(phase, target, seconds)

    def failed(self, phase: str, target: str, why: str) -> None:
        self.kept.failed(phase, target, why)

    def putting_back(self, phase: str, targets: Sequence[str]) -> None:
        self.kept.putting_back(phase, targets)

    def put_back(self, phase: str, target: str, why: str) -> None:
        self.kept.put_back(phase, target, why)
        if not why:
            self.window.put_back(phase, [target])


def close(fleet: Fleet, hosts: Sequence[str], run: Run, state: State) -> None:
    """Ends a run that was cut short without going on with it: nothing is left of it, or the next plan starts anew."""
    journal.mark(fleet, hosts, run, Event(now(), "ended", text=str(state)))
