"""Progress: results as lines, a moving line only at a terminal, and never the end of a roll-out."""

from __future__ import annotations

import errno
import io

from rich.console import Console

from k8snet_provision.reports.progress import ConsoleProgress


class Gone(io.StringIO):
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        raise OSError(errno.EIO, "Input/output error")


def tell(progress: ConsoleProgress) -> None:
    with progress:
        progress.step("observing")
        progress.phase("kubelet", 2)
        progress.batch("kubelet", ["node1"])
        progress.waiting("kubelet", "health", ["node1"])
        progress.passed("kubelet", "node1", 1.25)
        progress.failed("kubelet", "node2", "one\ntwo [red]three[/red]")


def test_only_results_where_nobody_watches() -> None:
    out = io.StringIO()
    tell(ConsoleProgress(Console(file=out, width=40)))
    assert out.getvalue().splitlines() == [
        "ok      kubelet          node1          1.2 s",
        "FAILED  kubelet          node2        one / two [red]three[/red]",
    ]


def test_quiet_says_nothing() -> None:
    out = io.StringIO()
    tell(ConsoleProgress(Console(file=out), quiet=True))
    assert out.getvalue() == ""


def test_a_moving_line_is_gone_at_the_end() -> None:
    out = io.StringIO()
    tell(ConsoleProgress(Console(file=out, force_terminal=True, width=80, _environ={"TERM": "xterm"})))
    assert "\x1b[2K" in out.getvalue()
    assert out.getvalue().rstrip().endswith("\x1b[2K")


def test_a_terminal_that_was_closed_does_not_end_a_roll_out() -> None:
    tell(ConsoleProgress(Console(file=Gone())))


def test_verbose_says_each_step() -> None:
    out = io.StringIO()
    tell(ConsoleProgress(Console(file=out, width=40), verbose=True))
    assert "kubelet: node1: waiting for health" in out.getvalue().splitlines()
