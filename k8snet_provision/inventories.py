"""Many inventories in one run: all are read first, then looked at side by side over shared connections."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from gevent.pool import Pool

from k8snet_provision import session as sessions
from k8snet_provision import topology
from k8snet_provision.drift.looks import Failed, Looks
from k8snet_provision.drift.problem_codes import ProblemCode
from k8snet_provision.drift.report import Report
from k8snet_provision.engine.links import SharedLinks
from k8snet_provision.inventory.files import IGNORED_ENDINGS
from k8snet_provision.problems import Origin, Problem, ProblemsFound
from k8snet_provision.session import Opened, Request, Session

ABREAST = 8
"""Inventories looked at side by side; how many hosts are spoken to is bounded by --forks."""

DOCUMENTS = ("readme", "license", "licence", "copying", "notice", "changelog", "makefile", "dockerfile", "codeowners")


def look(request: Request, paths: Sequence[Path], work: Callable[[Session], Report]) -> Looks:
    """`work` done with each inventory, each once however often it is named; reports stand in the order of `paths`.

    One that is broken keeps no other from being looked at.
    """
    requests = [replace(request, inventory=path) for path in distinct(paths)]
    read = [_read(asked, named=len(requests) == 1) for asked in requests]
    opened = [item for item in read if isinstance(item, Opened)]
    with closing(SharedLinks(request.forks)) as links:
        for item in opened:
            links.expect(item.spoken_to.values())
        pool = Pool(ABREAST)
        done = [pool.spawn(_work, item, links, work) if isinstance(item, Opened) else item for item in read]
        results = [item if isinstance(item, Failed) else item.get() for item in done]
    return Looks(
        tuple(item for item in results if isinstance(item, Report)),
        tuple(item for item in results if isinstance(item, Failed)),
    )


def distinct(paths: Iterable[Path]) -> list[Path]:
    """Each inventory once, by where it is, under the name that was given first."""
    return list({os.path.realpath(path): path for path in reversed(list(paths))}.values())[::-1]


def _read(request: Request, *, named: bool) -> Opened | Failed:
    """What was `named` is told all that is wrong with it; what a pattern brought along may be no inventory."""
    try:
        return sessions.opened(request, sessions.AS_FINDINGS)
    except ProblemsFound as found:
        other = None if named else none_at_all(request.inventory)
        return _failed(request, (other,) if other else found.problems)


def _work(opened: Opened, links: SharedLinks, work: Callable[[Session], Report]) -> Report | Failed:
    try:
        with sessions.over(opened, links) as session:
            return work(session)
    except ProblemsFound as found:
        return _failed(opened.request, found.problems)


def _failed(request: Request, problems: tuple[Problem, ...]) -> Failed:
    return Failed(str(request.inventory), problems, topology.name_of(request.inventory))


def none_at_all(path: Path) -> Problem | None:
    """Why what cannot be read as an inventory was hardly meant as one; None where it may have been."""
    name = path.name.lower()
    if path.is_file() and (name.endswith(IGNORED_ENDINGS) or name.split(".")[0] in DOCUMENTS):
        return _none(path, "a file that is no inventory", f"{path.parent}/*/ matches directories only")
    if path.is_dir() and (below := list(_inventories_below(path))):
        return _none(path, "a directory of inventories, and none itself", f"name them: {' '.join(map(str, below[:5]))}")
    return None


def _inventories_below(path: Path) -> Iterator[Path]:
    """Directories with variables of their own, where the directory itself has no hosts."""
    entries = sorted(path.iterdir())
    if any(entry.is_file() and not entry.name.lower().endswith(IGNORED_ENDINGS) for entry in entries):
        return
    yield from (entry for entry in entries if (entry / "group_vars").is_dir() or (entry / "hosts.yml").is_file())


def _none(path: Path, text: str, hint: str) -> Problem:
    return Problem(ProblemCode.NO_INVENTORY, f"{path.name} is {text}", Origin(str(path)), hint=hint)
