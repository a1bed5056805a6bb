"""Forecasts for people: under the plan, as a ticket's table, and beside what a run really took."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from k8snet_provision.forecast import Comparison, Forecast, Process, Row
from k8snet_provision.reports.console import names

HEADS = ("phase", "where", "what happens", "seconds", "measured", "clients notice")
"""Of a ticket's table."""

NARROWEST = 24
"""Columns: below that, lines are as long as they are."""


def show_forecast(out: Console, forecast: Forecast) -> None:
    """What each batch restarts and takes, and what clients notice of each phase."""
    _line(out, "forecast", "bold")
    for phase in forecast.phases():
        rows = forecast.of(phase)
        _line(out, f"  {phase}")
        for row in rows:
            seconds = f"{took(row.seconds):>11}  ({row.basis})"
            _line(out, f"    {names(row.targets):<18} {seconds}  {happens(row)}".rstrip(), indent=6)
        if felt := rows[0].felt:
            _line(out, f"    clients notice: {felt}", indent=6)
    _line(out, f"  {total(forecast)}", "bold")


def total(forecast: Forecast) -> str:
    """One sentence: how long in all, of how many batches, and what is not in it."""
    number = forecast.batches
    batches = f"{number} batch" if number == 1 else f"{number} batches"
    pauses = f", {took(forecast.pauses)} of it pauses" if forecast.pauses else ""
    missing = "" if forecast.complete else "; at least: not every phase has a figure yet"
    return f"in all {took(forecast.seconds)} in {batches}{pauses}{missing}"


def happens(row: Row) -> str:
    """As in "restarts a, b; starts c"; the hosts are named where it does not happen on all of the batch."""
    words: dict[str, list[str]] = {}
    for process in row.processes:
        words.setdefault(f"{process.what}s", []).append(_named(process, row))
    return "; ".join(f"{what} {', '.join(named)}" for what, named in words.items())


def _named(process: Process, row: Row) -> str:
    return process.name + ("" if process.targets == row.targets else f" ({names(process.targets)})")


def took(seconds: float | None) -> str:
    """Seconds for people: 4.2 s, 1 min 5 s, 2 h 3 min."""
    if seconds is None:
        return "?"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def show_forecast_and_actual(out: Console, comparison: Comparison) -> None:
    """Side by side; only what passed is added up, on both sides."""
    _line(out, "forecast and actual", "bold")
    for actual in comparison.rows:
        row, seconds = actual.row, took(actual.seconds) if actual.seconds is not None else "-"
        _line(out, _beside(row.phase, names(row.targets), took(row.seconds), seconds), indent=6)
    left = len(comparison.rows) - len(comparison.passed)
    _line(out, _beside("in all", "", took(comparison.foretold), took(comparison.seconds)), "bold")
    if left:
        _line(out, f"  without {left} of {len(comparison.rows)} batches, which did not pass")


def _beside(phase: str, where: str, foretold: str, actual: str) -> str:
    return f"  {phase:<17} {where:<14} {foretold:>9} {actual:>9}"


def cells(forecast: Forecast) -> list[tuple[str, ...]]:
    """The rows of a ticket's table, below HEADS: a ticket has room for every name."""
    return [
        (row.phase, ", ".join(row.targets), happens(row) or "nothing", took(row.seconds), row.basis, row.felt)
        for row in forecast.rows
    ]


def _line(out: Console, text: str, style: str = "", indent: int = 4) -> None:
    """At a terminal words are wrapped below each other; elsewhere a line stays one line, for whoever searches."""
    lines: Sequence[str] = [text]
    if out.is_terminal and out.width >= NARROWEST:
        lines = wrap(text, out.width, subsequent_indent=" " * indent, break_on_hyphens=False)
    for line in lines:
        out.print(Text(line, style=style), soft_wrap=True)
