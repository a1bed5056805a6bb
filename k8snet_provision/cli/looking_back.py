"""history: which runs there were, and what one of them did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from k8snet_provision import workflow
from k8snet_provision.around import known_runs
from k8snet_provision.cli.options import Extra, Forks, Out, Output, Vault, err, out, request_of
from k8snet_provision.exits import Exit
from k8snet_provision.plan import problem_to_json
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.reports import console
from k8snet_provision.reports import history as reports
from k8snet_provision.reports.progress import ConsoleProgress
from k8snet_provision.runs import local
from k8snet_provision.runs.codes import Code
from k8snet_provision.runs.model import ID, Run


def history(
    what: Annotated[str, typer.Argument(metavar="INVENTORY|ID", help="Whose runs; or one run, by its id.")],
    hosts: Annotated[
        bool, typer.Option("--hosts", help="Also ask the control planes, for runs begun on another machine.")
    ] = False,
    forks: Forks = 100,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    output: Out = Output.TEXT,
) -> None:
    """List the runs of an inventory, or show one. Speaks to no host unless --hosts says so.

    Exit 0: told, 1: refused, 3: a control plane could not be asked.
    """
    if run_id := _named(what):
        _show(local.read(run_id), output)
        return
    inventory = Path(what)
    request = request_of(inventory, "", "", forks, extra, vault)
    runs, problems, away = _of_hosts(request, output) if hosts else _of_this_machine(request)
    _list(runs, problems, output, hosts)
    raise typer.Exit(Exit.INCOMPLETE if away else Exit.SAME)


def _named(what: str) -> str:
    """The run that is named, by its id or by its directory on this machine; empty when it is an inventory."""
    path = Path(what)
    is_name = not path.exists() and path.name == what
    return path.name if ID.fullmatch(path.name) and (is_name or path.absolute().parent == local.root()) else ""


def _list(runs: list[Run], problems: list[Problem], output: Output, hosts: bool) -> None:
    if output is Output.JSON:
        told = {"runs": [reports.run_to_json(run, runs) for run in runs]}
        print(json.dumps(told | {"problems": [problem_to_json(problem) for problem in problems]}, indent=2))
        return
    console.show_problems(err(), problems)
    if runs:
        reports.show_runs(out(), runs)
    else:
        err().print("no run is kept" + ("" if hosts else " on this machine; --hosts asks the control planes"))


def _show(run: Run, output: Output) -> None:
    among = local.runs()[0]
    if output is Output.JSON:
        print(json.dumps(reports.run_to_json(run, among, events=True), indent=2))
    else:
        reports.show_run(out(), run, among, str(local.root() / run.id))


def _of_this_machine(request: workflow.Request) -> tuple[list[Run], list[Problem], bool]:
    workflow.read_inventory(request)
    return local.runs_of(request.inventory), local.runs()[1], False


def _of_hosts(request: workflow.Request, output: Output) -> tuple[list[Run], list[Problem], bool]:
    quiet = output is Output.JSON
    with ConsoleProgress(err(), quiet=quiet) as progress, workflow.session(request) as session:
        progress.step("asking the control planes")
        reached = session.fleet.connect(session.cluster.control_planes)
        away = {host: why for host, why in reached.items() if why is not None}
        runs = known_runs(session.fleet, [host for host in reached if host not in away], request.inventory)
    text = "the control plane cannot be asked for its runs"
    problems = [Problem(Code.DAMAGED, text, host, str(why), severity=Severity.WARNING) for host, why in away.items()]
    return runs, [*local.runs()[1], *problems], bool(away)
