"""Forecast: a plan's batches with what restarts there, the seconds they take and what clients notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

LAB = "lab's default"
"""Basis of seconds that were measured on the lab, not on this cluster."""

NO_FIGURE = "no figure yet"

BEFORE, BEFORE_WITH_ETCD = "before the first batch", "before the first batch, etcd kept"
"""What looking, the preflight, the lock, the journal and, where it is taken, the etcd snapshot take: a row, and in the
journal, as if it were a phase."""


class What(StrEnum):
    """What happens to a process; the words are in the order in which they are told."""

    STOP = "stop"
    RESTART = "restart"
    RELOAD = "reload"
    START = "start"


@dataclass(frozen=True)
class Process:
    """A unit, a static pod's program or a workload (as "Deployment kube-system/coredns") of a batch.

    `targets` are those of the batch where it happens.
    """

    name: str
    what: What
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One batch. `seconds` include its gates, None where nothing is known; `basis` says where they come from.

    `felt` is what clients notice while it is under way.
    """

    phase: str
    targets: tuple[str, ...]
    processes: tuple[Process, ...]
    seconds: float | None
    basis: str
    felt: str = ""


@dataclass(frozen=True)
class Forecast:
    """The batches in their order; `pauses` are the seconds of waiting between them."""

    rows: tuple[Row, ...]
    pauses: float = 0.0

    @property
    def seconds(self) -> float:
        """All of it, as far as it is known: see `complete`."""
        return self.pauses + sum(row.seconds or 0.0 for row in self.rows)

    @property
    def complete(self) -> bool:
        return all(row.seconds is not None for row in self.rows)

    def after(self, first: Row) -> Forecast:
        return replace(self, rows=(first, *self.rows))

    def of(self, phase: str) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.phase == phase)

    @property
    def batches(self) -> int:
        return sum(row.phase not in (BEFORE, BEFORE_WITH_ETCD) for row in self.rows)

    def phases(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.phase for row in self.rows))

    def to_json(self) -> dict[str, Any]:
        """JSON-ready, and what pydantic reads a Forecast from: what is derived stands beside it."""
        return {
            "seconds": rounded(self.seconds),
            "complete": self.complete,
            "pauses": self.pauses,
            "rows": [{**_row(row), "processes": _processes(row.processes)} for row in self.rows],
        }


def _row(row: Row) -> dict[str, Any]:
    return {**vars(row), "targets": list(row.targets), "seconds": rounded(row.seconds)}


def _processes(processes: Sequence[Process]) -> list[dict[str, Any]]:
    return [{"name": p.name, "what": str(p.what), "targets": list(p.targets)} for p in processes]


def rounded(seconds: float | None) -> float | None:
    """Tenths: nothing here is known better."""
    return None if seconds is None else round(seconds, 1)
