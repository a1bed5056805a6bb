"""A forecast as people read it: at any width, without colours, in a pipe and in a ticket."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from rich.console import Console

from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.forecast import Actual, Comparison, Forecast, Process, Row, What
from k8snet_provision.plan import Plan
from k8snet_provision.reports import ticket
from k8snet_provision.reports.forecast import show_forecast, show_forecast_and_actual, took
from k8snet_provision.saved_plan import moved
from k8snet_provision.saved_plan.model import RestsOn, SavedPlan, from_json, to_json

APISERVER = Row(
    "kube-apiserver",
    ("cp1",),
    (Process("kube-apiserver", What.RESTART, ("cp1",)), Process("kube-controller-manager", What.RESTART, ("cp1",))),
    5.2,
    "3 runs here",
    "an API server gives no answers while it restarts",
)
EDGE = Row("edge", ("lb1", "lb2"), (Process("haproxy", What.RELOAD, ("lb2",)),), 90.0, "lab's default")
FORECAST = Forecast((APISERVER, replace(APISERVER, targets=("cp2",), processes=()), EDGE))
HOSTILE = "<script>alert(1)</script> | *x* `y`"


def shown(forecast: Forecast = FORECAST, **settings: object) -> list[str]:
    out = io.StringIO()
    show_forecast(Console(file=out, highlight=False, **settings), forecast)  # type: ignore[arg-type]
    return out.getvalue().splitlines()


def test_each_batch_has_a_line_and_each_phase_what_is_felt() -> None:
    assert shown(width=20) == [
        "forecast",
        "  kube-apiserver",
        "    cp1                      5.2 s  (3 runs here)  restarts kube-apiserver, kube-controller-manager",
        "    cp2                      5.2 s  (3 runs here)",
        "    clients notice: an API server gives no answers while it restarts",
        "  edge",
        "    lb1, lb2            1 min 30 s  (lab's default)  reloads haproxy (lb2)",
        "  in all 1 min 40 s in 3 batches",
    ]


def test_a_narrow_terminal_wraps_words_below_each_other() -> None:
    lines = shown(width=40, force_terminal=True, color_system=None)
    assert all(len(line) <= 40 for line in lines)
    assert lines[2:7] == [
        "    cp1                      5.2 s  (3",
        "      runs here)  restarts",
        "      kube-apiserver,",
        "      kube-controller-manager",
        "    cp2                      5.2 s  (3",
    ]
    assert " ".join(" ".join(lines).split()) == " ".join(" ".join(shown()).split())


def test_what_is_said_needs_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    emphasised = shown(width=200, force_terminal=True, color_system="standard")
    assert [re.sub(r"\x1b\[[01]?m", "", line) for line in emphasised] == shown()


def test_pauses_and_what_has_no_figure_are_said() -> None:
    unknown = Forecast((replace(APISERVER, seconds=None, basis="no figure yet"), EDGE), pauses=30.0)
    lines = shown(unknown)
    assert any(line.startswith("    cp1                          ?  (no figure yet)") for line in lines)
    total = "  in all 2 min 0 s in 2 batches, 30.0 s of it pauses; at least: not every phase has a figure yet"
    assert lines[-1] == total


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "?"), (0.04, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 0 s"), (3599.6, "1 h 0 min"), (7384, "2 h 3 min")],
)
def test_seconds_for_people(seconds: float | None, said: str) -> None:
    assert took(seconds) == said


def test_forecast_and_actual_stand_side_by_side() -> None:
    rows = (Actual(FORECAST.rows[0], 6.04), Actual(FORECAST.rows[1], 4.0), Actual(EDGE, None))
    out = io.StringIO()
    show_forecast_and_actual(Console(file=out, width=30), Comparison(rows))
    assert out.getvalue().splitlines() == [
        "forecast and actual",
        "  kube-apiserver    cp1                5.2 s     6.0 s",
        "  kube-apiserver    cp2                5.2 s     4.0 s",
        "  edge              lb1, lb2       1 min 30 s         -",
        "  in all                              10.4 s    10.0 s",
        "  without 1 of 3 batches, which did not pass",
    ]


def saved(forecast: Forecast | None) -> SavedPlan:
    change = Change("edge", CLUSTER, Kind.OBJECT, "ConfigMap a/b", "a\n", "b\n")
    facts = {"kubernetes": "v1.36.3", "control planes": "1", "nodes": "2"}
    plan = Plan("lab", facts, (change,))
    rests_on = RestsOn({}, {}, {})
    paces = {"edge": "one at a time"}
    made = "0.1.0 (ab)", "ops@desk", "2026-11-21T02:00:00Z", "/inventories/lab", "", "", (), rests_on, paces, {}
    return SavedPlan(*made, plan, forecast)


def test_a_saved_plan_keeps_its_forecast() -> None:
    written = json.loads(json.dumps(to_json(saved(FORECAST))))
    read = from_json(written)
    assert (read.forecast, read.digest) == (FORECAST, written["sha256"])
    assert [row["seconds"] for row in written["forecast"]["rows"]] == [5.2, 5.2, 90.0]


def test_a_plan_that_was_saved_without_a_forecast_is_read_and_keeps_its_digest() -> None:
    written = to_json(saved(None))
    assert "forecast" not in written
    assert from_json(written).digest == written["sha256"]


def test_another_forecast_is_nothing_that_moved() -> None:
    before, now = saved(FORECAST), saved(Forecast((EDGE,)))
    assert list(moved.since(before, now, None)) == []  # type: ignore[arg-type]
    assert list(moved.since(saved(None), now, None)) == []  # type: ignore[arg-type]


class Page(HTMLParser):
    """The cells of a page's tables, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.elements: list[str] = []
        self.here = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.here = tag
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.here in ("td", "th"):
            self.cells[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.here = ""


def test_a_ticket_has_the_forecast_as_a_table() -> None:
    foretold = Forecast((replace(APISERVER, felt=HOSTILE),))
    cells = ("kube-apiserver", "cp1", "restarts kube-apiserver, kube-controller-manager", "5.2 s", "3 runs here")
    page = Page(ticket.html(saved(foretold)))
    assert tuple(page.cells[6:11]) == cells
    assert page.cells[11] == HOSTILE and "script" not in page.elements
    text = ticket.markdown(saved(foretold)).splitlines()
    (row,) = [line for line in text if line.startswith("| kube-apiserver")]
    assert row.startswith(f"| {' | '.join(cells)} | ") and row.endswith(
        r"\<script\>alert(1)\</script\> \| \*x\* \`y\` |"
    )
    assert "in all 5.2 s in 1 batch" in text


def test_a_ticket_without_a_forecast_has_no_table() -> None:
    assert "Forecast" not in ticket.html(saved(None)) + ticket.markdown(saved(None))
