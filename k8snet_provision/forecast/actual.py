"""Forecast and actual of a run, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from k8snet_provision.forecast.making import Timed
from k8snet_provision.forecast.model import Forecast, Row, rounded


@dataclass(frozen=True)
class Actual:
    """One batch as it was foretold and the seconds it took; None where it did not pass or was not begun."""

    row: Row
    seconds: float | None


@dataclass(frozen=True)
class Comparison:
    """The rows of a forecast, each with what became of it."""

    rows: tuple[Actual, ...]

    @property
    def foretold(self) -> float:
        """Seconds foretold for the batches that passed: only what can be compared is added up."""
        return sum(actual.row.seconds or 0.0 for actual in self.passed)

    @property
    def seconds(self) -> float:
        return sum(actual.seconds or 0.0 for actual in self.passed)

    @property
    def passed(self) -> tuple[Actual, ...]:
        return tuple(actual for actual in self.rows if actual.seconds is not None)

    def to_json(self) -> dict[str, Any]:
        return {
            "seconds": rounded(self.seconds),
            "forecast_seconds": rounded(self.foretold),
            "rows": [
                {
                    "phase": actual.row.phase,
                    "targets": list(actual.row.targets),
                    "forecast_seconds": rounded(actual.row.seconds),
                    "seconds": rounded(actual.seconds),
                }
                for actual in self.rows
            ],
        }


def compare(forecast: Forecast, run: Timed) -> Comparison:
    """A batch took as long as the last of its targets."""
    return Comparison(tuple(Actual(row, _seconds(row, run)) for row in forecast.rows))


def _seconds(row: Row, run: Timed) -> float | None:
    took = [run.timings.get((row.phase, target)) for target in row.targets]
    return None if None in took or not took else max(seconds for seconds in took if seconds is not None)
