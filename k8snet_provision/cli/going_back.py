"""rollback: what runs did is undone."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from k8snet_provision import exits, workflow
from k8snet_provision import rollback as undoing
from k8snet_provision.applying import Ended
from k8snet_provision.cli.options import Extra, Forks, Inventory, Out, Output, Vault, err, out, request_of
from k8snet_provision.forecast import compare
from k8snet_provision.reports import console
from k8snet_provision.reports.forecast import show_forecast, show_forecast_and_actual
from k8snet_provision.reports.history import STANDS_AGAIN
from k8snet_provision.reports.lines import line
from k8snet_provision.reports.progress import ConsoleProgress
from k8snet_provision.rollback import Rollback
from k8snet_provision.runs.model import State


def rollback(
    inventory: Inventory,
    runs: Annotated[
        list[str], typer.Argument(metavar="ID", help="Runs; by default the newest that changed anything.")
    ] = [],  # noqa: B006
    forks: Forks = 100,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    check: Annotated[bool, typer.Option("--check", "-C", help="Change nothing: show what would be put back.")] = False,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, help="Say each step, not its result only.")
    ] = 0,
    output: Out = Output.TEXT,
) -> None:
    """Undo what runs did, as far as it is in effect, after showing it and asking.

    Exit 0: done, or nothing to do, 1: refused or failed, 2: --check found something, 3: not all could be seen.
    """
    request = request_of(inventory, "", "", forks, extra, vault)
    telling = ConsoleProgress(err(), quiet=output is Output.JSON, verbose=verbose > 0)
    with telling as progress, workflow.session(request) as session:
        progress.step("looking at what the runs changed")
        made = undoing.make(session, runs)
        progress.pause()
        if output is Output.TEXT:
            _show(made)
        if check or not _may_begin(made, session, yes):
            for run in () if check else undoing.close(session, made):
                line(err(), f"{run.id} had changed nothing when it was cut short; it counts as rolled back")
            if output is Output.JSON:
                print(json.dumps(_to_json(made), indent=2))
            raise typer.Exit(exits.of_plan(made.plan))
        progress.resume()
        ended = undoing.carry_out(session, made, progress)
        progress.pause()
    _report(made, ended, output)
    raise typer.Exit(exits.of_outcome(made.plan, ended.outcome))


def _show(made: Rollback) -> None:
    if not made.runs:
        err().print("nothing to roll back")
        return
    for run in made.runs:
        who = run.details.get("who", "somebody")
        state = STANDS_AGAIN if run.state is State.ROLLED_BACK else run.state
        line(err(), f"rolls back {run.id}: {run.verb} by {who}, {state}")
    console.show_plan(out(), made.plan, {phase.name: phase.pace for phase in made.site})
    if made.foretold:
        show_forecast(out(), made.foretold)


def _may_begin(made: Rollback, session: workflow.Session, yes: bool) -> bool:
    plan = made.plan
    if not plan.changes:
        return False
    if workflow.unseen(plan, session.cluster):
        err().print("nothing was changed: what could not be observed decides about the rest")
        return False
    if yes:
        return True
    if not sys.stdin.isatty():
        err().print("not a terminal: give --yes to roll back without being asked")
        return False
    return typer.confirm("Roll back?", err=True)


def _to_json(made: Rollback) -> dict[str, object]:
    foretold = made.foretold.to_json() if made.foretold else None
    return made.plan.to_json() | {"rolls_back": [run.id for run in made.runs], "forecast": foretold}


def _report(made: Rollback, ended: Ended, output: Output) -> None:
    console.show_problems(err(), ended.warnings)
    actual = compare(made.foretold, ended.outcome) if made.foretold else None
    if output is Output.TEXT:
        if actual:
            show_forecast_and_actual(out(), actual)
        console.show_outcome(out(), ended.outcome)
        return
    from k8snet_provision.reports.outcome import outcome_to_json

    told: dict[str, object] = {"run": ended.run_id, "outcome": outcome_to_json(ended.outcome)}
    told |= {"actual": actual.to_json() if actual else None}
    print(json.dumps(_to_json(made) | told, indent=2))
