"""One batch: into the journal, changed, through its gates; put back when anything of that fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from k8snet_provision.capability import Phase
from k8snet_provision.change import Change
from k8snet_provision.rollout import back
from k8snet_provision.rollout.attempt import Attempt
from k8snet_provision.rollout.outcome import CUT_SHORT, NOT_KEPT, Outcome, flat
from k8snet_provision.rollout.told import Failures, Journal, Progress


@dataclass(frozen=True)
class OneBatch:
    """Takes batches one after another, and enters in the outcome how each went."""

    progress: Progress
    journal: Journal
    attempt: Attempt
    affordable: Callable[[Outcome], bool]
    """Asked after each failure; False ends the roll-out."""

    def change(self, phase: Phase, wanted: Mapping[str, Sequence[Change]], outcome: Outcome) -> None:
        started = time.monotonic()
        self.progress.batch(phase.name, list(wanted))
        batch = self._kept(phase, wanted, outcome)
        if not batch:
            return
        try:
            failures = self.attempt.failing(phase, batch)
        except KeyboardInterrupt:
            outcome.interrupted = True
            outcome.left_broken |= dict.fromkeys(batch, CUT_SHORT)
            for target in batch:
                self.journal.failed(phase.name, target, CUT_SHORT)
            return
        seconds = time.monotonic() - started
        self._tell(phase, batch, failures, seconds)
        if not failures:
            outcome.done += flat(batch)
            outcome.timings |= {(phase.name, target): seconds for target in batch}
            return
        outcome.failures.setdefault(phase.name, {}).update(failures)
        self._put_back(phase, batch, failures, outcome)
        outcome.stopped |= not self.affordable(outcome)

    def _kept(
        self, phase: Phase, batch: Mapping[str, Sequence[Change]], outcome: Outcome
    ) -> dict[str, Sequence[Change]]:
        """What of a batch is begun: not what nobody would know of afterwards, and nothing when that ends it."""
        kept = dict(batch)
        try:
            while kept and (unkept := self.journal.begins(phase.name, kept)):
                failures = {target: NOT_KEPT + why for target, why in unkept.items()}
                self._tell(phase, failures, failures, 0.0)
                outcome.failures.setdefault(phase.name, {}).update(failures)
                outcome.stopped |= not self.affordable(outcome)
                if outcome.stopped:
                    break
                outcome.skipped += [change for target in unkept for change in kept.pop(target)]
        except KeyboardInterrupt:
            outcome.interrupted = True
        if outcome.stopped or outcome.interrupted:
            outcome.untouched += flat(kept)
            return {}
        return kept

    def _tell(self, phase: Phase, targets: Mapping[str, object], failures: Failures, seconds: float) -> None:
        for target in targets:
            for told in (self.progress, self.journal):
                if target in failures:
                    told.failed(phase.name, target, failures[target])
                else:
                    told.passed(phase.name, target, seconds)

    def _put_back(
        self, phase: Phase, batch: Mapping[str, Sequence[Change]], failed: Failures, outcome: Outcome
    ) -> None:
        """Files, sysctls, objects and what restarts for them go back; what cannot be undone is said to be left."""
        undone = back.undone(phase, batch, failed)
        intact = [target for target, why in failed.items() if not back.made(batch[target], why)]
        left = {target: why for target, why in failed.items() if target not in {*undone, *intact}}
        if undone:
            self.progress.putting_back(phase.name, list(undone))
            self.journal.putting_back(phase.name, list(undone))
            try:
                self.attempt.wait_for_hosts(phase, undone)
                left |= self.attempt.failing(phase, undone, judged=back.gates_judge(undone))
            except KeyboardInterrupt:
                outcome.interrupted = True
                left |= dict.fromkeys(undone, CUT_SHORT)
        for target in (*undone, *intact, *(target for target in left if target not in undone)):
            self.journal.put_back(phase.name, target, left.get(target, ""))
        outcome.left_broken |= left
        outcome.put_back += [change for target in undone if target not in left for change in batch[target]]
        outcome.untouched += [change for target in intact for change in batch[target]]
        gone_through = [target for target in batch if target not in {*undone, *intact, *left}]
        outcome.done += [change for target in gone_through for change in batch[target]]
