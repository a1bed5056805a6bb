"""What several commands take, and where they print."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from k8snet_provision import workflow


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


Inventory = Annotated[Path, typer.Argument(help="Inventory: a directory or a file, as Ansible reads it.")]
Limit = Annotated[str, typer.Option("--limit", "-l", help="Hosts or groups, as Ansible's --limit.")]
Tags = Annotated[str, typer.Option("--tags", "-t", help="Only these phases, comma separated.")]
Forks = Annotated[int, typer.Option("--forks", "-f", min=1, max=1000, help="Hosts spoken to at once.")]
Extra = Annotated[list[str], typer.Option("--extra-vars", "-e", help="key=value, {json} or @file; wins over all.")]
Vault = Annotated[list[Path], typer.Option("--vault-password-file", help="File holding the vault's password.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say each step, not its result only.")]
Out = Annotated[Output, typer.Option("--output", "-o", help="How the result is printed.")]

CARE = "Care"
"""The panel of help for how careful a run is."""


def out() -> Console:
    return Console(highlight=False)


def err() -> Console:
    return Console(stderr=True, highlight=False)


def request_of(
    inventory: Path, limit: str, tags: str, forks: int, extra: list[str], vault: list[Path], client: str = ""
) -> Any:
    from k8snet_provision.inventory.extra_vars import extra_vars

    return workflow.Request(inventory, limit, tags, forks, extra_vars(extra), tuple(vault), client)
