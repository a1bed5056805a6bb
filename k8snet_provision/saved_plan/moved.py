"""What is no longer as it was when a plan was saved: any of it, and the plan is not applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.plan import Plan
from k8snet_provision.problems import Origin, Problem, Severity
from k8snet_provision.saved_plan.codes import Code
from k8snet_provision.saved_plan.inventory import Path
from k8snet_provision.saved_plan.model import RestsOn, SavedPlan
from k8snet_provision.saved_plan.secret import change_key
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.shown import dotted, shown

AGAIN = "look at it and save the plan again"


def before_looking(saved: SavedPlan, tool: str, extra_vars: Iterable[str]) -> Iterator[Problem]:
    """What forbids to apply the plan whatever the inventory and the hosts say."""
    where = "saved plan"
    if saved.tool != tool:
        text = "the plan was saved by another version of k8snet-provision"
        yield Problem(Code.OTHER_TOOL, text, where, saved.tool, tool, AGAIN)
    given = sorted(extra_vars)
    if list(saved.extra_vars) != given:
        text, hint = "--extra-vars are not those of the plan", "give the same ones: their values are not in the file"
        yield Problem(Code.EXTRA_VARS, text, where, ", ".join(given) or "none", _names(saved.extra_vars), hint)
    for item in saved.plan.incomplete:
        hint = "bring it back, or leave it out with --limit, and save the plan again"
        text = f"the plan is not whole: {item.what} could not be observed"
        yield Problem(Code.NOT_WHOLE, text, item.target, item.why, hint=hint)
    for problem in saved.plan.problems:
        if problem.severity is Severity.ERROR:
            yield Problem(Code.NOT_WHOLE, f"the plan was refused: {problem.code} {problem.text}", problem.where)


def _names(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def since(saved: SavedPlan, now: SavedPlan, cluster: Cluster) -> Iterator[Problem]:
    """What the inventory says otherwise, then what hosts and the cluster do."""
    yield from inventory(saved.rests_on, now.rests_on, cluster)
    yield from _observed(saved, now)


def inventory(old: RestsOn, new: RestsOn, cluster: Cluster) -> Iterator[Problem]:
    """Hosts, values of the topology and contents of files, each where it is written now."""
    for name, was, found in _differing(old.hosts, new.hosts):
        where = cluster.host_origin(name) if name in new.hosts else Origin(str(cluster.inventory.path))
        yield _moved_value(f"host {name}", where, was, found)
    for path, was, found in _differing(dict(_leaves(old.topology)), dict(_leaves(new.topology))):
        yield _moved_value(dotted(path), cluster.origin(*path), was, found)
    places = {dotted(path): path for path, _ in _leaves(new.topology)}
    for key, was, found in _differing(old.files, new.files):
        text = f"the content of {key} is not what it was when the plan was saved"
        where = cluster.origin(*places.get(key, ()))
        yield Problem(Code.INVENTORY_MOVED, text, where, _sha256(found), _sha256(was), AGAIN)


def _moved_value(what: str, where: Origin, was: Any, found: Any) -> Problem:
    text = f"{what} is not what it was when the plan was saved"
    return Problem(Code.INVENTORY_MOVED, text, where, _said(found), _said(was), AGAIN)


def _said(value: Any) -> str:
    return "nothing" if value is None else shown(value)


def _sha256(digest: str | None) -> str:
    return "nothing" if digest is None else digest if digest.startswith("unreadable") else f"sha256 {digest[:16]}"


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """What is left out of the topology is None there, which is the same as not being there at all."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    elif value is not None:
        yield path, value


def _differing(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[tuple[Any, Any, Any]]:
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            yield key, old.get(key), new.get(key)


def _observed(saved: SavedPlan, now: SavedPlan) -> Iterator[Problem]:
    """What hosts and the cluster say now, and what would be done about it now."""
    for name, was, found in _differing(saved.plan.facts, now.plan.facts):
        yield Problem(Code.MOVED, f"{name} is not what the plan saw", CLUSTER, _said(found), _said(was), AGAIN)
    for item in now.plan.incomplete:
        if item not in saved.plan.incomplete:
            yield Problem(Code.MOVED, f"{item.what} cannot be observed by now", item.target, item.why)
    yield from (problem for problem in now.plan.problems if problem.severity is Severity.ERROR)
    yield from _changes(saved, now)
    for phase, was, found in _differing(saved.paces, now.paces):
        text = f"the roll-out of {phase} is not the one of the plan"
        yield Problem(Code.MOVED, text, CLUSTER, _said(found), _said(was), AGAIN)


def _changes(saved: SavedPlan, now: SavedPlan) -> Iterator[Problem]:
    old, new = (_by_key(side.plan) for side in (saved, now))
    for key in dict.fromkeys([*old, *new]):
        was, found = old.get(key), new.get(key)
        if was is None and found is not None:
            text = f"{found.kind} {found.name} would be changed as well by now"
            yield Problem(Code.MOVED, text, found.target, hint=AGAIN)
        elif was is not None and found is None:
            text = f"{was.kind} {was.name} is no longer to be changed"
            yield Problem(Code.MOVED, text, was.target, hint="somebody made that change, or another one: " + AGAIN)
        elif was is not None and found is not None:
            yield from _change(was, found, saved.secrets.get(key), now.secrets.get(key))
    if [key for key in old if key in new] != [key for key in new if key in old]:
        yield Problem(Code.MOVED, "the changes would be made in another order by now", CLUSTER, hint=AGAIN)


def _by_key(plan: Plan) -> dict[str, Change]:
    return {change_key(change): change for change in plan.changes}


def _change(was: Change, found: Change, digest: str | None, now: str | None) -> Iterator[Problem]:
    what = f"{was.kind} {was.name}"
    if was.secret or found.secret:
        if (was.secret, was.action, digest) != (found.secret, found.action, now):
            yield Problem(Code.MOVED, f"{what} is not what the plan saw: its secret content", was.target, hint=AGAIN)
        return
    for text, one, other in (("is not what the plan saw", was.before, found.before),
                             ("would become something else by now", was.after, found.after)):  # fmt: skip
        if one != other:
            yield Problem(Code.MOVED, f"{what} {text}", was.target, *first_difference(other, one), AGAIN)
            return
    for key, one, other in _differing(_beside(was), _beside(found)):
        yield Problem(
            Code.MOVED, f"{what} is not what the plan saw: {key}", was.target, _said(other), _said(one), AGAIN
        )


def _beside(change: Change) -> dict[str, Any]:
    fields = {name: value for name, value in vars(change).items() if name not in ("before", "after", "details")}
    return {**change.details, **fields}


def first_difference(found: str | None, was: str | None) -> tuple[str, str]:
    """The first line that is not the same; sides that are not there at all are "nothing"."""
    if found is None or was is None:
        return ("nothing", "what was there") if found is None else ("something", "nothing")
    pairs = enumerate(zip_longest(found.splitlines(), was.splitlines()), 1)
    for number, (here, there) in pairs:
        if here != there:
            return f"line {number}: {_said(here)}", _said(there)
    return "another end of the last line", ""
