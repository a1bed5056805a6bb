"""The commands. Each says what it needs, calls one workflow, prints one report and picks one exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from k8snet_provision import ending, interruption
from k8snet_provision.cli import (
    changing,
    confirming,
    drift,
    going_back,
    looking_back,
    merging,
    proving,
    reading,
    watching,
)
from k8snet_provision.lab.commands import app as lab
from k8snet_provision.saved_plan import tool

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def _show_version(asked: bool) -> None:
    if asked:
        print(ending.PROGRAM, tool.version())
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """The network of on-prem Kubernetes clusters: what differs, set right, proved."""


app.add_typer(lab, name="lab")
app.add_typer(drift.app, name="drift")
app.add_typer(merging.app, name="reports")
for command in (
    changing.diff,
    changing.show,
    changing.apply,
    confirming.confirm,
    going_back.rollback,
    looking_back.history,
    proving.verify,
    watching.watch,
    reading.lint,
    reading.inventory,
    reading.graph,
    reading.schema,
):
    app.command()(command)


def main() -> None:
    """The entry point."""
    interruption.remember()
    sys.exit(ending.run(app, sys.argv[1:]))
