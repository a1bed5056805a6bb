"""drift: what is not as it should be, every night, read only. One file a command."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from k8snet_provision.cli.drift.install import install, readable
from k8snet_provision.cli.drift.look import look
from k8snet_provision.cli.drift.permissions import permissions
from k8snet_provision.cli.drift.status import status

LOOK = "look"


class LookUnlessNamed(TyperGroup):
    """`drift INVENTORY` is `drift look INVENTORY`: the first word is a command only where it is one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = not args or args[0] in {*self.commands, "--help"}
        return super().parse_args(ctx, args if named else [LOOK, *args])


app = typer.Typer(
    cls=LookUnlessNamed,
    subcommand_metavar="INVENTORY... | COMMAND ...",
    no_args_is_help=True,
    help="What is not as it should be; changes nothing.",
)
app.command(LOOK)(look)
app.command()(permissions)
app.command()(install)
app.command()(status)
app.command(hidden=True)(readable)
