"""The commands. Each says what it needs, calls one workflow, prints one report and picks one exit code."""

from __future__ import annotations

import json
import os
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from k8snet_provision import ending, exits, sources, workflow
from k8snet_provision.exits import Exit
from k8snet_provision.lab.commands import app as lab
from k8snet_provision.plan import Plan, problem_to_json
from k8snet_provision.problems import ProblemsFound
from k8snet_provision.reports import console, junit, ticket
from k8snet_provision.reports.progress import ConsoleProgress
from k8snet_provision.reports.ticket import Ticket
from k8snet_provision.saved_plan import file as saved_plans

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The network of on-prem Kubernetes clusters: what differs, set right, proved.",
)
app.add_typer(lab, name="lab")


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


Inventory = Annotated[Path, typer.Argument(help="Inventory: a directory or a file, as Ansible reads it.")]
Limit = Annotated[str, typer.Option("--limit", "-l", help="Hosts or groups, as Ansible's --limit.")]
Tags = Annotated[str, typer.Option("--tags", "-t", help="Only these phases, comma separated.")]
Forks = Annotated[int, typer.Option("--forks", "-f", min=1, max=1000, help="Hosts spoken to at once.")]
Extra = Annotated[list[str], typer.Option("--extra-vars", "-e", help="key=value, {json} or @file; wins over all.")]
Vault = Annotated[list[Path], typer.Option("--vault-password-file", help="File holding the vault's password.")]
Out = Annotated[Output, typer.Option("--output", "-o", help="How the result is printed.")]


def _out() -> Console:
    return Console(highlight=False)


def _err() -> Console:
    return Console(stderr=True, highlight=False)


def _request(
    inventory: Path, limit: str, tags: str, forks: int, extra: list[str], vault: list[Path], client: str = ""
) -> Any:
    from k8snet_provision.inventory.extra_vars import extra_vars

    return workflow.Request(inventory, limit, tags, forks, extra_vars(extra), tuple(vault), client)


@app.command()
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
    request = _request(inventory.resolve() if save else inventory, limit, tags, forks, extra, vault)
    if save:
        saved_plans.refuse_target(save)
    with ConsoleProgress(_err()) as progress, _session(request) as session:
        progress.step(f"observing {len(session.hosts)} hosts")
        plan, _ = workflow.diff(session)
        progress.pause()
        _print_plan(plan, session, output)
        if save:
            kept = workflow.saved(session, plan)
            saved_plans.write(save, kept)
            _err().print(Text(f"saved to {save} (sha256 {kept.digest})"), soft_wrap=True)
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
    console.show_problems(_err(), plan.problems)
    console.show_plan(_out(), plan, {phase.name: phase.pace for phase in session.site})


@app.command()
def show(
    plan: Annotated[Path, typer.Argument(help="A plan that `diff --save` kept.")],
    output: Annotated[Ticket, typer.Option("--output", "-o", help="How it is printed.")] = Ticket.TEXT,
) -> None:
    """Print a saved plan again, for reading or for a change ticket. Speaks to no host."""
    saved = saved_plans.read(plan)
    if output is Ticket.TEXT:
        console.show_problems(_err(), saved.plan.problems)
        _err().print(Text(ticket.provenance(saved)), soft_wrap=True)
        console.show_plan(_out(), saved.plan, saved.paces)
    else:
        print(ticket.FORMS[output](saved))


@app.command()
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
    request = _request(inventory, limit, tags, forks, extra, vault)
    telling = ConsoleProgress(_err(), quiet=output is Output.JSON, verbose=verbose > 0)
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
        console.show_outcome(_out(), outcome)
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
        _err().print("not a terminal: give --yes to apply without being asked")
    elif workflow.errors(plan.problems):
        _err().print("nothing was changed: what is refused comes first")
    elif plan.changes and workflow.unseen(plan, session.cluster):
        _err().print("nothing was changed: what could not be observed decides about the rest")


class Verdict(StrEnum):
    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


