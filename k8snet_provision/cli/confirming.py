"""confirm: what a run changed stays, although it would go back by itself otherwise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from k8snet_provision import around, commit_confirm, topology, workflow
from k8snet_provision.cli.options import Extra, Forks, Inventory, Out, Output, Vault, err, out, request_of
from k8snet_provision.commit_confirm import Confirmation
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.exits import Exit
from k8snet_provision.inventory import connection
from k8snet_provision.plan import problem_to_json
from k8snet_provision.problems import ProblemsFound
from k8snet_provision.reports import console
from k8snet_provision.reports.lines import line
from k8snet_provision.reports.progress import ConsoleProgress
from k8snet_provision.run_lock import under_way
from k8snet_provision.runs import journal
from k8snet_provision.runs.model import ID, Event, now


def confirm(
    inventory: Inventory,
    run: Annotated[str, typer.Argument(metavar="ID", help="The run, as `apply --confirm-within` printed it.")],
    forks: Forks = 100,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    output: Out = Output.TEXT,
) -> None:
    """Keep what a run changed under --confirm-within. Exit 0: it stays everywhere, 1: not, 3: not all could be told."""
    if not ID.fullmatch(run):
        raise ProblemsFound([commit_confirm.unknown(run)])
    request = request_of(inventory, "", "", forks, extra, vault)
    with ConsoleProgress(err(), quiet=output is Output.JSON) as progress:
        progress.step(f"confirming run {run}")
        confirmation = _confirm(request, run)
    if output is Output.JSON:
        print(json.dumps(_to_json(confirmation), indent=2))
    else:
        _show(confirmation)
    raise typer.Exit(_exit(confirmation))


def _confirm(request: workflow.Request, run: str) -> Confirmation:
    """Needs no valid topology: what it says may be what has to be mended within the window."""
    inventory = workflow.read_inventory(request)
    cluster, _ = topology.read(inventory)
    connections, problems = connection.connections(inventory)
    if workflow.errors(problems):
        raise ProblemsFound(problems)
    hosts = [member.name for member in cluster.members] if cluster else [*connections]
    with Fleet({host: connections[host] for host in hosts}, request.forks) as fleet:
        other = under_way(fleet, cluster.control_planes) if cluster else None
        if other and not commit_confirm.goes_back(other, run):
            raise ProblemsFound([other])
        confirmation = commit_confirm.confirm(fleet, hosts, run)
        _keep(confirmation, fleet, cluster.control_planes if cluster else (), request.inventory)
        return confirmation


def _keep(confirmation: Confirmation, fleet: Fleet, control_planes: Sequence[str], inventory: Path) -> None:
    """In the run's journal, for history. The hosts know it by themselves: whatever fails here changes nothing."""
    if not confirmation.confirmed:
        return
    event = Event(now(), "confirmed", details=dict.fromkeys(confirmation.confirmed, ""))
    for run in around.known_runs(fleet, control_planes, inventory):
        if run.id == confirmation.run:
            with suppress(OSError, ProblemsFound):
                journal.mark(fleet, control_planes, run, event)


def _show(confirmation: Confirmation) -> None:
    console.show_problems(err(), confirmation.problems)
    if confirmation.confirmed:
        stays = f"run {confirmation.run} is confirmed on {', '.join(confirmation.confirmed)}: what it changed stays"
        line(out(), stays)


def _to_json(confirmation: Confirmation) -> dict[str, object]:
    problems = [problem_to_json(problem) for problem in confirmation.problems]
    return {"run": confirmation.run, "confirmed": list(confirmation.confirmed), "problems": problems}


def _exit(confirmation: Confirmation) -> Exit:
    if confirmation.failed:
        return Exit.FAILED
    return Exit.INCOMPLETE if confirmation.problems else Exit.SAME
