"""What Prometheus has after scraping the files of several looks, one after the other, and what it makes of it.

The series are those that the exporter writes, so that a metric or label of another name breaks what rests on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from k8snet_provision.drift import Report
from k8snet_provision.drift.looks import Failed, Looks
from k8snet_provision.reports.drift.prometheus import text
from tests.hosts.labs import ROOT
from tests.reports.drift.samples import DRIFTED, QUIET, promtool

RULES = ROOT / "monitoring" / "prometheus-rules.yml"
DASHBOARD = ROOT / "monitoring" / "grafana-dashboard.json"

STEP = 5
"""Minutes between two scrapes."""


@dataclass(frozen=True)
class Scraped:
    """A look's file, and for how many minutes it is the newest; the first is there as promtool's time begins."""

    looks: Looks
    minutes: int


def at_epoch(report: Report, hours: float = 0, complete: float | None = None) -> Report:
    """The report as if its look had begun so long after the epoch; `complete`: the newest complete look's hour."""
    return replace(report, started=_time(hours), last_complete="" if complete is None else _time(complete))


def _time(hours: float) -> str:
    minutes = round(hours * 60)
    return f"1970-01-{1 + minutes // 1440:02d}T{minutes // 60 % 24:02d}:{minutes % 60:02d}:00Z"


def of(*reports: Report, failed: Iterable[Failed] = ()) -> Looks:
    return Looks(reports, tuple(failed))


GOOD = of(at_epoch(QUIET, complete=0))
BAD = of(at_epoch(replace(DRIFTED, incomplete=()), complete=0))


def series(scraped: Sequence[Scraped]) -> list[dict[str, str]]:
    """As promtool wants them: for each series its value at every step, _ where the file did not have it."""
    values: dict[str, list[str]] = {}
    steps = 0
    for file in scraped:
        more = file.minutes // STEP
        for line in text(file.looks).splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                mine = values.setdefault(name, [])
                mine += ["_"] * (steps - len(mine)) + [value] * more
        steps += more
    return [{"series": name, "values": " ".join(mine + ["_"] * (steps - len(mine)))} for name, mine in values.items()]


def holds(folder: Path, scraped: Sequence[Scraped], rules: Path | None, **checks: list[dict[str, Any]]) -> str:
    """What promtool has to object when the checks (alert_rule_test, promql_expr_test) are made; empty if nothing."""
    test = {"interval": f"{STEP}m", "input_series": series(scraped), **checks}
    given: Mapping[str, Any] = {
        "rule_files": [str(rules)] if rules else [],
        "evaluation_interval": f"{STEP}m",
        "tests": [test],
    }
    file = folder / "test.json"
    file.write_text(json.dumps(given))
    ran = promtool("test", "rules", str(file))
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr
