"""watch: drift again and again over connections that stay open, until somebody ends it."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from k8snet_provision import drifting
from k8snet_provision.drift import Report, news
from k8snet_provision.drift.news import News
from k8snet_provision.drifting import session
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.session import Request, Session


@dataclass(frozen=True)
class Look:
    """One of the looks. `news` is None for the first; `problems` are those of an inventory that was edited meanwhile:
    the hosts are looked at by the one that was sound."""

    report: Report
    news: News | None
    problems: tuple[Problem, ...] = ()


def looks(request: Request, every: float) -> Generator[Look]:
    """A look every so many seconds, the first at once; raises ProblemsFound where that cannot begin."""
    before: Report | None = None
    with ExitStack() as stack:
        written = _written(request.inventory)
        current = stack.enter_context(session(request))
        while True:
            began = time.monotonic()
            current, written, problems = _edited(stack, request, current, written)
            report = drifting.look(replace(current, started=time.monotonic()))
            yield Look(report, news.since(before, report) if before else None, problems)
            before = news.carried(before, report) if before else report
            time.sleep(max(0.0, began + every - time.monotonic()))


Written = frozenset[tuple[str, int, int]]


def _written(inventory: Path) -> Written:
    """Name, time and size of each file of the inventory: other values mean that it was edited."""
    files = [inventory] if inventory.is_file() else [path for path in inventory.rglob("*") if path.is_file()]
    return frozenset((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)


def _edited(
    stack: ExitStack, request: Request, current: Session, written: Written
) -> tuple[Session, Written, tuple[Problem, ...]]:
    """The session to go on with: of the inventory as it is now, of the one before where it is not sound."""
    try:
        now = _written(request.inventory)
    except OSError:  # a file that goes while it is looked at: next time
        return current, written, ()
    if now == written:
        return current, written, ()
    opened = ExitStack()
    try:
        anew = opened.enter_context(session(request))
    except ProblemsFound as found:
        return current, now, tuple(found.problems)
    stack.close()
    stack.push(opened)
    return anew, now, ()
