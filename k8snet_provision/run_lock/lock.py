"""RunLock: taken before the first change, renewed while the run lasts, released at its end whatever that is."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

import gevent
from gevent.event import Event

from k8snet_provision.change import CLUSTER
from k8snet_provision.engine.fleet import Fleet, Unreachable
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.run_lock import file
from k8snet_provision.run_lock.file import Holder
from k8snet_provision.run_lock.lease import Lease, NoAnswer, TakenBy

SECONDS = 60.0
"""How long a holder that gives no sign of life keeps the lock; it gives one four times as often."""

UNDER_WAY = "K8N418"
NO_LOCK = "K8N419"

LAST_RENEWAL = 60.0
"""Seconds that the end of a run waits for a renewal that is on its way."""


def _who() -> str:
    return " ".join(f"{getpass.getuser()}@{socket.gethostname()} pid {os.getpid()}".split())


@dataclass
class RunLock:
    """A context manager. `hosts` are the control planes; without any there is nothing to lock and nobody to ask.

    `fleet` gives connections of its own: one that is given up while the lock is renewed is not one that a host is
    being changed over. `prelude` is the sh that defines kubectl as K.
    """

    fleet: Callable[[], Fleet]
    hosts: Sequence[str]
    prelude: str
    path: str = file.PATH
    seconds: float = SECONDS
    _lost: str = ""
    _identity: str = field(default_factory=lambda: secrets.token_hex(8))
    _held: dict[str, None] = field(default_factory=dict)
    _ended: Event = field(default_factory=Event)

    def __enter__(self) -> RunLock:
        """Raises ProblemsFound when another run is under way, or the lock can be taken nowhere."""
        self._lease = Lease(self.prelude, self._identity, _who(), self.seconds)
        self._fleet = self.fleet()
        self._renewed, self._why = time.monotonic(), ""
        try:
            self._take()
        except BaseException:
            self._release()
            raise
        self._renewal = gevent.spawn(self._renew)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._renewal.join(LAST_RENEWAL)
        self._release()

    def lost(self) -> str:
        """Why this run may no longer be the only one; empty while it is. A quarter of the time is left then."""
        silent = time.monotonic() - self._renewed
        if not self._lost and self.hosts and silent > self.seconds * 3 / 4:
            return f"its lock could not be renewed for {silent:.0f} s: {self._why}"
        return self._lost

    def _take(self) -> None:
        why = self._hold()
        if self._lost:
            raise ProblemsFound([self._under_way])
        if self.hosts and not self._held:
            hint = "a run must be the only one; it is locked on a control-plane host"
            raise ProblemsFound([Problem(NO_LOCK, "the lock of the run cannot be taken", CLUSTER, why, hint=hint)])

    def _renew(self) -> None:
        """A control plane that restarts answers again; only silence everywhere, or another holder, ends the lock."""
        while not self._ended.wait(self.seconds / 4) and not self._lost:
            before = time.monotonic()
            self._why = self._hold()
            if self._held:
                self._renewed = before

    def _hold(self) -> str:
        """Takes or renews it in every place, the first host first, so that of two runs one gets it.

        What failed is left to the other places: the answer is why, `_held` where it was done.
        """
        self._held.clear()
        why = "no control-plane host could be reached"
        for hosts in (self.hosts[:1], self.hosts[1:]):
            why = self._hold_files(hosts) or why
            if self._lost:
                return why
        return self._hold_lease() or why

    def _hold_files(self, hosts: Sequence[str]) -> str:
        script = file.hold(self.path, self._identity, self._lease.who, self.seconds)
        why = ""
        for host, answer in self._fleet.run(dict.fromkeys(hosts, script)).items():
            if isinstance(answer, Unreachable):
                why = str(answer)
            elif answer.code == 0:
                self._held[host] = None
            elif found := file.holder(answer):
                self._lose(host, found)
            else:
                why = f"{host}: {(answer.stdout + answer.stderr).decode('utf-8', 'replace').strip()[-300:]}"
        return why

    def _hold_lease(self) -> str:
        why = ""
        for host in self._held or self.hosts:
            try:
                self._lease.hold(self._fleet, host)
            except NoAnswer as no_answer:
                why = f"{host}: {no_answer}"
                continue
            except TakenBy as taken:
                self._lose(CLUSTER, taken.holder)
                return ""
            self._held[CLUSTER] = None
            return ""
        return why

    def _lose(self, where: str, holder: Holder) -> None:
        self._under_way = _problem(where, holder)
        self._lost = f"another run has begun: {holder}"

    def _release(self) -> None:
        """Everywhere, for what was not renewed may have been taken; nobody is told of what cannot be reached now."""
        scripts = dict.fromkeys(self.hosts, file.release(self.path, self._identity, self.seconds))
        answers = self._fleet.run(scripts)
        for host in (host for host, answer in answers.items() if not isinstance(answer, Unreachable)):
            try:
                self._lease.release(self._fleet, host)
                break
            except NoAnswer:
                continue
        self._fleet.close()


def under_way(fleet: Fleet, hosts: Iterable[str], path: str = file.PATH, seconds: float = SECONDS) -> Problem | None:
    """The run that is under way, as the first of these hosts tells that knows of one; takes nothing."""
    answers = fleet.run(dict.fromkeys(hosts, file.tell(path, seconds)))
    for host, answer in answers.items():
        if not isinstance(answer, Unreachable) and (found := file.holder(answer)):
            return _problem(host, found)
    return None


def _problem(where: str, holder: Holder) -> Problem:
    hint = f"wait until it has ended; a run that died is given up {SECONDS:g} s after its last sign of life"
    return Problem(UNDER_WAY, "another run is under way", where, str(holder), hint=hint)
