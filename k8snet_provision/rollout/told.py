"""Who is told what a roll-out does: the terminal, the journal, the operator's own commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from k8snet_provision.change import Change
from k8snet_provision.topology.hooks import WHOLE_RUN

__all__ = ["HOOK", "NO_HOOKS", "NO_JOURNAL", "WHOLE_RUN", "Failures", "Hooks", "Journal", "Progress"]

Failures = dict[str, str]
"""What went wrong, by target."""

HOOK = "hook"
"""The target under which a hook that failed is named."""


class Progress(Protocol):
    """Told what happens while it happens; `said` are the lines that the operator's own commands print."""

    def phase(self, phase: str, changes: int) -> None: ...
    def batch(self, phase: str, targets: Sequence[str]) -> None: ...
    def waiting(self, phase: str, what: str, targets: Sequence[str]) -> None: ...
    def pausing(self, phase: str, seconds: float) -> None: ...
    def passed(self, phase: str, target: str, seconds: float) -> None: ...
    def failed(self, phase: str, target: str, why: str) -> None: ...
    def putting_back(self, phase: str, targets: Sequence[str]) -> None: ...
    def interrupted(self) -> None: ...
    def said(self, line: str) -> None: ...


class Journal(Protocol):
    """Keeps what happens so that it survives this process. Raises nothing: a roll-out must not end over it.

    `begins` comes before the first step of each batch and gives the targets whose journal cannot be kept, with the
    reason: there nothing is begun, and on the others only when so many failures may be afforded and it has been asked
    about them alone. `step` is told each step of a host with "started", "done" or "failed". `put_back` has an empty
    reason where the old state is back.
    """

    @property
    def steps_dir(self) -> str:
        """Where hosts keep their own steps; empty for nowhere."""

    def begins(self, phase: str, batch: Mapping[str, Sequence[Change]]) -> Failures: ...
    def step(self, host: str, step: str, outcome: str) -> None: ...
    def passed(self, phase: str, target: str, seconds: float) -> None: ...
    def failed(self, phase: str, target: str, why: str) -> None: ...
    def putting_back(self, phase: str, targets: Sequence[str]) -> None: ...
    def put_back(self, phase: str, target: str, why: str) -> None: ...


class Hooks(Protocol):
    """What the operator wants to happen before and after a phase, or the whole run (WHOLE_RUN).

    `before` says why the phase must not begin, empty when it may. `after` comes wherever `before` let it begin,
    also after failures and interrupts, and says what went wrong with the hook itself; that puts nothing back.
    """

    def before(self, phase: str, changes: Sequence[Change]) -> str: ...
    def after(self, phase: str, changes: Sequence[Change], failures: Failures) -> str: ...


class NoJournal:
    steps_dir = ""

    def begins(self, phase: str, batch: Mapping[str, Sequence[Change]]) -> Failures:
        return {}

    def step(self, host: str, step: str, outcome: str) -> None:
        return

    def passed(self, phase: str, target: str, seconds: float) -> None:
        return

    def failed(self, phase: str, target: str, why: str) -> None:
        return

    def putting_back(self, phase: str, targets: Sequence[str]) -> None:
        return

    def put_back(self, phase: str, target: str, why: str) -> None:
        return


class NoHooks:
    def before(self, phase: str, changes: Sequence[Change]) -> str:
        return ""

    def after(self, phase: str, changes: Sequence[Change], failures: Failures) -> str:
        return ""


NO_JOURNAL: Journal = NoJournal()
NO_HOOKS: Hooks = NoHooks()
