"""Waiting for the gates of a batch: asked again and again until they pass, say never, or their time is up."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from k8snet_provision.capability import NEVER, Gate, Phase, Together
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.engine.fleet import Fleet, Output, Script, Unreachable
from k8snet_provision.rollout.told import Failures, Progress
from k8snet_provision.seen import World

POLL, SELDOM = 0.2, 1.0
"""Seconds between two looks of a gate: at first, and once it has been waited for long. Each look starts programs on a
host that has enough to do with what it was just given."""

PATIENCE = 0.1
"""What a pause may be of the time that was waited already, so that no gate is seen to pass much later than it did."""


@dataclass(frozen=True)
class Gates:
    """Asks the gates of a phase about a batch."""

    world: World
    fleet: Fleet
    progress: Progress

    def failing(self, phase: Phase, batch: Mapping[str, Sequence[Change]]) -> Failures:
        """Waits for all of them; the targets that did not pass, with what was last seen. Raises Unknown."""
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
        began, last = time.monotonic(), dict.fromkeys(waiting, "nothing")
        ends = began + gate.deadline
        failures: Failures = {}
        while waiting and time.monotonic() < ends:
            for target, (code, saw) in self._look(gate, waiting, hosts, ends).items():
                last[target] = saw
                if code == NEVER:
                    failures[target] = f"{gate.what}: {saw}"
                if code in (0, NEVER):
                    del waiting[target]
            if waiting:
                time.sleep(_pause(time.monotonic() - began))
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


def _pause(waited: float) -> float:
    return min(SELDOM, max(POLL, PATIENCE * waited))


def _verdict(answer: Output | Unreachable) -> tuple[int, str]:
    """The exit status, and the last line that was said; a host that gives no answer may come back."""
    if isinstance(answer, Unreachable):
        return 255, answer.reason
    lines = answer.stdout.decode("utf-8", "replace").strip().splitlines()
    return answer.code, lines[-1][-500:] if lines else f"exit status {answer.code}"
