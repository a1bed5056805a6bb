"""drift status: what the last looks came to, without looking."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from k8snet_provision.cli.drift.options import State
from k8snet_provision.cli.options import Out, Output, out
from k8snet_provision.reports.drift import status as report
from k8snet_provision.scheduling import status as statuses


def status(
    inventories: Annotated[
        list[Path], typer.Argument(metavar="[INVENTORY...]", help="All with a timer here where none is named.")
    ] = [],  # noqa: B006
    state: State = None,
    output: Out = Output.TEXT,
) -> None:
    """Tell what the last looks came to, and when the next is due. Speaks to no host.

    The exit code is the last look's; 3 where there was none, or where it is older than twice the time between two.
    """
    found = statuses.of(inventories, state, datetime.now(UTC))
    if output is Output.JSON:
        print(json.dumps({"inventories": [statuses.to_json(item) for item in found]}, indent=2))
    else:
        report.show(out(), found)
    raise typer.Exit(statuses.exit_of(found))
