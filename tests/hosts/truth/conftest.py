"""What the walk did, printed at the end of the run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

SAID: list[str] = []


@pytest.fixture(scope="session")
def say_of_truth() -> Callable[[str], None]:
    return SAID.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SAID:
        terminalreporter.section("planned and really changed: the same after each of these edits")
        for line in SAID:
            terminalreporter.write_line(line)
