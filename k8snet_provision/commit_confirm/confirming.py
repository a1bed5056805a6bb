"""The confirmation of a run on all its hosts, and which runs wait for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from k8snet_provision.change import CLUSTER
from k8snet_provision.commit_confirm import host as on_host
from k8snet_provision.commit_confirm.codes import Code
from k8snet_provision.commit_confirm.going_back import HOLDER
from k8snet_provision.commit_confirm.host import PLACE, TOO_LATE, Place, Waiting
from k8snet_provision.commit_confirm.window import at
from k8snet_provision.engine.fleet import Fleet, Output, Unreachable
from k8snet_provision.observe import Observation
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.resources.probe import Probe, Unknown


@dataclass(frozen=True)
class Confirmation:
    """`confirmed` are the hosts that keep what changed; `problems` name every other host of the run."""

    run: str
    confirmed: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def failed(self) -> bool:
        """Whether something went back, could not be confirmed, or was never there to be."""
        return any(problem.code != Code.NOT_REACHED for problem in self.problems)


@dataclass(frozen=True)
class Told:
    """What hosts say of the runs that wait on them, and those that did not answer, with the reason."""

    waiting: Mapping[str, tuple[Waiting, ...]]
    unreached: Mapping[str, str]


def look(fleet: Fleet, hosts: Iterable[str], place: Place = PLACE) -> Told:
    """Asks these hosts; changes nothing."""
    answers = fleet.run(dict.fromkeys(hosts, on_host.tell(place)))
    told = {
        host: tuple(on_host.told(answer.stdout.decode("utf-8", "replace")))
        for host, answer in answers.items()
        if isinstance(answer, Output)
    }
    return Told(told, {host: str(answer) for host, answer in answers.items() if isinstance(answer, Unreachable)})


PROBE = Probe("runs that wait to be confirmed", on_host.tell(PLACE).text)
"""The same question, for whoever asks a host other things at the same time."""


def told_by(observation: Observation) -> Told:
    """What hosts answered to PROBE."""
    waiting: dict[str, tuple[Waiting, ...]] = {}
    unreached = dict(observation.unreached)
    for host, seen in observation.hosts.items():
        try:
            waiting[host] = tuple(on_host.told(seen.text(PROBE) or ""))
        except Unknown as unknown:
            unreached[host] = unknown.why
    return Told(waiting, unreached)


def awaiting(told: Told) -> list[Problem]:
    """Warnings, one for each run that waits to be confirmed, or goes back just now: where, and until when."""
    runs: dict[str, dict[str, Waiting]] = {}
    for host, waiting in told.waiting.items():
        for found in waiting:
            if found.state in ("armed", "going-back"):
                runs.setdefault(found.run, {})[host] = found
    return [_awaited(run, hosts) for run, hosts in sorted(runs.items())]


def waits(told: Told, run: str) -> bool:
    """Whether a host waits for this run to be confirmed."""
    return any((found.run, found.state) == (run, "armed") for waiting in told.waiting.values() for found in waiting)


def in_the_way(told: Told, resumed: str = "", *, armed_again: bool = False) -> list[Problem]:
    """Errors: runs that must be confirmed, or go back, before another one begins. Else the one that begins would be
    undone in part, and what goes back would find what it does not know.

    `resumed` is the run that goes on; that may wait itself, where it is to wait again (`armed_again`).
    """
    found = [problem for problem in awaiting(told) if not (armed_again and resumed and resumed in problem.text)]
    return [replace(problem, severity=Severity.ERROR) for problem in found]


def confirm(fleet: Fleet, hosts: Sequence[str], run: str, place: Place = PLACE) -> Confirmation:
    """What the run changed stays, on every host that can be reached; the others are named, and when they go back."""
    told = look(fleet, hosts, place)
    known = {host: found for host, waiting in told.waiting.items() for found in waiting if found.run == run}
    if not known:
        return Confirmation(run, (), tuple(_unknown(run, told)))
    answers = fleet.run(dict.fromkeys(known, on_host.confirm(place, run)))
    problems = [problem for host, answer in answers.items() if (problem := _problem(host, known[host], answer))]
    confirmed = tuple(host for host in known if host not in {problem.where for problem in problems})
    example, listed = _longest(known)
    missing = [host for host in listed if host not in known and host not in told.waiting]
    problems += [_missing(host, example, told.unreached.get(host, "it is not in the inventory")) for host in missing]
    return Confirmation(run, confirmed, tuple(problems))


def goes_back(under_way: Problem, run: str) -> bool:
    """Whether the run that is said to be under way is none, but a host that undoes this one: what hosts tell themselves
    then says more."""
    return under_way.found.startswith(HOLDER.format(run=run))


def _longest(known: Mapping[str, Waiting]) -> tuple[tuple[str, Waiting], Mapping[str, int]]:
    """A host that knows of most others: one that was armed early may not have been told of the later ones."""
    host, found = max(known.items(), key=lambda item: len(item[1].hosts))
    return (host, found), found.hosts


def _problem(host: str, known: Waiting, answer: Output | Unreachable) -> Problem | None:
    if isinstance(answer, Unreachable):
        return _missing(host, (host, known), str(answer))
    if answer.code == 0:
        return None
    if answer.code == TOO_LATE:
        said = answer.stdout.decode("utf-8", "replace").strip()
        return _went_back(host, known, said)
    said = (answer.stderr or answer.stdout).decode("utf-8", "replace").strip()[-300:]
    return Problem(Code.NOT_CONFIRMED, "could not be confirmed", host, found=said or f"exit status {answer.code}")


def _went_back(host: str, known: Waiting, state: str) -> Problem:
    texts = {
        "going-back": "goes back just now: the confirmation came too late",
        "went-back": "went back by itself, for nobody confirmed in time",
        "failed": "was to go back by itself, for nobody confirmed in time, and not all of it could be put back",
    }
    hint = f"see {PLACE.undo(known.run)}/log on the host; diff shows what is there now"
    return Problem(Code.WENT_BACK, texts.get(state, state), host, found=known.at, hint=hint)


def _missing(host: str, example: tuple[str, Waiting], why: str) -> Problem:
    """When a host goes back that does not answer: as long after the one that does as the run arranged it."""
    name, known = example
    until = known.until + known.hosts.get(host, 0) - known.hosts.get(name, 0)
    return Problem(
        Code.NOT_REACHED,
        f"could not be told: what changed there goes back at about {at(until)}",
        host,
        found=why,
        hint="confirm again once it can be reached",
    )


def _unknown(run: str, told: Told) -> list[Problem]:
    if not told.unreached:
        return [unknown(run)]
    text = "no host that answers waits for a confirmation of this run, and this one does not answer"
    return [Problem(Code.NOT_REACHED, text, host, found=why) for host, why in told.unreached.items()]


def unknown(run: str) -> Problem:
    """There is no such run, or nothing of it waits."""
    hint = "it was confirmed already, or was no apply with --confirm-within; history lists the runs"
    return Problem(Code.UNKNOWN_RUN, "no host waits for a confirmation of this run", CLUSTER, found=run[:50], hint=hint)


def _awaited(run: str, hosts: Mapping[str, Waiting]) -> Problem:
    until = min(found.until for found in hosts.values())
    going = [host for host, found in hosts.items() if found.state == "going-back"]
    text = (
        f"changes of run {run} go back by themselves just now"
        if going
        else f"run {run} waits to be confirmed, until {at(until)}"
    )
    hint = "" if going else f"k8snet-provision confirm INVENTORY {run}"
    where = going[0] if going else next(iter(hosts))
    return Problem(Code.AWAITED, text, where, found=", ".join(going or hosts), hint=hint, severity=Severity.WARNING)
