"""diff, show and apply: what would change, what was approved, and changing it."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from k8snet_provision import ending, exits, workflow
from k8snet_provision.cli.options import Extra, Forks, Inventory, Limit, Out, Output, Tags, Vault, err, out, request_of
from k8snet_provision.plan import Plan
from k8snet_provision.reports import console, ticket
from k8snet_provision.reports.progress import ConsoleProgress
from k8snet_provision.reports.ticket import Ticket
from k8snet_provision.saved_plan import file as saved_plans


def diff(
    inventory: Inventory,
    limit: Limit = "",
    tags: Tags = "",
    forks: Forks = 100,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    output: Out = Output.TEXT,
    save: Annotated[Path | None, typer.Option(help="Keep the plan in this file, for `apply FILE`.")] = None,
) -> None:
    """Show what `apply` would change. Exit 0: nothing, 2: something, 1: refused, 3: not all could be seen."""
    request = request_of(inventory.resolve() if save else inventory, limit, tags, forks, extra, vault)
    if save:
        saved_plans.refuse_target(save)
    with ConsoleProgress(err()) as progress, _session(request) as session:
        progress.step(f"observing {len(session.hosts)} hosts")
        plan, _ = workflow.diff(session)
        progress.pause()
        _print_plan(plan, session, output)
        if save:
            kept = workflow.saved(session, plan)
            saved_plans.write(save, kept)
            err().print(Text(f"saved to {save} (sha256 {kept.digest})"), soft_wrap=True)
    raise typer.Exit(exits.of_plan(plan))


def _session(request: workflow.Request) -> AbstractContextManager[workflow.Session]:
    """For the inventory, or for the one of a saved plan when that is what was named."""
    if not saved_plans.is_saved_plan(request.inventory):
        return workflow.session(request)
    if request.limit or request.tags:
        raise ending.misuse("--limit and --tags are part of a saved plan", hint="save another plan")
    return workflow.approved_session(request, saved_plans.read(request.inventory))


def _print_plan(plan: Plan, session: workflow.Session, output: Output) -> None:
    if output is Output.JSON:
        print(json.dumps(plan.to_json(), indent=2))
        return
    console.show_problems(err(), plan.problems)
    console.show_plan(out(), plan, {phase.name: phase.pace for phase in session.site})


def show(
    plan: Annotated[Path, typer.Argument(help="A plan that `diff --save` kept.")],
    output: Annotated[Ticket, typer.Option("--output", "-o", help="How it is printed.")] = Ticket.TEXT,
) -> None:
    """Print a saved plan again, for reading or for a change ticket. Speaks to no host."""
    saved = saved_plans.read(plan)
    if output is Ticket.TEXT:
        console.show_problems(err(), saved.plan.problems)
        err().print(Text(ticket.provenance(saved)), soft_wrap=True)
        console.show_plan(out(), saved.plan, saved.paces)
    else:
        print(ticket.FORMS[output](saved))


def apply(
    inventory: Inventory,
    limit: Limit = "",
    tags: Tags = "",
    forks: Forks = 100,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    check: Annotated[bool, typer.Option("--check", "-C", help="Change nothing: the same as diff.")] = False,
    show_diff: Annotated[bool, typer.Option("--diff/--no-diff", "-D", help="Show the plan first.")] = True,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, help="Say each step, not its result only.")
    ] = 0,
    output: Out = Output.TEXT,
) -> None:
    """Change what differs, in the order of the site table, after showing it and asking.

    INVENTORY may be a plan that `diff --save` kept: then exactly that plan, and nothing when anything has moved.
    """
    if check:
        diff(inventory, limit, tags, forks, extra, vault, output)
    request = request_of(inventory, limit, tags, forks, extra, vault)
    telling = ConsoleProgress(err(), quiet=output is Output.JSON, verbose=verbose > 0)
    with telling as progress, _session(request) as session:
        progress.step(f"observing {len(session.hosts)} hosts")
        asking = _Asking(session, progress, output, show_diff, yes)
        plan, outcome = workflow.apply(session, progress, asking)
        progress.pause()
        if outcome is None and not asking.shown:
            _print_plan(plan, session, output)
    if outcome is None:
        _say_why_not(plan, session, asking)
        raise typer.Exit(exits.of_plan(plan))
    if output is Output.JSON:
        from k8snet_provision.reports.outcome import outcome_to_json

        print(json.dumps(plan.to_json() | {"outcome": outcome_to_json(outcome)}, indent=2))
    else:
        console.show_outcome(out(), outcome)
    raise typer.Exit(exits.of_outcome(plan, outcome))


@dataclass
class _Asking:
    """Shows the plan and asks whether to carry it out; only at a terminal, else --yes must have said so."""

    session: workflow.Session
    progress: ConsoleProgress
    output: Output
    show: bool
    yes: bool
    shown: bool = False
    asked: bool = False

    def __call__(self, plan: Plan) -> bool:
        self.progress.pause()
        self.asked = True
        if self.output is Output.TEXT and (self.show or not self.yes):
            _print_plan(plan, self.session, self.output)
            self.shown = True
        answer = self.yes or (sys.stdin.isatty() and typer.confirm("Apply?", err=True))
        self.progress.resume()
        return answer


def _say_why_not(plan: Plan, session: workflow.Session, asking: _Asking) -> None:
    if asking.asked and not sys.stdin.isatty():
        err().print("not a terminal: give --yes to apply without being asked")
    elif workflow.errors(plan.problems):
        err().print("nothing was changed: what is refused comes first")
    elif plan.changes and workflow.unseen(plan, session.cluster):
        err().print("nothing was changed: what could not be observed decides about the rest")
