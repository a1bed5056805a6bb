"""Report: what one look found, JSON from end to end. What every output is made of, and what shards are merged from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from k8snet_provision.drift import finding
from k8snet_provision.drift.finding import Finding
from k8snet_provision.drift.picture import Place
from k8snet_provision.plan import Incomplete

FORMAT = 1
"""Of the JSON; it grows with a change that a reader of the old one would misread."""


@dataclass(frozen=True)
class Acceptance:
    """A known exception: until when (a date, inclusive, UTC), why, who said so and when; `what` it is, for people."""

    fingerprint: str
    until: str
    reason: str
    by: str = ""
    at: str = ""
    what: str = ""


@dataclass(frozen=True)
class Accepted:
    """A finding that is excused."""

    finding: Finding
    acceptance: Acceptance


@dataclass(frozen=True)
class Shard:
    """The `index`th (from 1) of `count` parts of the hosts."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


@dataclass(frozen=True)
class Report:
    """Of one inventory. `hosts` are those that were looked at, reached or not; `started` is RFC 3339, UTC.

    `cluster_looked_at`: whether the cluster's own objects were part of it, which one shard of several does.
    `looked_at` has each capability with the hosts, or the cluster, that it was compared on; `last_complete` is when
    the newest look that saw everything was begun, empty where none is known; `topology` is the file and line where
    what is wanted was written. `picture` is the way of a request as it is wanted, the same in every shard.
    """

    cluster: str
    inventory: str
    started: str
    seconds: float
    tool: str
    facts: Mapping[str, str]
    hosts: tuple[str, ...]
    cluster_looked_at: bool
    findings: tuple[Finding, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    incomplete: tuple[Incomplete, ...] = ()
    notices: tuple[str, ...] = ()
    picture: tuple[Place, ...] = ()
    shard: Shard | None = None
    looked_at: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    last_complete: str = ""
    topology: str = ""

    def __post_init__(self) -> None:
        # To the millisecond, as in a file: a tenth that is printed from there must be the same.
        object.__setattr__(self, "seconds", round(self.seconds, 3))

    @property
    def complete(self) -> bool:
        return not self.incomplete

    @property
    def in_sync(self) -> bool:
        return self.complete and not self.findings


def to_json(report: Report) -> dict[str, Any]:
    return {
        "format": FORMAT,
        **{key: value for key, value in vars(report).items() if isinstance(value, str | bool)},
        "seconds": report.seconds,
        "facts": dict(report.facts),
        "hosts": list(report.hosts),
        "findings": [finding.to_json(found) for found in report.findings],
        "accepted": [
            {"finding": finding.to_json(item.finding), "acceptance": asdict(item.acceptance)}
            for item in report.accepted
        ],
        "incomplete": [asdict(item) for item in report.incomplete],
        "notices": list(report.notices),
        "picture": [_place_to_json(place) for place in report.picture],
        "shard": asdict(report.shard) if report.shard else None,
        "looked_at": {name: list(targets) for name, targets in report.looked_at.items()},
    }


def from_json(value: Mapping[str, Any]) -> Report:
    """Raises KeyError, TypeError or ValueError for what is no report of this format."""
    if value["format"] != FORMAT:
        raise ValueError(f"a report of format {value['format']!r}, not {FORMAT}")
    names = {*value, *(field.name for field in fields(Report))} - {"format"}
    given = {name: value[name] for name in names}
    return Report(
        **{
            **given,
            "hosts": tuple(value["hosts"]),
            "findings": tuple(map(finding.from_json, value["findings"])),
            "accepted": tuple(
                Accepted(finding.from_json(item["finding"]), Acceptance(**item["acceptance"]))
                for item in value["accepted"]
            ),
            "incomplete": tuple(Incomplete(**item) for item in value["incomplete"]),
            "notices": tuple(value["notices"]),
            "picture": tuple(map(_place_from_json, value["picture"])),
            "shard": Shard(**value["shard"]) if value["shard"] else None,
            "looked_at": {name: tuple(targets) for name, targets in value["looked_at"].items()},
        }
    )


def _place_to_json(place: Place) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(place).items()}


def _place_from_json(value: Mapping[str, Any]) -> Place:
    given: dict[str, Any] = {key: tuple(item) if isinstance(item, list) else item for key, item in value.items()}
    return Place(**given)
