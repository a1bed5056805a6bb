"""lint, inventory, graph and schema: what is written, without speaking to a host."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from typing import Annotated

import typer

from k8snet_provision import ending, sources, workflow
from k8snet_provision.cli.options import Extra, Inventory, Out, Output, Vault, out, request_of
from k8snet_provision.drift import exceptions
from k8snet_provision.exits import Exit
from k8snet_provision.plan import problem_to_json
from k8snet_provision.problems import ProblemsFound
from k8snet_provision.reports import console


def lint(
    inventory: Inventory,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    output: Out = Output.TEXT,
) -> None:
    """Check the inventory and the topology without speaking to a host; all problems at once."""
    from k8snet_provision.topology.lint import lint as find

    request = request_of(inventory, "", "", 1, extra, vault)
    passwords = workflow.vault_passwords(request)
    here = sources.on_this_machine
    problems = find(
        inventory, extra_vars=request.extra_vars, vault_passwords=passwords, sources=here, more=exceptions.problems
    )
    if output is Output.JSON:
        print(json.dumps([problem_to_json(problem) for problem in problems], indent=2))
    else:
        console.show_problems(out(), problems)
        if not problems:
            out().print("no problems found")
    raise typer.Exit(Exit.FAILED if workflow.errors(problems) else Exit.SAME)


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


def graph(
    inventory: Inventory,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    output: Annotated[Picture, typer.Option("--output", "-o", help="How it is drawn.")] = Picture.TEXT,
) -> None:
    """Draw the wanted way of requests, from the client to the pods, without speaking to a host."""
    from k8snet_provision import topology
    from k8snet_provision.reports import graph

    cluster, problems = topology.read(workflow.read_inventory(request_of(inventory, "", "", 1, extra, vault)))
    if cluster is None:
        raise ProblemsFound(problems)
    way = graph.way_of_requests(cluster)
    print(graph.as_mermaid(way) if output is Picture.MERMAID else graph.as_text(way), end="")


class Described(StrEnum):
    TOPOLOGY = "topology"
    DRIFT = "drift"


def schema(
    what: Annotated[
        Described, typer.Argument(help="The variable `topology`, for editors, or what `drift` gives as JSON.")
    ] = Described.TOPOLOGY,
) -> None:
    """Print a JSON Schema."""
    from k8snet_provision.drift import schema as drift
    from k8snet_provision.topology import schema as topology

    described = {Described.TOPOLOGY: topology.json_schema, Described.DRIFT: drift.json_schema}[what]
    print(json.dumps(described(), indent=2))
