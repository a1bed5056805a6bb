"""Asking: one script per host and the questions to the cluster, all at once, each with its time-out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gevent.pool import Pool

from k8snet_provision.engine.fleet import Fleet, Script, Unreachable
from k8snet_provision.looking import AS_ROOT
from k8snet_provision.observe import compose, decode, new_boundary
from k8snet_provision.preflight.programs import FUNCTIONS
from k8snet_provision.resources.probe import HostSeen, Probe, Seen, State

TIMEOUT = 30.0
"""Seconds for one script; the slowest thing in it is an API server that does not answer kubectl (15 s)."""

AT_ONCE = 100
"""Hosts whose scripts run at the same time, over connections that are mostly open already."""


@dataclass(frozen=True)
class Answered:
    """What a host said, or why it said nothing; `sent` and `at` are this machine's clock around it, in seconds."""

    seen: HostSeen
    why: str
    sent: float
    at: float


def ask(
    fleet: Fleet, hosts: Mapping[str, Sequence[Probe]], reader: str, questions: Sequence[Probe]
) -> tuple[dict[str, Answered], HostSeen]:
    """Every host's probes as one script; each question to the reader in a session of its own, for kubectl waits."""
    aside, pool = Pool(len(questions) + 1), Pool(AT_ONCE)
    cluster = [aside.spawn(_run, fleet, reader, [question], "") for question in questions]
    asked = {host: pool.spawn(_of_host, fleet, host, probes) for host, probes in hosts.items()}
    answers = {key: seen for job in cluster for key, seen in job.get().seen.answers.items()}
    return {host: job.get() for host, job in asked.items()}, HostSeen(reader, answers)


def _of_host(fleet: Fleet, host: str, probes: Sequence[Probe]) -> Answered:
    """Connected first, so that the time around the script is the script's."""
    failure = fleet.connect([host])[host]
    if failure is not None:
        return _lost(host, probes, failure)
    answered = _run(fleet, host, [AS_ROOT, *probes], FUNCTIONS)
    root = answered.seen.answers[AS_ROOT.key]
    if root.state is State.UNKNOWN and not answered.why:
        return Answered(answered.seen, root.why, answered.sent, answered.at)
    return answered


def _run(fleet: Fleet, host: str, probes: Sequence[Probe], functions: str) -> Answered:
    boundary = new_boundary()
    script = Script(functions + compose(probes, boundary), timeout=TIMEOUT)
    sent = time.time()
    answer = fleet.run({host: script})[host]
    at = time.time()
    if isinstance(answer, Unreachable):
        return _lost(host, probes, answer)
    return Answered(decode(host, probes, boundary, answer.stdout), "", sent, at)


def _lost(host: str, probes: Sequence[Probe], failure: Unreachable) -> Answered:
    seen = {probe.key: Seen(State.UNKNOWN, why=failure.reason) for probe in probes}
    return Answered(HostSeen(host, seen), str(failure), 0.0, 0.0)
