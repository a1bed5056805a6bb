"""A time of a report as people read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from k8snet_provision.reports.drift.pages.state import numbered

STEPS = ((86400, "day"), (3600, "hour"), (60, "minute"))


@dataclass(frozen=True)
class Moment:
    """`machine` is as it was written, `text` in UTC to the minute, `ago` how long before the look."""

    machine: str
    text: str
    ago: str = ""
    at: datetime | None = None

    @classmethod
    def of(cls, written: str, now: Moment | None = None) -> Moment:
        """What is no time is shown as it was written."""
        try:
            at = datetime.fromisoformat(written)
        except ValueError:
            return cls(written, written)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        ago = _ago((now.at - at).total_seconds()) if now and now.at else ""
        return cls(written, f"{at.day} {at:%b %Y %H:%M} UTC", ago, at)


def _ago(seconds: float) -> str:
    for size, unit in STEPS:
        if (number := int(seconds // size)) >= 1:
            return numbered(number, unit)
    return "new"


def lasted(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
