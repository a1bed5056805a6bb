"""Phase by phase, batch by batch.

A batch that fails is put back and the roll-out stops there, unless that many failures may be afforded: what was
done before stays and is named, what comes after is not touched and is named. An interrupted roll-out stops between
two batches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from k8snet_provision.capability import Phase, Site
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.plan import Plan
from k8snet_provision.rollout.attempt import Attempt
from k8snet_provision.rollout.batches import batches
from k8snet_provision.rollout.gates import POLL, Gates
from k8snet_provision.rollout.one_batch import OneBatch
from k8snet_provision.rollout.outcome import Outcome, flat
from k8snet_provision.rollout.told import HOOK, NO_HOOKS, NO_JOURNAL, WHOLE_RUN, Failures, Hooks, Journal, Progress
from k8snet_provision.seen import World


@dataclass(frozen=True)
class Rollout:
    """Everything a roll-out needs; `run` is its only verb."""

    plan: Plan
    world: World
    fleet: Fleet
    progress: Progress
    stop: Callable[[], bool] = bool
    """Asked before each batch; True ends the roll-out there."""
    journal: Journal = NO_JOURNAL
    hooks: Hooks = NO_HOOKS
    canary: str = ""
    """The host that goes first and alone in every phase that changes it."""
    max_failures: int = 0
    """How many hosts may fail, each put back, before the roll-out stops."""
    pause: float = 0.0
    """Seconds between two batches of a phase."""

    def run(self, site: Site) -> Outcome:
        started = time.monotonic()
        outcome = Outcome()
        begun = self._may_begin(WHOLE_RUN, self.plan.changes, outcome)
        for phase in site:
            self._phase(phase, outcome)
        if begun:
            whole = {target: why for failures in outcome.failures.values() for target, why in failures.items()}
            self._after(WHOLE_RUN, self.plan.changes, whole, outcome)
        outcome.seconds = time.monotonic() - started
        return outcome

    def _phase(self, phase: Phase, outcome: Outcome) -> None:
        changes = self.plan.of(phase.name)
        if not changes:
            return
        if self._stops(outcome):
            outcome.untouched += changes
            return
        given_up = outcome.given_up
        outcome.skipped += [change for change in changes if change.target in given_up]
        coming = [change for change in changes if change.target not in given_up]
        if not coming:
            return
        self.progress.phase(phase.name, len(coming))
        if not self._may_begin(phase.name, coming, outcome):
            outcome.untouched += coming
            return
        for number, targets in enumerate(batches(phase, self.plan, self.canary, given_up)):
            if number:
                self._pause(phase, outcome)
            batch = {target: self.plan.of(phase.name, target) for target in targets}
            if self._stops(outcome):
                outcome.untouched += flat(batch)
            else:
                self._one_batch().change(phase, batch, outcome)
        self._after(phase.name, coming, outcome.failures.get(phase.name, {}), outcome)

    def _stops(self, outcome: Outcome) -> bool:
        outcome.interrupted |= self.stop()
        return outcome.stopped or outcome.interrupted

    def _pause(self, phase: Phase, outcome: Outcome) -> None:
        """Between two batches; an interrupt ends it."""
        if not self.pause or self._stops(outcome):
            return
        ends = time.monotonic() + self.pause
        try:
            self.progress.pausing(phase.name, self.pause)
            while (left := ends - time.monotonic()) > 0 and not self._stops(outcome):
                time.sleep(min(POLL, left))
        except KeyboardInterrupt:
            outcome.interrupted = True

    def _may_begin(self, phase: str, changes: Sequence[Change], outcome: Outcome) -> bool:
        """Whether the hook before it has nothing against it."""
        try:
            why = self.hooks.before(phase, changes)
        except KeyboardInterrupt:
            outcome.interrupted = True
            return False
        if why:
            self.progress.failed(phase, HOOK, why)
            outcome.fail(phase, HOOK, why)
        return not why

    def _after(self, phase: str, changes: Sequence[Change], failures: Failures, outcome: Outcome) -> None:
        try:
            why = self.hooks.after(phase, changes, failures)
        except KeyboardInterrupt:
            outcome.interrupted = True
            return
        if why:
            self.progress.failed(phase, HOOK, why)
            outcome.fail(phase, HOOK, why)

    def _one_batch(self) -> OneBatch:
        gates = Gates(self.world, self.fleet, self.progress)
        attempt = Attempt(self.world, self.fleet, self.journal, gates)
        return OneBatch(self.progress, self.journal, attempt, self._affordable)

    def _affordable(self, outcome: Outcome) -> bool:
        """Whether it may go on without the hosts that failed; never without the canary or a control plane."""
        failed = outcome.failed
        indispensable = {CLUSTER, self.canary, *self.world.cluster.control_planes}
        return len(failed) <= self.max_failures and not failed & indispensable
