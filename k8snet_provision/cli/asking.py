"""Showing a plan and asking whether it may be carried out."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

import typer

from k8snet_provision import workflow
from k8snet_provision.applying import Ended
from k8snet_provision.cli.options import Output, err, out
from k8snet_provision.forecast import Forecast, compare
from k8snet_provision.plan import Plan
from k8snet_provision.reports import console
from k8snet_provision.reports.forecast import show_forecast, show_forecast_and_actual
from k8snet_provision.reports.lines import line
from k8snet_provision.reports.outcome import outcome_to_json
from k8snet_provision.reports.progress import ConsoleProgress


def print_plan(plan: Plan, foretold: Forecast | None, session: workflow.Session, output: Output) -> None:
    if output is Output.JSON:
        print(json.dumps(_to_json(plan, foretold), indent=2))
        return
    console.show_problems(err(), plan.problems)
    console.show_plan(out(), plan, {phase.name: phase.pace for phase in session.site})
    if foretold:
        show_forecast(out(), foretold)


def _to_json(plan: Plan, foretold: Forecast | None) -> dict[str, Any]:
    return plan.to_json() | {"forecast": foretold.to_json() if foretold else None}


@dataclass
class Asking:
    """Shows the plan and asks whether to carry it out; only at a terminal, else --yes must have said so."""

    session: workflow.Session
    progress: ConsoleProgress
    output: Output
    show: bool
    yes: bool
    shown: bool = False
    asked: bool = False
    foretold: Forecast | None = None

    def __call__(self, plan: Plan, foretold: Forecast | None) -> bool:
        self.progress.pause()
        self.asked, self.foretold = True, foretold
        if self.output is Output.TEXT and (self.show or not self.yes):
            print_plan(plan, foretold, self.session, self.output)
            self.shown = True
        answer = self.yes or (sys.stdin.isatty() and typer.confirm("Apply?", err=True))
        self.progress.resume()
        return answer


def say_why_not(plan: Plan, session: workflow.Session, asking: Asking) -> None:
    if asking.asked and not sys.stdin.isatty():
        err().print("not a terminal: give --yes to apply without being asked")
    elif workflow.errors(plan.problems):
        err().print("nothing was changed: what is refused comes first")
    elif plan.changes and workflow.unseen(plan, session.cluster):
        err().print("nothing was changed: what could not be observed decides about the rest")


def print_ended(plan: Plan, foretold: Forecast | None, ended: Ended, output: Output, inventory: str) -> None:
    """What came of a run, and what the operator can do about it."""
    actual = compare(foretold, ended.outcome) if foretold else None
    if output is Output.JSON:
        told: dict[str, Any] = {"run": ended.run_id, "awaits_confirmation": list(ended.awaits)}
        told |= {"outcome": outcome_to_json(ended.outcome), "actual": actual.to_json() if actual else None}
        print(json.dumps(_to_json(plan, foretold) | told, indent=2))
        return
    if actual:
        show_forecast_and_actual(out(), actual)
    console.show_problems(err(), ended.warnings)
    console.show_outcome(out(), ended.outcome)
    say(f"run {ended.run_id}; `rollback {inventory} {ended.run_id}` undoes it")
    if ended.awaits:
        hosts = ", ".join(ended.awaits) + (" goes" if len(ended.awaits) == 1 else " go")
        say(f"NOT CONFIRMED: {hosts} back unless `confirm {inventory} {ended.run_id}` comes", "bold yellow")


def say(text: str, style: str = "") -> None:
    line(out(), text, style)
