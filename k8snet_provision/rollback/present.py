"""How far the changes of a chain are in effect, by what is there now; never by what a journal says was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8snet_provision.change import Change, Kind
from k8snet_provision.ingress.paths import NODE_LABEL
from k8snet_provision.problems import Problem
from k8snet_provision.resources import certificate, file, kube_object, module, sysctl, unit
from k8snet_provision.resources.file import File
from k8snet_provision.resources.kube_object import to_text
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.rollback import objects, secrets
from k8snet_provision.rollback.chain import Chain, Step
from k8snet_provision.rollback.codes import Code
from k8snet_provision.saved_plan.moved import first_difference
from k8snet_provision.seen import World

BEFORE, AFTER = "before", "after"

LOOK = "look at it: set it to what one of the two was and run rollback again, or leave the run as it is"


class Moved(Exception):
    """Raised for a thing that is in none of the states its changes speak of; holds the problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def made(chain: Chain, world: World) -> int:
    """How many of the chain's changes are in effect: all, the first few, or none. Raises Moved and Unknown."""
    now = _Now(world, chain.first)
    for is_state in (now.is_exactly, now.is_nearly):
        for number in range(len(chain.steps), 0, -1):
            if is_state(chain.changes[number - 1], AFTER):
                _unbroken(chain, number)
                return number
        if is_state(chain.first, BEFORE):
            return 0
    for number in range(len(chain.steps), 0, -1):
        if now.is_half_way(chain.changes[number - 1]):
            _unbroken(chain, number)
            return number
    raise Moved(_moved(chain.steps[-1], now))


def _unbroken(chain: Chain, number: int) -> None:
    """Between two runs nobody else may have changed it: going back two steps would lose that."""
    for elder, later in zip(chain.steps[: number - 1], chain.steps[1:number], strict=True):
        was, found = elder.change.after, later.change.before
        if elder.run == later.run or was == found or _alike(elder.change, later.change):
            continue
        what = f"{elder.change.kind} {elder.change.name}"
        text = f"{what} was changed by somebody else between {elder.run} and {later.run}"
        raise Moved(Problem(Code.MOVED, text, elder.change.target, *first_difference(found, was), hint=LOOK))


def _alike(elder: Change, later: Change) -> bool:
    if elder.kind is not Kind.OBJECT or elder.after is None or later.before is None:
        return False
    if elder.secret or later.secret:
        return True
    return objects.ref(elder) is not None and objects.alike(
        objects.parsed(later.before), elder.after, objects.sent(elder)
    )


class _Now:
    """The present state of one thing, and whether it is one side of a change. Raises Unknown."""

    def __init__(self, world: World, change: Change) -> None:
        self.world, self.change = world, change
        self.state: Any = _READ[change.kind](world, change)

    def is_exactly(self, change: Change, side: str) -> bool:
        return _SAME[self.change.kind](self.state, change, side)

    def is_nearly(self, change: Change, side: str) -> bool:
        if change.kind is not Kind.OBJECT or change.secret or objects.ref(change) is None:
            return False
        sent = objects.sent(change) if side == AFTER else None
        guessed = side == AFTER and kube_object.GUESSED in change.details
        return objects.alike(self.state, _text(change, side), sent, guessed=guessed)

    def is_half_way(self, change: Change) -> bool:
        return change.kind is Kind.OBJECT and not change.secret and objects.is_half_way(change, self.state)

    @property
    def text(self) -> str | None:
        return _TEXT[self.change.kind](self.state) if self.state is not None else None


def _text(change: Change, side: str) -> str | None:
    return change.before if side == BEFORE else change.after


def _moved(step: Step, now: _Now) -> Problem:
    change = step.change
    text = f"{change.kind} {change.name} is neither what the run {step.run} made of it nor what it was before"
    if change.secret:
        by = objects.of_others(now.state) if now.state else ""
        found, expected = (f"written by {by} since" if by else "nothing" if now.state is None else "something"), ""
    else:
        found, expected = first_difference(now.text, change.after)
    if change.kind is Kind.FILE and now.text == change.after and now.state is not None:
        file_now = (now.state.mode, now.state.owner, now.state.group)
        found, expected = " ".join(file_now), " ".join(_owned(change, AFTER))
    return Problem(Code.MOVED, text, change.target, found, expected, LOOK)


