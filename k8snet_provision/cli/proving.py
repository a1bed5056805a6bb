"""verify: the network proved by use."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from k8snet_provision import exits, workflow
from k8snet_provision.cli.options import Extra, Forks, Inventory, Limit, Vault, err, out, request_of
from k8snet_provision.reports import console, junit
from k8snet_provision.reports.progress import ConsoleProgress


class Verdict(StrEnum):
    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


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
    request = request_of(inventory, limit, "", forks, extra, vault, client)
    with ConsoleProgress(err()) as progress, workflow.session(request) as session:
        progress.step(f"verifying on {len(session.hosts)} hosts")
        world, results = workflow.verify(session)
    if output is Verdict.JUNIT:
        print(junit.to_xml(session.cluster.name, results))
    elif output is Verdict.JSON:
        print(json.dumps([vars(result) for result in results], indent=2))
    else:
        console.show_verdict(out(), world, results)
    raise typer.Exit(exits.of_verification(world, results))
