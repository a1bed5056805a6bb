"""What known exceptions make of a report: accepted findings stand apart until their date has passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from shlex import quote

from k8snet_provision.drift.codes import RULES, Code
from k8snet_provision.drift.exceptions import Entry
from k8snet_provision.drift.finding import Finding
from k8snet_provision.drift.report import Accepted, Report

SOON = timedelta(days=7)
"""Before its end an exception is announced."""


def excuse(report: Report, entries: Sequence[Entry], *, whole: bool) -> Report:
    """The report with every finding in its place, on the day of the look (UTC).

    `whole`: all of the inventory was asked, so that an exception which nothing matches excuses nothing any more.
    """
    today = date.fromisoformat(report.started[:10])
    written = {entry.acceptance.fingerprint: entry for entry in entries}
    running = {mark for mark, entry in written.items() if today <= date.fromisoformat(entry.acceptance.until)}
    excused = [found for found in report.findings if found.fingerprint in running]
    counting = [found for found in report.findings if found.fingerprint not in running]
    ended = [_ended(found, written[found.fingerprint], report) for found in counting if found.fingerprint in written]
    there = {found.fingerprint for found in report.findings}
    notices = [
        *(_ends_soon(written[mark], today) for mark in written if mark in running & there),
        *(_of_no_use(entry) for mark, entry in written.items() if mark not in there and whole and report.complete),
    ]
    return replace(
        report,
        findings=(*ended, *counting),
        accepted=tuple(Accepted(found, written[found.fingerprint].acceptance) for found in excused),
        notices=(*report.notices, *filter(None, notices)),
    )


def _ended(found: Finding, entry: Entry, report: Report) -> Finding:
    code, known = Code.EXCEPTION_ENDED, entry.acceptance
    accept = f"k8snet-provision drift {quote(report.inventory)} --accept {found.fingerprint} --until DATE --reason TEXT"
    return Finding(
        code, RULES[code].severity, found.cluster, found.target, found.capability,
        f"exception for {found.what}",
        f"ended on {known.until} ({known.reason}), and what it excused is still there ({entry.where})",
        mend=f"{found.mend}; or, if it shall go on: {accept}" if found.mend else accept,
        identity=f"{known.fingerprint} {known.until}",
    )  # fmt: skip


def _ends_soon(entry: Entry, today: date) -> str:
    left = date.fromisoformat(entry.acceptance.until) - today
    if left > SOON:
        return ""
    when = f"in {left.days} days" if left.days > 1 else "tomorrow" if left.days else "today"
    return f"the exception {named(entry)} ends {when}, on {entry.acceptance.until}"


def _of_no_use(entry: Entry) -> str:
    return f"the exception {named(entry)} excuses nothing any more and can be removed from {entry.where}"


def named(entry: Entry) -> str:
    known = entry.acceptance
    return f"{known.fingerprint} ({known.what or known.reason})"