def _read_file(world: World, change: Change) -> File | None:
    return file.read(world.host(change.target), change.name)


def _same_file(found: File | None, change: Change, side: str) -> bool:
    text = _text(change, side)
    if found is None or text is None:
        return found is None and text is None
    content = text.encode("utf-8", "surrogateescape")
    return (found.content, found.mode, found.owner, found.group) == (content, *_owned(change, side))


def _owned(change: Change, side: str) -> tuple[str, str, str]:
    mode, owner, group = (change.details.get(f"{side}_{key}", "") for key in ("mode", "owner", "group"))
    return mode, owner, group


def _file_text(found: File) -> str:
    return found.content.decode("utf-8", "surrogateescape")


def _read_sysctl(world: World, change: Change) -> str | None:
    return sysctl.read(world.host(change.target), change.name)


def _read_module(world: World, change: Change) -> str | None:
    return "loaded" if module.read(world.host(change.target), change.name) == "loaded" else None


def _read_certificate(world: World, change: Change) -> str | None:
    found = certificate.read(world.host(change.target))
    return certificate.text(found, found.names) if found and found.file.path == change.name else None


def _same_text(found: str | None, change: Change, side: str) -> bool:
    return found == _text(change, side)


def _read_unit(world: World, change: Change) -> tuple[bool, bool, str]:
    found = unit.read(world.host(change.target), change.name)
    if found is None:
        return False, False, "there is no such unit"
    return found.enabled == "enabled", found.active in ("active", "reloading"), f"{found.enabled}, {found.active}"


def _same_unit(found: tuple[bool, bool, str], change: Change, side: str) -> bool:
    return found[:2] == (bool(change.details[f"{side}_enabled"]), bool(change.details[f"{side}_active"]))


def _read_object(world: World, change: Change) -> Mapping[str, Any] | None:
    if (about := objects.ref(change)) is not None:
        return secrets.live(world, about) if change.secret else world.live(about)
    name = change.details["node"]
    for item in world.state.nodes:
        if item["metadata"]["name"] == name:
            value = (item["metadata"].get("labels") or {}).get(NODE_LABEL)
            return None if value is None else {"label": f"{NODE_LABEL}: {value}\n"}
    raise Unknown(change.target, f"Node {name}", "there is no such Node")


def _same_object(live: Mapping[str, Any] | None, change: Change, side: str) -> bool:
    if change.secret and side == AFTER and change.after is not None:
        return live is not None and to_text(live) != change.before and not objects.of_others(live)
    return (None if live is None else _object_text(live)) == _text(change, side)


def _object_text(live: Mapping[str, Any]) -> str | None:
    return str(live["label"]) if "label" in live else to_text(live)


_READ: dict[Kind, Callable[[World, Change], Any]] = {
    Kind.FILE: _read_file,
    Kind.SYSCTL: _read_sysctl,
    Kind.MODULE: _read_module,
    Kind.UNIT: _read_unit,
    Kind.CERTIFICATE: _read_certificate,
    Kind.OBJECT: _read_object,
}
_SAME: dict[Kind, Callable[[Any, Change, str], bool]] = {
    Kind.FILE: _same_file,
    Kind.SYSCTL: _same_text,
    Kind.MODULE: _same_text,
    Kind.UNIT: _same_unit,
    Kind.CERTIFICATE: _same_text,
    Kind.OBJECT: _same_object,
}
_TEXT: dict[Kind, Callable[[Any], str | None]] = {
    Kind.FILE: _file_text,
    Kind.SYSCTL: str,
    Kind.MODULE: str,
    Kind.UNIT: lambda found: str(found[2]),
    Kind.CERTIFICATE: str,
    Kind.OBJECT: _object_text,
}
