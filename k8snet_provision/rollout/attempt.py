"""One attempt at a batch: its changes are carried out, then its gates have to pass."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from k8snet_provision.capability import Phase
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.engine.fleet import Deploy, Failed, Fleet
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.rollout.back import failure
from k8snet_provision.rollout.gates import Gates
from k8snet_provision.rollout.outcome import flat
from k8snet_provision.rollout.told import Failures, Journal
from k8snet_provision.seen import World

AGAIN = 10.0
"""Seconds in which a host that is to be put back may come back itself, before it is said to be left broken."""

POLL = 0.5
"""Seconds between two tries to connect."""


@dataclass(frozen=True)
class Attempt:
    """Changes a batch, forwards or back. Whatever goes wrong is a failure, so that the batch is put back."""

    world: World
    fleet: Fleet
    journal: Journal
    gates: Gates

    def failing(self, phase: Phase, batch: Mapping[str, Sequence[Change]], judged: bool = True) -> Failures:
        """The targets that failed; `judged` says whether the gates are asked at all."""
        try:
            return self._carry_out(phase, batch) or (self.gates.failing(phase, batch) if judged else {})
        except Unknown as unknown:
            return dict.fromkeys(batch, str(unknown))
        except Exception as error:
            return dict.fromkeys(batch, f"internal error: {type(error).__name__}: {error}"[:500])

    def _carry_out(self, phase: Phase, batch: Mapping[str, Sequence[Change]]) -> Failures:
        """Cluster changes, and host changes that go through the API, run on the reader's connection."""
        work = partial(phase.capability.carry_out, prelude=self.world.prelude)
        through_api = {t: c for t, c in batch.items() if t == CLUSTER or phase.capability.from_control_plane}
        failures: Failures = {}
        if through_api:
            answers = self._deploy({self.world.state.reader: flat(through_api)}, work)
            failures |= {target: failure(why) for why in answers.values() if why for target in through_api}
        direct = {target: changes for target, changes in batch.items() if target not in through_api}
        if direct:
            failures |= {host: failure(why) for host, why in self._deploy(direct, work).items() if why}
        return failures

    def _deploy(self, batch: Mapping[str, Sequence[Change]], work: Deploy) -> dict[str, Failed | None]:
        return self.fleet.deploy(batch, work, self.journal.step, self.journal.steps_dir)

    def wait_for_hosts(self, phase: Phase, targets: Iterable[str]) -> None:
        """Until those hosts take connections again, at most AGAIN: what failed may be sshd that started anew."""
        hosts = {self._through(phase, target) for target in targets}
        ends = time.monotonic() + AGAIN
        while any(self.fleet.connect(hosts).values()) and time.monotonic() < ends:
            time.sleep(POLL)

    def _through(self, phase: Phase, target: str) -> str:
        """The host whose connection a target's changes are carried out on."""
        by_reader = target == CLUSTER or phase.capability.from_control_plane
        return self.world.state.reader if by_reader else target
