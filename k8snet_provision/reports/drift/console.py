"""Drift for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from k8snet_provision.drift import Finding, Report, Severity
from k8snet_provision.edits.diff import unified_diff
from k8snet_provision.reports.lines import DIFF_COLOURS, line, unseen

COLOUR = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def show(out: Console, reports: Sequence[Report]) -> None:
    for report in reports:
        line(out, f"{report.cluster} · {len(report.hosts)} hosts · looked at in {report.seconds:.1f} s", "bold")
        for found in report.findings:
            _show_finding(out, found)
        for item in report.accepted:
            told = item.acceptance
            where = f"{item.finding.target}: {item.finding.what}"
            line(out, f"  accepted until {told.until}: {where} ({told.reason}) [{told.fingerprint}]", "dim")
        for notice in report.notices:
            line(out, f"note: {notice}")
        for missing in report.incomplete:
            line(out, f"? {unseen(missing)}", "magenta")
        line(out, total(report), "bold")


def total(report: Report) -> str:
    counts = [f"{len(report.findings)} findings" if len(report.findings) != 1 else "1 finding"]
    counts += [f"{len(report.accepted)} accepted"] if report.accepted else []
    counts += [f"{len(report.incomplete)} not observed"] if report.incomplete else []
    return "in sync" if report.in_sync and not report.accepted else " · ".join(counts)


def _show_finding(out: Console, found: Finding) -> None:
    line(out, f"  {headline(found)}", COLOUR[found.severity])
    for text in diff_lines(found):
        line(out, f"      {text}", DIFF_COLOURS.get(text[:1], ""))
    about = [f"since {found.since}" if found.since else "", found.who, f"mend: {found.mend}" if found.mend else ""]
    if any(about):
        line(out, f"      {' · '.join(filter(None, about))}", "dim")


def headline(found: Finding) -> str:
    return f"{found.target}  {found.code} {found.severity}: {found.what} {found.text}  [{found.fingerprint}]"


def diff_lines(found: Finding) -> list[str]:
    """From what is there to what should be, as apply would show it."""
    sides = [None if side is None else _ended(side).encode("utf-8", "surrogateescape") for side in _sides(found)]
    return unified_diff(sides[0], sides[1], found.what).splitlines()[2:]


def _sides(found: Finding) -> tuple[str | None, str | None]:
    return found.before, found.after


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"
