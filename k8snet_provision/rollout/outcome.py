"""How a roll-out went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from k8snet_provision.change import Change
from k8snet_provision.rollout.told import Failures

CUT_SHORT = "interrupted before it was finished; diff shows what is left to do"
NOT_KEPT = "the journal cannot be kept: "


@dataclass
class Outcome:
    """How a roll-out went.

    `put_back` are failed batches whose old state was seen to work again. `untouched` is what was not begun because
    the roll-out had stopped, `skipped` what was not begun on hosts that it went on without. A roll-out that
    `stopped` began nothing after its last failure.
    """

    done: list[Change] = field(default_factory=list)
    failures: dict[str, Failures] = field(default_factory=dict)
    put_back: list[Change] = field(default_factory=list)
    left_broken: Failures = field(default_factory=dict)
    untouched: list[Change] = field(default_factory=list)
    skipped: list[Change] = field(default_factory=list)
    stopped: bool = False
    interrupted: bool = False
    seconds: float = 0.0
    timings: dict[tuple[str, str], float] = field(default_factory=dict)
    """Seconds of each batch that passed as a whole, its gates included, by phase and target."""

    @property
    def ok(self) -> bool:
        return not self.failures and not self.interrupted

    @property
    def failed(self) -> frozenset[str]:
        """The targets that failed in any phase, or could not be put back."""
        return frozenset(target for failures in self.failures.values() for target in failures) | {*self.left_broken}

    @property
    def given_up(self) -> frozenset[str]:
        """The targets that later phases do without: what they rest on is not there."""
        return self.failed | {change.target for change in self.put_back}

    def fail(self, phase: str, target: str, why: str) -> None:
        """Names a failure after which nothing more is begun."""
        self.failures.setdefault(phase, {})[target] = why
        self.stopped = True


def flat(batch: Mapping[str, Sequence[Change]]) -> list[Change]:
    return [change for changes in batch.values() for change in changes]
