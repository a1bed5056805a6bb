"""What the looks of inventories came to, for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console

from k8snet_provision import duration
from k8snet_provision.drift.memory import Look, Verdict
from k8snet_provision.reports.lines import line
from k8snet_provision.scheduling.status import Scheduled, Status, age

COLOUR = {Verdict.IN_SYNC: "green", Verdict.DRIFT: "yellow", Verdict.INCOMPLETE: "magenta", Verdict.FAILED: "bold red"}


def show(out: Console, found: Sequence[Status]) -> None:
    for status in found:
        for text, style in _lines(status):
            line(out, text, style)
    if not found:
        out.print("no inventory has a timer on this machine: k8snet-provision drift install INVENTORY")


def _lines(status: Status) -> list[tuple[str, str]]:
    lines = [(str(status.inventory), "bold"), _last(status)]
    if status.good and status.good != status.last:
        lines.append((f"  saw everything last {_ago(status.good, status.now)}: {status.good.verdict}", ""))
    if status.stale and status.scheduled:
        lines.append((f"  that is more than twice the {_in_words(status.scheduled.interval)} between two looks", "red"))
    if status.scheduled:
        lines.append((f"  {_next(status.scheduled)}", ""))
    if status.problem:
        lines.append((f"  {status.problem}", "red"))
    return lines


def _last(status: Status) -> tuple[str, str]:
    look = status.last
    if look is None:
        return "  never looked at", "magenta"
    counts = [f"{count} {name}" for name, count in look.counts.items() if count]
    told = f": {', '.join(counts)}" if counts else f": {look.why}" if look.why else ""
    return f"  {look.verdict}{told} · {_ago(look, status.now)}, in {look.seconds:.1f} s", COLOUR[look.verdict]


def _next(scheduled: Scheduled) -> str:
    if not scheduled.active:
        return f"{scheduled.timer} is not active: systemctl enable --now {scheduled.timer}"
    failed = "" if scheduled.result in ("", "success") else f" · the service failed: {scheduled.result}"
    return f"next look {scheduled.next or 'once the one under way has ended'} ({scheduled.timer}){failed}"


def _ago(look: Look, now: datetime) -> str:
    seconds = max(0, int(age(look, now)))
    return f"{_in_words(seconds)} ago ({look.started})"


def _in_words(seconds: int) -> str:
    """Hours and minutes; days where hours say little."""
    if seconds >= 48 * 3600:
        return f"{seconds // (24 * 3600)} days"
    return duration.in_words(seconds if seconds < 3600 else seconds // 60 * 60)
