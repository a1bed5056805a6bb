"""Journal: told by the roll-out before and after whatever it does; on disk before anything changes."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.engine.fleet import Fleet, Output, Unreachable
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.runs import local, mirror, model
from k8snet_provision.runs.codes import Code
from k8snet_provision.runs.model import Event, Run, State
from k8snet_provision.saved_plan.model import SavedPlan

STEPS = {"started": "step_started", "done": "step_done", "failed": "step_failed"}
"""The engine's words for a step, and the journal's."""


@dataclass
class Journal:
    """Of one run. `mirrors` are the control planes that were reached; `reader` is the one cluster changes go through.

    An event that cannot be written stops the run before its next batch: `begins` then says why for every target.
    """

    run_id: str
    saved: SavedPlan
    fleet: Fleet
    mirrors: Sequence[str]
    reader: str
    phase: str = ""
    _unsent: dict[str, bytes] = field(default_factory=dict)
    _touched: set[str] = field(default_factory=set)
    _broken: str = ""

    @property
    def steps_dir(self) -> str:
        return mirror.host_dir(self.run_id)

    def begins(self, phase: str, batch: Mapping[str, Sequence[Change]]) -> dict[str, str]:
        """Why a batch must not begin, by target; empty when all of it is kept."""
        self.phase = phase
        for target in batch:
            self.tell(Event(model.now(), "batch", phase, target))
        if self._broken:
            return dict.fromkeys(batch, self._broken)
        hosts = {target: self.reader if target == CLUSTER else target for target in batch}
        failures = self._touch({*hosts.values(), *filter(None, [self.reader])})
        return {target: failures[host] for target, host in hosts.items() if host in failures}

    def step(self, host: str, step: str, outcome: str) -> None:
        self.tell(Event(model.now(), STEPS.get(outcome, outcome), self.phase, host, step))

    def passed(self, phase: str, target: str, seconds: float) -> None:
        self.tell(Event(model.now(), "passed", phase, target, seconds=round(seconds, 3)))

    def failed(self, phase: str, target: str, why: str) -> None:
        self.tell(Event(model.now(), "failed", phase, target, text=why))

    def putting_back(self, phase: str, targets: Sequence[str]) -> None:
        for target in targets:
            self.tell(Event(model.now(), "putting_back", phase, target))

    def put_back(self, phase: str, target: str, why: str) -> None:
        self.tell(Event(model.now(), "not_put_back" if why else "put_back", phase, target, text=why))

    def note(self, event: str, text: str = "", target: str = "", **details: str) -> None:
        """Something of the run as a whole: a snapshot, a hook."""
        self.tell(Event(model.now(), event, self.phase, target, text=text, details=details))

    def awaits(self, hosts: Sequence[str], until: str) -> None:
        """These hosts go back by themselves, the first of them then, unless the run is confirmed."""
        self.tell(Event(model.now(), "awaits", text=until, details=dict.fromkeys(hosts, "")))

    def ended(self, state: State) -> None:
        """The last event, sent to the control planes with whatever they do not have yet."""
        self.tell(Event(model.now(), "ended", text=str(state)))
        self._send()

    def tell(self, event: Event) -> None:
        try:
            local.append(self.run_id, event)
        except OSError as error:
            self._broken = f"{local.root() / self.run_id}: {error.strerror}"
        for host in self.mirrors:
            self._unsent[host] = self._unsent.get(host, b"") + event.line()

    def _touch(self, hosts: set[str]) -> dict[str, str]:
        """New hosts get their directory; one that cannot keep it is named. Control planes get the events."""
        new = {host: mirror.touch(self.run_id, self.saved.plan, host) for host in hosts - self._touched}
        answers = self.fleet.run(new)
        failures = {host: why for host, answer in answers.items() if (why := _why(answer))}
        self._touched |= new.keys() - failures.keys()
        self._send()
        return failures

    def _send(self) -> None:
        """A control plane that is away gets them with the next ones."""
        unsent = {host: data for host, data in self._unsent.items() if data}
        answers = self.fleet.run({host: mirror.append(self.run_id, data) for host, data in unsent.items()})
        for host, answer in answers.items():
            if not _why(answer):
                self._unsent[host] = self._unsent[host].removeprefix(unsent[host])


def begin(fleet: Fleet, mirrors: Sequence[str], reader: str, saved: SavedPlan, verb: str, inventory: Path) -> Journal:
    """Writes the run's beginning here and on the control planes; raises ProblemsFound when any of it cannot be kept."""
    run_id = model.new_id()
    first = Event(model.now(), "begun", text=verb, details=_details(saved, inventory))
    local.prune(inventory)
    local.make(run_id, saved, first)
    answers = fleet.run({host: mirror.begin(run_id, saved) for host in mirrors})
    journal = Journal(run_id, saved, fleet, mirrors, reader, _unsent=dict.fromkeys(mirrors, first.line()))
    if problems := [_not_kept(host, why) for host, answer in answers.items() if (why := _why(answer))]:
        journal.ended(State.FAILED)
        raise ProblemsFound(problems)
    return journal


def resume(fleet: Fleet, mirrors: Sequence[str], reader: str, run: Run) -> Journal:
    """Goes on with the journal of a run that was cut short; raises ProblemsFound."""
    local.copy(run)
    first = Event(model.now(), "resumed", details=_process())
    journal = Journal(run.id, run.saved, fleet, mirrors, reader)
    answers = fleet.run(dict.fromkeys(mirrors, mirror.directory(run.id)))
    if problems := [_not_kept(host, why) for host, answer in answers.items() if (why := _why(answer))]:
        raise ProblemsFound(problems)
    journal.tell(first)
    return journal


def mark(fleet: Fleet, mirrors: Sequence[str], run: Run, event: Event) -> None:
    """Adds an event to a run that has ended: it was rolled back, or left as it was. Best effort on the hosts."""
    local.copy(run)
    local.append(run.id, event)
    fleet.run({host: mirror.append(run.id, event.line()) for host in mirrors})


def _details(saved: SavedPlan, inventory: Path) -> dict[str, str]:
    targets = len({change.target for change in saved.plan.changes})
    return {
        **_process(),
        "inventory": str(inventory.resolve()),
        "cluster": saved.plan.name,
        "changes": str(len(saved.plan.changes)),
        "targets": str(targets),
    }


def _process() -> dict[str, str]:
    return {"who": f"{getpass.getuser()}@{socket.gethostname()}", **model.this_process()}


def _why(answer: Output | Unreachable) -> str:
    if isinstance(answer, Unreachable):
        return answer.reason
    said = (answer.stderr or answer.stdout).decode("utf-8", "replace").strip()
    return "" if answer.code == 0 else said[-300:] or f"exit {answer.code}"


def _not_kept(host: str, why: str) -> Problem:
    hint = "nothing was changed; a run that leaves no trace on the hosts could not be rolled back"
    return Problem(Code.NOT_KEPT, "the journal of the run cannot be kept on this host", host, why, hint=hint)