@app.command()
def verify(
    inventory: Inventory,
    limit: Limit = "",
    forks: Forks = 100,
    client: Annotated[
        str, typer.Option("--from", help="The host that sends requests from outside the cluster, not this machine.")
    ] = "",
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    output: Annotated[Verdict, typer.Option("--output", "-o", help="How the result is printed.")] = Verdict.TEXT,
) -> None:
    """Prove the network by use: from outside, from every host and from inside pods. Exit 0: proved, 1: not, 3: not all.

    Requests from outside the cluster are sent by this machine, or by --from through the SSH connection to it.
    """
    request = _request(inventory, limit, "", forks, extra, vault, client)
    with ConsoleProgress(_err()) as progress, workflow.session(request) as session:
        progress.step(f"verifying on {len(session.hosts)} hosts")
        world, results = workflow.verify(session)
    if output is Verdict.JUNIT:
        print(junit.to_xml(session.cluster.name, results))
    elif output is Verdict.JSON:
        print(json.dumps([vars(result) for result in results], indent=2))
    else:
        console.show_verdict(_out(), world, results)
    raise typer.Exit(exits.of_verification(world, results))


@app.command()
def lint(
    inventory: Inventory,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    output: Out = Output.TEXT,
) -> None:
    """Check the inventory and the topology without speaking to a host; all problems at once."""
    from k8snet_provision.topology.lint import lint as find

    request = _request(inventory, "", "", 1, extra, vault)
    passwords = workflow.vault_passwords(request)
    here = sources.on_this_machine
    problems = find(inventory, extra_vars=request.extra_vars, vault_passwords=passwords, sources=here)
    if output is Output.JSON:
        print(json.dumps([problem_to_json(problem) for problem in problems], indent=2))
    else:
        console.show_problems(_out(), problems)
        if not problems:
            _out().print("no problems found")
    raise typer.Exit(Exit.FAILED if workflow.errors(problems) else Exit.SAME)


@app.command()
def inventory(
    inventory: Inventory,
    as_list: Annotated[bool, typer.Option("--list", help="All groups, and the variables of all hosts.")] = False,
    as_graph: Annotated[bool, typer.Option("--graph", help="The groups as a tree.")] = False,
    host: Annotated[str, typer.Option("--host", help="The variables of one host.")] = "",
    variables: Annotated[bool, typer.Option("--vars", help="With --graph: variables too.")] = False,
    export: Annotated[bool, typer.Option("--export", help="With --list: variables where they are written.")] = False,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
) -> None:
    """Print what `ansible-inventory` prints of the same inventory."""
    from k8snet_provision.inventory import listing, load, password_files
    from k8snet_provision.inventory.extra_vars import extra_vars

    if [as_list, as_graph, bool(host)].count(True) != 1:
        raise ending.misuse("give one of --list, --graph, --host")
    passwords = password_files(vault, os.environ) or None  # none given: vaulted values are listed closed
    read = load(inventory, extra_vars=extra_vars(extra), vault_passwords=passwords)
    if host and host not in read.hosts:
        raise ending.misuse(
            "the inventory has no such host", found=host, hint=f"known: {', '.join([*read.hosts][:20])}"
        )
    if host:
        print(listing.host_json(read, host))
    else:
        print(listing.graph(read, variables=variables) if as_graph else listing.list_json(read, export=export))


class Picture(StrEnum):
    TEXT = "text"
    MERMAID = "mermaid"


@app.command()
def graph(
    inventory: Inventory,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    output: Annotated[Picture, typer.Option("--output", "-o", help="How it is drawn.")] = Picture.TEXT,
) -> None:
    """Draw the wanted way of requests, from the client to the pods, without speaking to a host."""
    from k8snet_provision import topology
    from k8snet_provision.reports import graph

    cluster, problems = topology.read(workflow.read_inventory(_request(inventory, "", "", 1, extra, vault)))
    if cluster is None:
        raise ProblemsFound(problems)
    way = graph.way_of_requests(cluster)
    print(graph.as_mermaid(way) if output is Picture.MERMAID else graph.as_text(way), end="")


@app.command()
def schema() -> None:
    """Print the JSON Schema of the variable `topology`, for editors."""
    from k8snet_provision.topology.schema import json_schema

    print(json.dumps(json_schema(), indent=2))


def main() -> None:
    """The entry point."""
    sys.exit(ending.run(app, sys.argv[1:]))
