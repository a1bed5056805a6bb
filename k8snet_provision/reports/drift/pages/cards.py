"""What was found, folded: the same thing on many hosts is one card with a row for each host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from k8snet_provision.change import CLUSTER
from k8snet_provision.drift import RULES, Acceptance, Finding, Rule
from k8snet_provision.reports.drift.console import diff_lines
from k8snet_provision.reports.drift.pages.atlas import Atlas
from k8snet_provision.reports.drift.pages.moment import Moment
from k8snet_provision.reports.drift.pages.state import SEVERITIES

LINES = 400
"""Of a diff at most; the rest is counted."""

COMMANDS = ("k8snet-provision ", "kubectl ", "systemctl ", "sudo ", "ssh ")
"""What begins like this, and ends with no remark, can be pasted; anything else that mends is a sentence."""

BY_CODE: Mapping[str, Rule] = {str(code): rule for code, rule in RULES.items()}

STYLES = {"+": "add", "-": "del", "@": "at"}


@dataclass(frozen=True)
class Row:
    """One finding: `places` are the keys of the boxes that it is about."""

    found: Finding
    since: Moment | None
    places: str
    acceptance: Acceptance | None = None

    @property
    def host(self) -> str:
        return self.found.target

    @property
    def is_command(self) -> bool:
        return self.found.mend.startswith(COMMANDS) and not self.found.mend.endswith(")")


@dataclass
class Card:
    """`lines` are those of the diff with their style; nobody reads more than LINES of them here."""

    found: Finding
    lines: Sequence[tuple[str, str]]
    left_out: int
    rows: list[Row] = field(default_factory=list)

    @property
    def rule(self) -> Rule | None:
        """None for a code of a newer version."""
        return BY_CODE.get(self.found.code)

    @property
    def title(self) -> str:
        return self.rule.title if self.rule else ""

    @property
    def means(self) -> str:
        return self.rule.means if self.rule else ""

    @property
    def scrolls(self) -> bool:
        """Whether the difference may be larger than its box on a phone, so that the keyboard has to get there."""
        return len(self.lines) > 15 or any(len(line) > 40 for _, line in self.lines)

    @property
    def where(self) -> str:
        hosts = [row.host for row in self.rows if row.host != CLUSTER]
        if not hosts:
            return "in the cluster"
        return f"on {hosts[0]}" if len(hosts) == 1 else f"on {len(hosts)} hosts"


def cards(atlas: Atlas, findings: Iterable[tuple[Finding, Acceptance | None]]) -> list[Card]:
    """The worst first, otherwise in the order of the report."""
    folded: dict[tuple[object, ...], Card] = {}
    now = Moment.of(atlas.report.started)
    for found, acceptance in findings:
        key = (found.code, found.severity, found.capability, found.what, found.text, found.before, found.after)
        if key not in folded:
            folded[key] = _card(found)
        places = " ".join(atlas.key(name) for name in atlas.of(found))
        since = Moment.of(found.since, now) if found.since else None
        folded[key].rows.append(Row(found, since, places, acceptance))
    return sorted(folded.values(), key=lambda card: SEVERITIES.index(card.found.severity))


def _card(found: Finding) -> Card:
    lines = diff_lines(found)
    if len([line for line in lines if line.startswith("@")]) == 1 and len(lines) <= 3:
        lines = lines[1:]  # one value for another: where in the text says nothing
    return Card(found, [(STYLES.get(line[:1], "same"), line) for line in lines[:LINES]], max(0, len(lines) - LINES))
