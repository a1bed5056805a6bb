"""One row of the table for each cell; the table at the end of the run."""

from __future__ import annotations

import pytest

from tests.hosts.faults.cells import CELLS, Cell
from tests.hosts.faults.table import Row, lines

ROWS = {cell: Row(cell.subject.name, cell.what) for cell in CELLS}


@pytest.fixture(scope="session")
def rows() -> dict[Cell, Row]:
    """Each is filled as far as its cell comes, also where it fails there."""
    return ROWS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if struck := [row for row in ROWS.values() if row.exit != "?"]:
        terminalreporter.section("faults")
        for line in lines(struck):
            terminalreporter.write_line(line)
