"""Drift as one HTML file: it loads nothing, runs one script of its own, and is whole without it.

Whatever a host, a cluster or an inventory says is shown as text: nothing of it becomes markup.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from k8snet_provision import assets, templates
from k8snet_provision.drift import Report
from k8snet_provision.drift.looks import Looks
from k8snet_provision.reports.drift.pages.atlas import Atlas
from k8snet_provision.reports.drift.pages.cards import Card, cards
from k8snet_provision.reports.drift.pages.drawing import Drawing, drawings
from k8snet_provision.reports.drift.pages.moment import Moment, lasted
from k8snet_provision.reports.drift.pages.state import SEVERITIES
from k8snet_provision.reports.drift.pages.verdict import Verdict, of_all
from k8snet_provision.text import printable

FOLDER = "reports"

MANY = 300
"""Findings."""


def text(looks: Looks) -> str:
    """The page. Characters that cannot be printed, and bytes that are no text, are written out."""
    style, script = _asset("drift.css"), _asset("drift.js")
    page = templates.render(
        f"{FOLDER}/drift.html.j2",
        page=Page(tuple(Cluster(number, report) for number, report in enumerate(looks.reports)), looks),
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
    )
    return re.sub(r"[^\n\t -~]+", lambda match: printable(match[0]), page)


@dataclass(frozen=True)
class Cluster:
    """One report's part of the page."""

    number: int
    report: Report

    @cached_property
    def atlas(self) -> Atlas:
        return Atlas(self.report, self.number)

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        return drawings(self.atlas)

    @property
    def verdict(self) -> Verdict:
        return of_all(Looks((self.report,)))

    @property
    def started(self) -> Moment:
        return Moment.of(self.report.started)

    @property
    def last_complete(self) -> Moment | None:
        """When all was last seen, where this time it was not."""
        known = self.report.last_complete if self.report.incomplete else ""
        return Moment.of(known, self.started) if known else None

    @property
    def lasted(self) -> str:
        return lasted(self.report.seconds)

    @property
    def counts(self) -> Counter[str]:
        return Counter(str(found.severity) for found in self.report.findings)

    @cached_property
    def found(self) -> list[Card]:
        return cards(self.atlas, ((found, None) for found in self.report.findings))

    @cached_property
    def accepted(self) -> list[Card]:
        return cards(self.atlas, ((item.finding, item.acceptance) for item in self.report.accepted))

    @property
    def unseen(self) -> list[tuple[str, str, str, str]]:
        """Host, what, why, and the keys of the places it is about."""
        return [
            (item.target, item.what, item.why, " ".join(map(self.atlas.key, self.atlas.of_unseen(item))))
            for item in self.report.incomplete
        ]


@dataclass(frozen=True)
class Page:
    """Everything that the template shows."""

    clusters: tuple[Cluster, ...]
    looks: Looks

    @property
    def title(self) -> str:
        names = [cluster.report.cluster for cluster in self.clusters]
        names += [failed.cluster or failed.inventory for failed in self.looks.failed]
        return names[0] if len(names) == 1 else f"{len(names)} clusters"

    @property
    def verdict(self) -> Verdict:
        return of_all(self.looks)

    @property
    def counts(self) -> list[tuple[str, int]]:
        """Of open findings by severity, the worst first."""
        found = sum((cluster.counts for cluster in self.clusters), Counter[str]())
        return [(str(severity), found[severity]) for severity in SEVERITIES]

    @cached_property
    def found(self) -> list[tuple[Cluster, Card]]:
        """Of all clusters, the worst first."""
        return self._sorted((cluster, card) for cluster in self.clusters for card in cluster.found)

    @cached_property
    def accepted(self) -> list[tuple[Cluster, Card]]:
        return self._sorted((cluster, card) for cluster in self.clusters for card in cluster.accepted)

    @staticmethod
    def _sorted(folded: Iterable[tuple[Cluster, Card]]) -> list[tuple[Cluster, Card]]:
        return sorted(folded, key=lambda item: SEVERITIES.index(item[1].found.severity))

    @property
    def many(self) -> bool:
        """Whether a browser had better draw only what is in sight."""
        return sum(len(card.rows) for _, card in self._cards) > MANY

    @property
    def number_accepted(self) -> int:
        return sum(len(cluster.report.accepted) for cluster in self.clusters)

    @property
    def unseen(self) -> list[tuple[Cluster, str, str, str, str]]:
        return [(cluster, *item) for cluster in self.clusters for item in cluster.unseen]

    @property
    def notices(self) -> list[tuple[Cluster, str]]:
        return [(cluster, notice) for cluster in self.clusters for notice in cluster.report.notices]

    @property
    def names(self) -> list[tuple[str, str]]:
        return [(str(cluster.number), cluster.report.cluster) for cluster in self.clusters]

    @property
    def hosts(self) -> list[tuple[str, str]]:
        """Hosts that something is said of: this and what follows are what a filter offers, as value and text."""
        of_rows = (row.host for _, card in self._cards for row in card.rows)
        of_unseen = (target for cluster in self.clusters for target, *_ in cluster.unseen)
        return self._values((*of_rows, *of_unseen))

    @property
    def capabilities(self) -> list[tuple[str, str]]:
        return self._values(card.found.capability for _, card in self._cards)

    @property
    def codes(self) -> list[tuple[str, str]]:
        return sorted({(str(card.found.code), f"{card.found.code} {card.title}") for _, card in self._cards})

    @cached_property
    def _cards(self) -> list[tuple[Cluster, Card]]:
        return [*self.found, *self.accepted]

    @staticmethod
    def _values(values: Iterable[str]) -> list[tuple[str, str]]:
        return [(value, value) for value in sorted(set(values), key=_natural)]


def _natural(text: str) -> list[tuple[int, int, str]]:
    """node2 before node10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]


def _asset(name: str) -> str:
    return (assets.directory("templates") / FOLDER / name).read_text("ascii")


def _policy(style: str, script: str) -> str:
    """Nothing is loaded from anywhere, and only these two texts, as they are, count as style and script."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('ascii')).digest()).decode('ascii')}"
