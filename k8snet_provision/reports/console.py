"""Plans and outcomes for people: every line is taken from the change it speaks of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from k8snet_provision.change import CLUSTER, Action, Change, Kind
from k8snet_provision.edits.diff import unified_diff
from k8snet_provision.plan import Plan
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.reports.lines import DIFF_COLOURS, in_one_line, line, unseen
from k8snet_provision.rollout import HOOK, WHOLE_RUN, Outcome
from k8snet_provision.seen import World

if TYPE_CHECKING:
    from k8snet_provision.verification.plugin import Result

SIGN = {Action.CREATE: ("+", "green"), Action.UPDATE: ("~", "yellow"), Action.DELETE: ("-", "red")}
ANEW = (Kind.RESTART, Kind.RELOAD)


def show_plan(out: Console, plan: Plan, paces: Mapping[str, str]) -> None:
    """`paces` has each phase's pace, in the order of the phases."""
    line(out, headline(plan))
    for phase, pace in paces.items():
        if changes := plan.of(phase):
            line(out, f"{phase:<16} {pace}", "bold")
            for targets, change in folded(changes):
                _show_change(out, targets, change)
    for notice in plan.notices:
        line(out, f"note: {notice}")
    for item in plan.incomplete:
        line(out, f"? {unseen(item)}", "magenta")
    line(out, totals(plan), "bold")


def headline(plan: Plan) -> str:
    facts = plan.facts
    sizes = f"{_count(int(facts['control planes']), 'control plane')}, {_count(int(facts['nodes']), 'node')}"
    kind = f" ({facts['control plane']})" if "control plane" in facts else ""
    return f"{plan.name} · kubernetes {facts['kubernetes']}{kind} · {sizes} · observed in {plan.seconds:.1f} s"


def folded(changes: Iterable[Change]) -> list[tuple[list[str], Change]]:
    """The same change on many hosts is shown once, with the names of all of them."""
    groups: dict[tuple[object, ...], tuple[list[str], Change]] = {}
    for change in changes:
        key = (change.kind, change.name, change.before, change.after, change.restarts, change.reloads, change.because)
        groups.setdefault(key, ([], change))[0].append(change.target)
    return list(groups.values())


def signed(change: Change) -> tuple[str, str]:
    """The sign that stands for what happens, and its colour."""
    return ("↻", "yellow") if change.kind in ANEW else SIGN[change.action]


def beside(change: Change) -> str:
    """What restarts or reloads for a change, and why it is made."""
    restart = f"    restarts {', '.join(change.restarts)}" if change.restarts else ""
    restart += f"    reloads {', '.join(change.reloads)}" if change.reloads else ""
    return restart + (f"    ({change.because})" if change.because else "")


def _show_change(out: Console, targets: Sequence[str], change: Change) -> None:
    sign, colour = signed(change)
    line(out, f"  {names(targets)}  {sign} {change.name}{beside(change)}", colour)
    for text in diff_lines(change):
        line(out, f"      {text}", DIFF_COLOURS.get(text[:1], ""))


def diff_lines(change: Change) -> list[str]:
    """The change's text as the body of a unified diff; one line each for a single value."""
    if change.kind in ANEW:
        return []
    if change.secret:
        return ["(content not shown: secret)"]
    before, after = (None if side is None else side.encode("utf-8", "surrogateescape") for side in _sides(change))
    lines = unified_diff(before, after, change.name).splitlines()
    return lines[2:] + _ownership(change)  # without the header: the file is named above


def _sides(change: Change) -> tuple[str | None, str | None]:
    """A sysctl's value, or a unit's state, is a word or two, and is shown as a line."""
    if change.kind in (Kind.SYSCTL, Kind.MODULE, Kind.UNIT, Kind.PACKAGE):
        return tuple(side if side is None else f"{side}\n" for side in (change.before, change.after))  # type: ignore[return-value]
    return change.before, change.after


def _ownership(change: Change) -> list[str]:
    sides = [
        " ".join(change.details.get(f"{side}_{key}", "") for key in ("mode", "owner", "group"))
        for side in ("before", "after")
    ]
    if change.action is not Action.UPDATE or sides[0] == sides[1]:
        return []
    return [f"- mode and owner {sides[0]}", f"+ mode and owner {sides[1]}"]


