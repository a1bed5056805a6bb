"""Each phase, each fault: what is left is old or new, resuming ends new, rolling back ends old, nothing else stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from k8snet_provision.lab import settings
from tests.hosts.faults import course
from tests.hosts.faults.cells import CELLS, Cell
from tests.hosts.faults.desk import Desk
from tests.hosts.faults.table import Row
from tests.hosts.labs import LabCluster

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def under_way(
    request: pytest.FixtureRequest,
    rows: dict[Cell, Row],
    journals_of_their_own: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[Cell, Future[None]]]:
    """The cells that were asked for: one lab's one after the other, the labs side by side, as they mostly wait."""
    asked: list[Cell] = [
        item.callspec.params["cell"]  # type: ignore[misc]
        for item in request.session.items
        if isinstance(item, pytest.Function) and "under_way" in item.fixturenames
    ]
    desks = {}
    for lab in dict.fromkeys(cell.subject.lab for cell in asked):
        cluster: LabCluster = request.getfixturevalue(lab)
        printed = tmp_path_factory.mktemp(lab) / "printed"
        desks[lab] = Desk(cluster, settings.read(cluster.inventory), journals_of_their_own, printed)
    with ThreadPoolExecutor(max(1, len(desks))) as labs:
        futures: dict[Cell, Future[None]] = {cell: Future() for cell in asked}
        for lab, desk in desks.items():
            labs.submit(_one_after_the_other, [c for c in asked if c.subject.lab == lab], desk, rows, futures)
        try:
            yield futures
        finally:
            for future in futures.values():
                future.cancel()


def _one_after_the_other(
    cells: Sequence[Cell], desk: Desk, rows: dict[Cell, Row], futures: dict[Cell, Future[None]]
) -> None:
    for cell in cells:
        if not futures[cell].set_running_or_notify_cancel():
            continue
        try:
            course.run(cell, desk, rows[cell])
        except BaseException as failure:
            futures[cell].set_exception(failure)
        else:
            futures[cell].set_result(None)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_old_or_new_and_a_way_forth_and_back(cell: Cell, under_way: dict[Cell, Future[None]]) -> None:
    under_way[cell].result(timeout=3600)
