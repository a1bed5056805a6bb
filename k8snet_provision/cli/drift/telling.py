"""How drift tells what it found, in one place for every command that has reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from k8snet_provision import exits
from k8snet_provision.cli.options import Output, err, out
from k8snet_provision.drift.looks import Looks
from k8snet_provision.exits import Exit
from k8snet_provision.reports.console import show_problems
from k8snet_provision.reports.drift import console, json, targets
from k8snet_provision.reports.drift.forms import FORMS
from k8snet_provision.reports.drift.targets import Target

Files = Annotated[
    list[str],
    typer.Option("--report", metavar="KIND=FILE", help=f"Write a file too: {', '.join(FORMS)}. May be repeated."),
]
"""What a command takes; `targets.targets` judges it, before a host is asked."""


def tell(looks: Looks, output: Output, files: Sequence[Target] = ()) -> Exit:
    """Files first, as perhaps nobody reads what is printed: problems on stderr, reports on stdout."""
    unwritten = targets.write(files, looks)
    show_problems(err(), [*looks.all_problems, *unwritten])
    if output is Output.JSON:
        print(json.text(looks), end="")
    else:
        console.show(out(), looks.reports)
    return Exit.FAILED if unwritten else exits.of_looks(looks)
