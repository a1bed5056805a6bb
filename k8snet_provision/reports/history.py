"""Runs for people and for programs: a line each, or one of them step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from k8snet_provision.etcd_snapshot import Snapshot, restore_hint
from k8snet_provision.reports.lines import in_one_line, line
from k8snet_provision.rollback.selection import Known
from k8snet_provision.runs.model import Event, Run, State, now
from k8snet_provision.runs.unfinished import half_done

STYLES: Mapping[str, str] = {
    State.DONE: "green",
    State.FAILED: "red",
    State.CUT_SHORT: "bold red",
    State.ROLLED_BACK: "yellow",
}

STANDS_AGAIN = "stands again"

TOLD = {
    "begun": "begun",
    "resumed": "gone on with",
    "batch": "begins",
    "step_started": "",
    "step_done": "done",
    "step_failed": "failed",
    "passed": "passed",
    "failed": "FAILED",
    "putting_back": "is put back",
    "put_back": "is back",
    "not_put_back": "is NOT back",
    "snapshot": "etcd kept",
    "hook": "hook",
    "ended": "ended",
    "rolled_back": "rolled back",
    "awaits": "waits to be confirmed until",
    "confirmed": "confirmed",
}
"""The events' words; a step is told when it has ended."""


def show_runs(out: Console, runs: Sequence[Run]) -> None:
    """One line each, newest first."""
    for run in runs:
        told, state = Text(f"{run.id}  "), standing(run, runs)
        told.append(f"{state:<12}", STYLES.get(state, ""))
        told.append(f" {run.details.get('changes', '?'):>4} changes {_time(run):>7}  {run.verb}")
        told.append(f" by {run.details.get('who', '?')}")
        if run.awaits:
            told.append(f"; {_awaits(run)}", "bold yellow")
        out.print(told, soft_wrap=True)


def standing(run: Run, among: Sequence[Run]) -> str:
    """Its state, or that it stands again because what rolled it back was rolled back."""
    again = run.state is State.ROLLED_BACK and not Known.of(among).is_undone(run)
    return STANDS_AGAIN if again else run.state


def _awaits(run: Run) -> str:
    """What its journal says; the hosts have the last word, and `diff` asks them."""
    hosts = ", ".join(run.awaits)
    if now() < run.until:
        return f"waits to be confirmed, or its hosts go back from {run.until} on: {hosts}"
    return f"not confirmed: its hosts went back by themselves from {run.until} on: {hosts}"


def _time(run: Run) -> str:
    """From the first event to the last one; the clock of one machine."""
    own = [event for event in run.events if event.event not in ("rolled_back", "confirmed")]
    if len(own) < 2:
        return ""
    first, last = (datetime.fromisoformat(event.at) for event in (own[0], own[-1]))
    return f"{(last - first).total_seconds():.0f} s"


def show_run(out: Console, run: Run, among: Sequence[Run], where: str) -> None:
    """Everything it did, in its order; `where` is the directory in which it is kept."""
    details, state = run.details, standing(run, among)
    line(out, f"{run.id}: {run.verb} of {details.get('cluster', '?')} by {details.get('who', '?')}: {state}", "bold")
    line(out, f"inventory {details.get('inventory', '?')}; kept in {where}; `show {where}/plan.json` prints its plan")
    if run.awaits:
        line(out, _awaits(run), "bold yellow")
    if run.state is State.CUT_SHORT:
        line(out, half_done(run), "red")
    for event in run.events:
        if words := _words(event):
            line(out, f"  {event.at}  {words}", "red" if event.event in ("failed", "not_put_back") else "")
    for snapshot in _snapshots(run.events):
        out.print()
        line(out, restore_hint(snapshot))


def _words(event: Event) -> str:
    told = TOLD.get(event.event, event.event)
    if not told:
        return ""
    place = " on ".join(filter(None, (event.phase, event.target)))
    seconds = f" after {event.seconds:.1f} s" if event.seconds else ""
    text = f": {in_one_line(event.text)}" if event.text else ""
    text += f": {', '.join(event.details)}" if event.event in ("awaits", "confirmed") else ""
    return " ".join(filter(None, (place, event.step, told))) + seconds + text


def _snapshots(events: Iterable[Event]) -> Iterator[Snapshot]:
    for event in events:
        if event.event == "snapshot":
            try:
                yield Snapshot.of(event.details)
            except (KeyError, ValueError):
                continue


def run_to_json(run: Run, among: Sequence[Run], events: bool = False) -> dict[str, Any]:
    """`among` the runs that may have rolled it back; `events` too, each as the journal has it."""
    told: dict[str, Any] = {"id": run.id, "state": str(standing(run, among)), "verb": run.verb, **run.details}
    told |= {"awaits_confirmation": list(run.awaits)} | ({"until": run.until} if run.awaits else {})
    told |= {"batches": [{"phase": phase, "target": target} for phase, target in run.begun]}
    return told | ({"events": [asdict(event) for event in run.events]} if events else {})
