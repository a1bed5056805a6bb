"""lint: everything that can be said about an inventory without touching a host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from k8snet_provision import inventory
from k8snet_provision.inventory import Code, Inventory, VaultPassword, connection
from k8snet_provision.problems import Origin, Problem, ProblemsFound, Severity

from .cluster import Cluster
from .reading import read


def lint(
    path: Path,
    *,
    extra_vars: Mapping[str, Any] = {},
    vault_passwords: Sequence[VaultPassword] = (),
    sources: Callable[[Cluster], Iterable[Problem]] = lambda cluster: (),
    more: Callable[[Inventory], Iterable[Problem]] = lambda inventory: (),
) -> list[Problem]:
    """All problems of the inventory, its connections and its topology, and of the files that it names (`sources`).

    `more`: of variables that are not the topology's. An inventory that cannot be read has no topology to look at.
    """
    try:
        loaded = inventory.load(path, extra_vars=extra_vars, vault_passwords=vault_passwords)
    except ProblemsFound as found:
        return list(found.problems)
    connections = map(_elsewhere, connection.connections(loaded)[1])
    cluster, problems = read(loaded)
    files = sources(cluster) if cluster else ()
    return list(dict.fromkeys([*loaded.warnings, *connections, *problems, *files, *more(loaded)]))


def _elsewhere(problem: Problem) -> Problem:
    """An inventory is sound on a machine without its SSH key, such as one that only lints."""
    return replace(problem, severity=Severity.WARNING) if problem.code == Code.KEY_FILE else problem


def rows(problems: Iterable[Problem]) -> list[dict[str, str | int | None]]:
    """The problems as JSON values; `file` is a host's name or "cluster" where no file is to blame."""
    return [
        {
            "file": problem.where.file if isinstance(problem.where, Origin) else problem.where,
            "line": (problem.where.line or None) if isinstance(problem.where, Origin) else None,
            "code": problem.code,
            "severity": problem.severity.value,
            "message": problem.text,
            "found": problem.found,
            "expected": problem.expected,
            "hint": problem.hint,
        }
        for problem in problems
    ]
