"""From what was written under `topology` to the frozen tree, with every finding at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .keys import Path, nearest, suggestion
from .model import Topology
from .shown import dotted, shown

NOT_A_MAPPING = "K8N100"
UNKNOWN_KEY = "K8N101"
WRONG_VALUE = "K8N102"

# Enough to mend a file with; a hostile file must not fill the terminal.
MOST_FINDINGS = 100
_PLACEHOLDER = "192.0.2.0/24"


@dataclass(frozen=True)
class Finding:
    """A problem that does not know its file yet: `path` are the keys below `topology`."""

    path: Path
    code: str
    text: str
    found: str = ""
    expected: str = ""
    hint: str = ""


def validate(raw: Any) -> tuple[Topology | None, tuple[Finding, ...]]:
    """The tree and what is wrong with `raw`.

    With findings the tree lacks the wrong values (a wrong service_cidr is left empty), so that the rules
    can look at the rest of it; None when nothing useful is left.
    """
    if not isinstance(raw, Mapping):
        finding = Finding((), NOT_A_MAPPING, "topology is not a mapping", shown(raw), "a mapping of keys")
        return None, (finding,)
    try:
        return Topology.model_validate(raw), ()
    except ValidationError as error:
        errors = _causes(error)
    return _what_is_left(raw, errors), _findings(raw, errors)


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """pydantic's errors without "too short" for a list whose items were refused: it is short of those."""
    errors = error.errors(include_url=False)
    blamed = {path[:length] for path in map(_path, errors) for length in range(len(path))}
    return [item for item in errors if item["type"] != "too_short" or _path(item) not in blamed]


def _findings(raw: Any, errors: list[ErrorDetails]) -> tuple[Finding, ...]:
    findings = [_finding(error, *_written(raw, error)) for error in errors[:MOST_FINDINGS]]
    if len(errors) > MOST_FINDINGS:
        more = f"{len(errors) - MOST_FINDINGS} more wrong keys or values are not shown"
        findings.append(Finding((), WRONG_VALUE, more))
    return tuple(dict.fromkeys(findings))


def _finding(error: ErrorDetails, path: Path, value: Any) -> Finding:
    kind = error["type"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        return Finding(path, UNKNOWN_KEY, f"unknown key {dotted(path)}", hint=suggestion(path))
    if kind == "missing":
        hint = "choose load_balancer, node_port or host_network" if path[-1:] == ("pattern",) else "it has no default"
        return Finding(path, WRONG_VALUE, f"{dotted(path)} is missing", hint=hint)
    if kind.startswith("K8N"):
        text = f"{dotted(path)} is {context['text']}" if str(context["text"]).startswith("not ") else ""
        text = text or f"{dotted(path)}: {context['text']}"
        found = "***" if context["hidden"] else shown(value)
        return Finding(path, kind, text, found, context["expected"], context["hint"])
    expected = re.sub(r"^Input should (be )?", "", error["msg"])
    expected = re.sub(r"^a valid dictionary( or instance of \w+)?$", "a mapping of keys", expected)
    expected = re.sub(r"^Tuple should have (at least .*) after validation, not \d+$", r"\1", expected)
    expected = expected.replace("a valid tuple", "a list")
    hint = nearest(value, re.findall(r"'([^']*)'", expected)) if isinstance(value, str) else ""
    return Finding(path, WRONG_VALUE, f"{dotted(path)} has a wrong value", shown(value), expected, hint)


def _path(error: ErrorDetails) -> Path:
    """Where the value is; pydantic marks the key of a mapping itself with a last part `[key]`."""
    location = error["loc"]
    return location[:-1] if location and location[-1] == "[key]" else location


def _written(raw: Any, error: ErrorDetails) -> tuple[Path, Any]:
    """The path as far as there are mappings and lists, and the value there as it was written.

    The networks in "v4,v6" share one value; and only what was written still knows that it came out of a vault.
    """
    path = _path(error)
    if path != error["loc"] or error["type"] == "missing":
        return path, error["input"]
    for length, key in enumerate(path):
        if not isinstance(raw, Mapping | list | tuple):
            return path[:length], raw
        try:
            raw = raw[key]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return path, error["input"]
    return path, raw


def _what_is_left(raw: Any, errors: list[ErrorDetails]) -> Topology | None:
    # Leaving values out can leave a list too short or a part without a required key: hence a few rounds.
    lost = False
    for _ in range(4):
        paths = [_left_out(error) for error in errors]
        lost = lost or ("service_cidr",) in paths
        raw = without(raw, paths)
        if lost:
            raw["service_cidr"] = _PLACEHOLDER
        try:
            left = Topology.model_validate(raw)
            return left.model_copy(update={"service_cidr": ()}) if lost else left
        except ValidationError as error:
            errors = _causes(error)
    return None


def _left_out(error: ErrorDetails) -> Path:
    """What to leave out: half a range would mislead the rules, so the two ranges go as a whole."""
    path = _path(error)
    if path[0] in ("service_cidr", "pod_cidr"):
        return path[:1]
    return path[:-1] if error["type"] == "missing" else path


def without(value: Any, paths: Iterable[Path]) -> Any:
    """A copy of nested mappings and lists that lacks what the paths lead to."""
    below: dict[str, list[Path]] = {}
    for path in paths:
        below.setdefault(shown(path[0]), []).append(path[1:])
    if isinstance(value, Mapping):
        items = ((key, below.get(shown(key), []), item) for key, item in value.items())
        return {key: without(item, rest) if rest else item for key, rest, item in items if () not in rest}
    if isinstance(value, list | tuple):
        rows = ((below.get(str(index), []), item) for index, item in enumerate(value))
        return [without(item, rest) if rest else item for rest, item in rows if () not in rest]
    return value
