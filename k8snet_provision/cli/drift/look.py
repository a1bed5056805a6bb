"""drift INVENTORY...: one look at one or several inventories."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from k8snet_provision import drifting, ending
from k8snet_provision import inventories as many
from k8snet_provision.cli.drift.options import InstalledLook, Kubeconfig, State
from k8snet_provision.cli.drift.telling import Files, tell
from k8snet_provision.cli.options import Extra, Forks, Limit, Out, Output, Vault, err, request_of
from k8snet_provision.drift import Report, Shard, accepting, memory_file, shards
from k8snet_provision.reports.console import show_problems
from k8snet_provision.reports.drift import targets
from k8snet_provision.reports.progress import ConsoleProgress
from k8snet_provision.session import Session

KNOWN = "Known exceptions"
"""The panel of help."""


class ClusterFrom(StrEnum):
    CONTROL_PLANE = "control-plane"
    HERE = "here"


def look(
    inventories: Annotated[list[Path], typer.Argument(metavar="INVENTORY...", help="One or several inventories.")],
    limit: Limit = "",
    forks: Forks = 100,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    output: Out = Output.TEXT,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Only the Ith of N parts of the hosts; auto/N in an Indexed Job.")
    ] = "",
    cluster_from: Annotated[
        ClusterFrom, typer.Option(help="Who reads the cluster: a control plane's kubectl, or the one here.")
    ] = ClusterFrom.CONTROL_PLANE,
    report: Files = [],  # noqa: B006
    installed_look: InstalledLook = False,
    kubeconfig: Kubeconfig = "",
    state: State = None,
    accept: Annotated[
        list[str],
        typer.Option(metavar="FINGERPRINT", help="Keep this finding as a known exception.", rich_help_panel=KNOWN),
    ] = [],  # noqa: B006
    until: Annotated[
        str, typer.Option(metavar="DATE", help="With --accept: its last day, YYYY-MM-DD.", rich_help_panel=KNOWN)
    ] = "",
    reason: Annotated[str, typer.Option(help="With --accept: why it is accepted.", rich_help_panel=KNOWN)] = "",
) -> None:
    """Find what is not as the topology wants it, or does not work as it says. Changes nothing, anywhere.

    Several inventories are looked at side by side, hosts that they share over one connection.

    Exit 0: in sync, 2: drift, 1: failed, 3: not all could be seen.
    """
    part, files = _shard(shard), targets.targets(report)
    place, limited = memory_file.directory(state), " ".join(filter(None, (limit, shard)))
    asked = accepting.asked(accept, until, reason, datetime.now(UTC).date())
    if asked and len(many.distinct(inventories)) > 1:
        raise ending.misuse("--accept goes with one inventory", f"{len(inventories)} inventories")
    with ConsoleProgress(err(), quiet=output is Output.JSON) as progress:

        def work(session: Session) -> Report:
            progress.step(f"{session.cluster.name}: observing {len(session.hosts)} hosts")
            return memory_file.remember(drifting.look(session, part, asked), place, limited)

        request = replace(
            request_of(inventories[0], limit, "", forks, extra, vault),
            cluster_from_here=cluster_from is ClusterFrom.HERE,
            installed_look=installed_look,
            kubeconfig=kubeconfig,
        )
        looks = many.look(request, inventories, work)
    if not asked:
        show_problems(err(), memory_file.remember_failures(looks.failed, place, limited))
    raise typer.Exit(tell(looks, output, files))


def _shard(text: str) -> Shard | None:
    try:
        return shards.parse(text, os.environ) if text else None
    except ValueError as wrong:
        raise ending.misuse(str(wrong), text, shards.EXPECTED) from None
