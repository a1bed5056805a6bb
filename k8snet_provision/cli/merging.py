"""reports merge: what shards reported, as one report."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from k8snet_provision import duration
from k8snet_provision.cli.drift.telling import Files, tell
from k8snet_provision.cli.options import Out, Output
from k8snet_provision.drift import merging, report_files
from k8snet_provision.drift.problem_codes import ProblemCode
from k8snet_provision.duration import Bounds
from k8snet_provision.reports.drift import targets

WITHIN = Bounds("--within", ProblemCode.WITHIN, 1, 7 * 24 * 3600)

app = typer.Typer(no_args_is_help=True, help="Reports of drift, once they are made.")


@app.callback()
def reports() -> None:
    """Keeps `merge` a command of its own name while it is the only one."""


@app.command()
def merge(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Reports of shards, as JSON; - is standard input.")
    ],
    within: Annotated[str, typer.Option(metavar="TIME", help="Begun further apart: not of one run.")] = "1h",
    output: Out = Output.TEXT,
    report: Files = [],  # noqa: B006
) -> None:
    """Make one report of those of shards, of each cluster. What is missing or belongs to another run is named.

    Exit 0: in sync, 2: drift, 1: a file is damaged, 3: a shard is missing, or could not see all.
    """
    wanted = targets.targets(report)
    apart = timedelta(seconds=duration.seconds(within, WITHIN))
    looks = merging.merge([report_files.read(files)], apart)
    raise typer.Exit(tell(looks, output, wanted))
