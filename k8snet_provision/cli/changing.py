"""diff, show and apply: what would change, what was approved, and changing it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from k8snet_provision import applying, ending, exits, preflight, workflow
from k8snet_provision.applying import Care
from k8snet_provision.cli.asking import Asking, print_ended, print_plan, say_why_not
from k8snet_provision.cli.options import (
    CARE,
    Extra,
    Forks,
    Inventory,
    Limit,
    Out,
    Output,
    Tags,
    Vault,
    Verbose,
    Yes,
    err,
    out,
    request_of,
)
from k8snet_provision.commit_confirm import window as confirm_window
from k8snet_provision.problems import ProblemsFound
from k8snet_provision.reports import console, ticket
from k8snet_provision.reports.forecast import show_forecast
from k8snet_provision.reports.lines import line
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
        looked = workflow.diff(session)
        plan = looked.plan
        foretold = workflow.foretold(session, plan, looked.around.runs)
        progress.pause()
        print_plan(plan, foretold, session, output)
        if save:
            kept = workflow.saved(session, plan, foretold)
            saved_plans.write(save, kept)
            line(err(), f"saved to {save} (sha256 {kept.digest})")
    raise typer.Exit(exits.of_plan(plan))


def _session(request: workflow.Request) -> AbstractContextManager[workflow.Session]:
    """For the inventory, or for the one of a saved plan when that is what was named."""
    if not saved_plans.is_saved_plan(request.inventory):
        return workflow.session(request)
    if request.limit or request.tags:
        raise ending.misuse("--limit and --tags are part of a saved plan", hint="save another plan")
    return workflow.approved_session(request, saved_plans.read(request.inventory))


def show(
    plan: Annotated[Path, typer.Argument(help="A plan that `diff --save` kept.")],
    output: Annotated[Ticket, typer.Option("--output", "-o", help="How it is printed.")] = Ticket.TEXT,
) -> None:
    """Print a saved plan again, for reading or for a change ticket. Speaks to no host."""
    saved = saved_plans.read(plan)
    if output is Ticket.TEXT:
        console.show_problems(err(), saved.plan.problems)
        line(err(), ticket.provenance(saved))
        console.show_plan(out(), saved.plan, saved.paces)
        if saved.forecast:
            show_forecast(out(), saved.forecast)
    else:
        print(ticket.FORMS[output](saved))


def apply(
    inventory: Inventory,
    limit: Limit = "",
    tags: Tags = "",
    forks: Forks = 100,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    yes: Yes = False,
    check: Annotated[
        bool, typer.Option("--check", "-C", help="Change nothing: diff, and whether apply would begin.")
    ] = False,
    show_diff: Annotated[bool, typer.Option("--diff/--no-diff", "-D", help="Show the plan first.")] = True,
    verbose: Verbose = 0,
    output: Out = Output.TEXT,
    canary: Annotated[str, typer.Option(metavar="HOST", help="This host first and alone.", rich_help_panel=CARE)] = "",
    max_failures: Annotated[
        int, typer.Option(min=0, help="So many hosts may fail, each put back, before it stops.", rich_help_panel=CARE)
    ] = 0,
    pause: Annotated[float, typer.Option(min=0, help="Seconds between two batches.", rich_help_panel=CARE)] = 0.0,
    confirm_within: Annotated[
        str,
        typer.Option(metavar="TIME", help="Hosts go back unless `confirm` comes: 10m, 1h.", rich_help_panel=CARE),
    ] = "",
    skip: Annotated[
        list[str], typer.Option(metavar="CODE", help="Leave this check of the preflight out.", rich_help_panel=CARE)
    ] = [],  # noqa: B006
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that was cut short.", rich_help_panel=CARE)
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Leave a run that was cut short as it is.", rich_help_panel=CARE)
    ] = False,
) -> None:
    """Change what differs, in the order of the site table, after showing it and asking.

    INVENTORY may be a plan that `diff --save` kept: then exactly that plan, and nothing when anything has moved.
    """
    window = confirm_window.seconds(confirm_within) if confirm_within else 0
    if wrong := preflight.unskippable(skip, applying.SKIPPABLE):
        raise ProblemsFound(wrong)
    care = Care(canary, max_failures, pause, window, tuple(skip))
    asked = request_of(inventory, limit, tags, forks, extra, vault)
    asked = workflow.as_begun(_told_apart(replace(asked, care=care, resume=resume, anew=anew)))
    telling = ConsoleProgress(err(), quiet=output is Output.JSON, verbose=verbose > 0)
    with telling as progress, _session(asked) as session:
        progress.step(f"observing {len(session.hosts)} hosts")
        if check:
            looked = workflow.preflight(session)
            plan = looked.plan
            foretold = workflow.foretold(session, plan, looked.around.runs)
            progress.pause()
            print_plan(plan, foretold, session, output)
            raise typer.Exit(exits.of_plan(plan))
        asking = Asking(session, progress, output, show_diff, yes)
        plan, ended = workflow.apply(session, progress, asking)
        progress.pause()
        if ended is None and not asking.shown:
            print_plan(plan, asking.foretold, session, output)
    if ended is None:
        say_why_not(plan, session, asking)
        raise typer.Exit(exits.of_plan(plan))
    print_ended(plan, asking.foretold, ended, output, str(session.request.inventory))
    raise typer.Exit(exits.of_outcome(plan, ended.outcome))


def _told_apart(asked: workflow.Request) -> workflow.Request:
    """Raises ProblemsFound for words that contradict each other."""
    if asked.resume and asked.anew:
        raise ending.misuse("--resume goes on with a run, --anew leaves it", hint="give one of them")
    if asked.resume and (asked.limit or asked.tags):
        raise ending.misuse("--limit and --tags are those of the run", hint="leave them away with --resume")
    if asked.resume and saved_plans.is_saved_plan(asked.inventory):
        raise ending.misuse("a run is gone on with by its inventory", hint="give the inventory, not the saved plan")
    return asked
