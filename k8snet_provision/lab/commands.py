"""`k8snet-provision lab ...`: real hosts and a real cluster on this machine, from an inventory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from k8snet_provision.lab import artifacts, keys, lifecycle, processes, settings, snapshots
from k8snet_provision.lab.clone import clone as copy_inventory
from k8snet_provision.lab.progress import Say, WaitedTooLong, teller
from k8snet_provision.lab.state import Kind
from k8snet_provision.lab.status import Status
from k8snet_provision.lab.status import status as look
from k8snet_provision.problems import Problem, ProblemsFound

app = typer.Typer(
    help="Real hosts and a real cluster on this machine, from an inventory.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


class ControlPlane(StrEnum):
    SYSTEMD = "systemd"
    KUBEADM = "kubeadm"


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


Inventory = Annotated[Path, typer.Argument(help="Inventory directory with the variable `lab`.", show_default=False)]
Host = Annotated[str, typer.Argument(help="A host of the inventory, or `api`.", show_default=False)]
Limit = Annotated[str, typer.Option(help="Only these hosts, separated by commas.", show_default=False)]
Given = Annotated[
    Path | None,
    typer.Option("--artifacts", help="Directory with ready-made artifacts; nothing is built.", show_default=False),
]
Label = Annotated[str, typer.Argument(help="Name of the snapshot.", show_default=False)]


@contextmanager
def _failures() -> Iterator[None]:
    """Say what went wrong in lines, and end with 1."""
    try:
        yield
    except ProblemsFound as found:
        for problem in found.problems:
            print(problem, file=sys.stderr)
        raise typer.Exit(1) from None
    except subprocess.CalledProcessError as failure:
        print(f"lab: {' '.join(failure.cmd)}: {failure.stderr}", file=sys.stderr)
        raise typer.Exit(1) from None
    except (processes.CommandFailed, WaitedTooLong, TimeoutError, subprocess.TimeoutExpired) as failure:
        print(f"lab: {failure}", file=sys.stderr)
        raise typer.Exit(1) from None


def _read(inventory: Path, limit: str = "") -> settings.Lab:
    return settings.read(inventory, [name for name in limit.split(",") if name])


def _host(inventory: Path, name: str) -> tuple[settings.Lab, settings.Host]:
    lab = _read(inventory)
    names = [host.name for host in (*lab.everyone, lab.endpoint())]
    if name not in names:
        raise ProblemsFound([Problem("K8N507", f"no host {name}", str(inventory), expected=", ".join(names))])
    return lab, lab.host(name)


def _fetch(given: Path | None, say: Say) -> lifecycle.Fetch:
    return lambda: artifacts.ensure(say, given=given)


@app.command()
def up(
    inventory: Inventory,
    limit: Limit = "",
    hosts_only: Annotated[bool, typer.Option("--hosts-only", help="Boot hosts, make no cluster.")] = False,
    control_plane: Annotated[
        ControlPlane | None, typer.Option(help="How the control plane runs; systemd unless the lab has another.")
    ] = None,
    given: Given = None,
) -> None:
    """Boot the inventory's hosts and make a cluster of them; repair what is not running."""
    kind: Kind | None = control_plane.value if control_plane else None
    with _failures():
        say = teller()
        lifecycle.up(_read(inventory, limit), "none" if hosts_only else kind, _fetch(given, say), say)


@app.command()
def down(inventory: Inventory) -> None:
    """End the lab and remove everything it made on this machine."""
    with _failures():
        lifecycle.down(_read(inventory), teller())


@app.command()
def status(inventory: Inventory, output: Annotated[Output, typer.Option()] = Output.TEXT) -> None:
    """Show the lab's hosts; ends with 2 when one is off or the lab is not there."""
    with _failures():
        lab = _read(inventory)
        found = look(lab)
    if output is Output.JSON:
        print(json.dumps(asdict(found) if found else None, indent=2))
    else:
        print(_table(found) if found else f"the lab {lab.name} is down")
    if found is None or not all(host.on and host.ssh for host in found.hosts):
        raise typer.Exit(2)


def _table(found: Status) -> str:
    cluster = f"{found.control_plane}, {'complete' if found.complete else 'incomplete'}"
    lines = [f"{found.name} · {'no cluster' if found.control_plane == 'none' else cluster}"]
    for host in found.hosts:
        state = "on" if host.on and host.ssh else "on, no SSH" if host.on else "off"
        lines.append(f"  {host.name:<12} {host.address:<15} {state:<10} {host.memory >> 20:>5} MiB")
    return "\n".join(lines)


@app.command()
def ssh(inventory: Inventory, host: Host, command: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Log in to a host as root, or run a command there, over SSH."""
    with _failures():
        lab, found = _host(inventory, host)
    options = ["-i", str(keys.client_key(lab)), "-o", f"UserKnownHostsFile={keys.known_hosts(lab)}"]
    options += ["-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=5"]
    os.execvp("ssh", ["ssh", *options, f"root@{found.address}", *(command or ())])


@app.command(name="exec")
def execute(inventory: Inventory, host: Host, command: list[str]) -> None:
    """Run a command in a host without the network; kubectl finds the cluster on control planes."""
    with _failures():
        lab, _ = _host(inventory, host)
        pid = processes.leader(lab, host)
        if pid is None:
            raise processes.CommandFailed(f"{host}: the host is off")
    argv = processes.entered(pid, command)
    os.execvp(argv[0], argv)


@app.command()
def clone(
    inventory: Inventory,
    target: Annotated[Path, typer.Argument(help="Directory to make.", show_default=False)],
    name: Annotated[str, typer.Option(help="Name of the new lab: up to six letters and digits.")],
    network: Annotated[str, typer.Option(help="Its network, as 10.78.0.0/24.")],
) -> None:
    """Copy an inventory as another lab, which may run beside the first."""
    with _failures():
        copy_inventory(inventory, target, name, network)


@app.command()
def snapshot(inventory: Inventory, label: Label, given: Given = None) -> None:
    """Keep the disks of all hosts; they are off for some seconds."""
    with _failures():
        say = teller()
        snapshots.snapshot(_read(inventory), label, _fetch(given, say), say)


@app.command()
def restore(inventory: Inventory, label: Label, given: Given = None) -> None:
    """Put the disks of all hosts back as they were at a snapshot."""
    with _failures():
        say = teller()
        snapshots.restore(_read(inventory), label, _fetch(given, say), say)


if __name__ == "__main__":
    app()
