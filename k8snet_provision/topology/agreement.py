"""The one value of `topology` that all hosts of the cluster share, or where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from k8snet_provision.inventory import Inventory
from k8snet_provision.inventory.templating import is_template
from k8snet_provision.problems import Origin, Problem, ProblemsFound

from .keys import Path
from .shown import dotted, shown

VARIABLE = "topology"
MISSING = "K8N100"
DISAGREEMENT = "K8N103"


@dataclass(frozen=True)
class Shared:
    """`value` as `host` has it, and the problems of the hosts that have another; `host` is "" without any."""

    host: str
    value: Any
    problems: tuple[Problem, ...]


def origin(inventory: Inventory, host: str, *keys: str | int) -> Origin:
    """Where a value was written; of what a template made or a default is, where the nearest parent was."""
    for length in range(len(keys), -1, -1):
        try:
            return inventory.origin(host, *keys[:length])
        except KeyError:
            continue
    return Origin(str(inventory.path))


def shared(inventory: Inventory, hosts: Sequence[str]) -> Shared:
    """The value of the first host that has one, compared with every other host's."""
    values, problems, missing = _values(inventory, hosts)
    if not values:
        if not problems:
            problems.append(_nowhere(inventory))
        return Shared("", None, tuple(dict.fromkeys(problems)))
    first = next(iter(values))
    if missing:
        problems.append(_missing(inventory, first, missing))
    for host, value in values.items():
        if value is not values[first] and value != values[first]:
            problems.append(_difference(inventory, first, host, values[first], value))
    return Shared(first, values[first], tuple(dict.fromkeys(problems)))


def _values(inventory: Inventory, hosts: Sequence[str]) -> tuple[dict[str, Any], list[Problem], list[str]]:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    missing: list[str] = []
    # Hosts usually hold the very same object; without templates in it, it needs no rendering for each.
    constant: dict[int, Any] = {}
    for host in hosts:
        raw = inventory.hosts[host].vars.get(VARIABLE)
        try:
            if id(raw) not in constant:
                values[host] = inventory.rendered(host, VARIABLE)
                if not any(map(is_template, _leaves(raw))):
                    constant[id(raw)] = values[host]
            values[host] = constant.get(id(raw), values.get(host))
        except KeyError:
            missing.append(host)
        except ProblemsFound as found:
            problems += found.problems
    return values, problems, missing


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _nowhere(inventory: Inventory) -> Problem:
    return Problem(
        MISSING,
        "no host of the cluster has the variable topology",
        Origin(str(inventory.path)),
        expected="a mapping, usually in group_vars/all/topology.yml",
        hint="begin with `topology: {service_cidr: 10.254.0.0/16}`",
    )


def _missing(inventory: Inventory, first: str, missing: list[str]) -> Problem:
    names = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    return Problem(
        DISAGREEMENT,
        f"the variable topology is missing on {names}",
        origin(inventory, first, VARIABLE),
        expected="one value for all hosts of the cluster",
        hint="write it in group_vars/all",
    )


def _difference(inventory: Inventory, first: str, host: str, expected: Any, found: Any) -> Problem:
    path, left, right = first_difference(expected, found)
    elsewhere = origin(inventory, first, VARIABLE, *path)
    return Problem(
        DISAGREEMENT,
        f"{dotted(path)} differs between hosts",
        origin(inventory, host, VARIABLE, *path),
        f"{shown(right)} on {host}",
        f"{shown(left)} as on {first} ({elsewhere})",
        "all hosts of the cluster share one topology; write it in group_vars/all only",
    )


_NOTHING = object()


def first_difference(left: Any, right: Any) -> tuple[Path, Any, Any]:
    """The path to the first value in which two trees differ, and both values; a missing one is "nothing"."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in dict.fromkeys([*left, *right]):
            a, b = left.get(key, _NOTHING), right.get(key, _NOTHING)
            if a is not b and a != b:
                path, a, b = first_difference(a, b)
                return (key, *path), a, b
    return (), "nothing" if left is _NOTHING else left, "nothing" if right is _NOTHING else right