def names(targets: Sequence[str]) -> str:
    return ", ".join(targets) if len(targets) <= 6 else f"{', '.join(targets[:5])} and {len(targets) - 5} more"


def totals(plan: Plan) -> str:
    if not plan.changes:
        return "nothing can be said yet" if plan.incomplete else "nothing to change"
    hosts = {change.target for change in plan.changes} - {CLUSTER}
    where = [_count(len(hosts), "host")] if hosts else []
    where += ["the cluster"] if any(change.target == CLUSTER for change in plan.changes) else []
    deleted = sum(change.action is Action.DELETE for change in plan.changes)
    parts = [
        f"{_count(len(plan.changes), 'change')} on {' and in '.join(where)}"
        if hosts
        else f"{_count(len(plan.changes), 'change')} in the cluster"
    ]
    parts += [f"{_count(number, f'{unit} restart')}" for unit, number in _restarts(plan).items()]
    parts += [f"{deleted} deleted" if deleted else "nothing deleted"]
    parts += [f"{len(plan.incomplete)} not observed"] if plan.incomplete else []
    return " · ".join(parts)


def _restarts(plan: Plan) -> Counter[str]:
    """Restarts by what restarts; several changes of a host to one unit make one restart."""
    units = {(change.target, unit) for change in plan.changes for unit in change.restarts}
    units |= {(change.target, change.name) for change in plan.changes if change.kind is Kind.RESTART}
    return Counter(unit for _, unit in sorted(units))


def show_outcome(out: Console, outcome: Outcome) -> None:
    for phase, failures in outcome.failures.items():
        for target, why in failures.items():
            line(out, f"failed: {place(phase, target)}: {in_one_line(why)}", "red")
    if outcome.put_back:
        line(out, f"put back and seen to work: {names(_targets(outcome.put_back))}", "yellow")
    for target, why in outcome.left_broken.items():
        line(out, f"NOT put back: {target}: {in_one_line(why)}", "bold red")
    if outcome.interrupted:
        line(out, "interrupted", "yellow")
    if outcome.skipped:
        line(out, f"left out after a failure: {_places(outcome.skipped)}", "yellow")
    if outcome.untouched:
        line(out, f"not touched: {_places(outcome.untouched)}", "yellow")
    hint = "" if outcome.ok else "; mend the cause and run apply again: what is done is recognised"
    line(out, f"{_count(len(outcome.done), 'change')} made in {outcome.seconds:.1f} s{hint}", "bold")


def place(phase: str, target: str) -> str:
    """Where something happened: a phase on a host, or a hook of a phase or of the whole run."""
    if target != HOOK:
        return f"{phase} on {target}"
    return f"hook of {'the run' if phase == WHOLE_RUN else phase}"


def _places(changes: Sequence[Change]) -> str:
    found = list(dict.fromkeys(f"{change.phase} on {change.target}" for change in changes))
    return ", ".join(found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")


def _targets(changes: Iterable[Change]) -> list[str]:
    return list(dict.fromkeys(change.target for change in changes))


def show_verdict(out: Console, world: World, results: Sequence[Result]) -> None:
    """One line per statement, with the places where it holds; every failure with what was found."""
    for host, why in world.observation.unreached.items():
        line(out, f"? {host}: could not be reached: {why}", "magenta")
    if world.state.seen is None:
        line(out, f"? cluster: objects could not be observed: {world.state.why_not}", "magenta")
    for statement in dict.fromkeys(result.proves for result in results):
        here = [result for result in results if result.proves == statement]
        failed = [result for result in here if not result.passed]
        places = list(dict.fromkeys(result.where for result in here if result.passed))
        if places:
            line(out, f"ok      {statement}  [{names(places)}]", "green")
        for result in failed:
            line(out, f"FAILED  {statement}  [{result.where}]: {result.why}", "red")
    passed = sum(result.passed for result in results)
    line(out, f"{passed} of {_count(len(results), 'check')} passed", "bold")


def show_problems(out: Console, problems: Sequence[Problem]) -> None:
    for problem in problems:
        line(out, str(problem), "yellow" if problem.severity is Severity.WARNING else "red")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
