"""drift INVENTORY...: one look at one or several inventories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from k8snet_provision import drifting, exits, workflow
from k8snet_provision.cli.options import Extra, Forks, Limit, Out, Output, Vault, err, out, request_of
from k8snet_provision.drift.report import to_json
from k8snet_provision.reports.drift import console
from k8snet_provision.reports.progress import ConsoleProgress


def look(
    inventories: Annotated[list[Path], typer.Argument(metavar="INVENTORY...", help="One or several inventories.")],
    limit: Limit = "",
    forks: Forks = 100,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    output: Out = Output.TEXT,
) -> None:
    """Find what is not as the topology wants it, or does not work as it says. Changes nothing, anywhere.

    Exit 0: in sync, 2: drift, 1: failed, 3: not all could be seen.
    """
    reports = []
    with ConsoleProgress(err(), quiet=output is Output.JSON) as progress:
        for inventory in inventories:
            with workflow.session(request_of(inventory, limit, "", forks, extra, vault)) as session:
                progress.step(f"{session.cluster.name}: observing {len(session.hosts)} hosts")
                reports.append(drifting.look(session))
    if output is Output.JSON:
        print(json.dumps({"reports": [to_json(report) for report in reports]}, indent=2))
    else:
        console.show(out(), reports)
    raise typer.Exit(exits.of_reports(reports))
