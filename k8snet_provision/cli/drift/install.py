"""drift install: a timer of systemd on the operator's machine; and what its user can read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from k8snet_provision import duration, ending, session
from k8snet_provision.cli.drift.options import InstalledLook, Kubeconfig
from k8snet_provision.cli.drift.telling import Files
from k8snet_provision.cli.options import Extra, Inventory, Out, Output, Vault, out, request_of
from k8snet_provision.drift import permissions
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.reports.drift import targets
from k8snet_provision.reports.lines import line
from k8snet_provision.scheduling import every as times
from k8snet_provision.scheduling import installing, reads, service_user, units
from k8snet_provision.scheduling.units import Schedule


def install(
    inventory: Inventory,
    every: Annotated[str, typer.Option(metavar="TIME", help="15m, or as OnCalendar= has it: 02:30.")] = "15m",
    report: Files = [],  # noqa: B006
    name: Annotated[str, typer.Option(help="Of the units, k8snet-drift-NAME; the inventory's by default.")] = "",
    user: Annotated[str, typer.Option(help="Who the service runs as; made when not there.")] = units.USER,
    installed_look: InstalledLook = False,
    kubeconfig: Kubeconfig = "",
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Take the units away.")] = False,
) -> None:
    """Look every so often: a service and a timer of systemd on this machine, as a user that may do little.

    Does nothing twice. Needs root. `drift status` tells what the looks found.
    """
    installing.refuse_elsewhere()
    if name and units.name_of(Path(name)) != name:
        raise ending.misuse("--name is no part of a unit's name", name, "letters, digits, _ . -")
    inventory = inventory.absolute()
    if not str(inventory).isprintable():
        raise ending.misuse("a unit cannot name this inventory", repr(str(inventory)))
    asked = _options(report, installed_look, kubeconfig, extra, vault)
    given = Schedule(name or units.name_of(inventory), inventory, 0, "", ())
    installing.refuse_another(given)
    if uninstall:
        _say(f"{given.timer} is gone" if installing.uninstall(given) else f"{given.timer} was not there")
        return
    interval, calendar = times.read(every)
    if not permissions.USER_NAME.fullmatch(user):
        raise ending.misuse("--user is no name of a user", user)
    opened = session.opened(_request(inventory, installed_look, kubeconfig, extra, vault))
    made = service_user.make(user)
    if unreadable := service_user.what_it_cannot_read(user, [str(inventory), *asked]):
        raise ProblemsFound(unreadable)
    schedule = replace(
        given, interval=interval, calendar=calendar, user=user, reads=(*reads.files(opened), *_program()),
        command=units.command(service_user.PROGRAM, inventory, asked),
        writes=tuple(dict.fromkeys(Path(word.partition("=")[2]).absolute().parent for word in report)),
    )  # fmt: skip
    changed = installing.install(schedule)
    _say(f"the user {user} was made" if made else "")
    what = calendar or duration.in_words(interval)
    _say(f"{schedule.timer} {'is installed' if changed else 'is there already, as it should be'}: every {what}")
    _say(f"k8snet-provision drift status {quote(str(inventory))} tells what it finds" if changed else "")


def readable(
    inventory: Inventory,
    report: Files = [],  # noqa: B006
    installed_look: InstalledLook = False,
    kubeconfig: Kubeconfig = "",
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    output: Out = Output.TEXT,
) -> None:
    """Whether this user may read all that a look needs on this machine. Speaks to no host."""
    asked = _request(inventory, installed_look, kubeconfig, extra, vault)
    problems = [*_found(lambda: _judged(report)), *_found(lambda: reads.problems(session.opened(asked)))]
    if problems:
        raise ProblemsFound(problems)
    if output is Output.TEXT:
        _say("all of it can be read")


def _found(judge: Callable[[], list[Problem]]) -> Sequence[Problem]:
    try:
        return judge()
    except ProblemsFound as found:
        return found.problems


def _judged(report: list[str]) -> list[Problem]:
    targets.targets(report)
    return []


def _request(inventory: Path, installed: bool, kubeconfig: str, extra: list[str], vault: list[Path]) -> Any:
    asked = request_of(inventory, "", "", 1, extra, vault)
    return replace(asked, installed_look=installed, kubeconfig=kubeconfig)


def _options(report: list[str], installed: bool, kubeconfig: str, extra: list[str], vault: list[Path]) -> list[str]:
    """The same words for the service and for whoever is asked what it can read; files by where they are."""
    words = ["--installed-look"] if installed else []
    words += ["--kubeconfig", kubeconfig] if kubeconfig else []
    for kind, _, target in (word.partition("=") for word in report):
        words += ["--report", f"{kind}={Path(target).absolute()}"]
    for variables in extra:
        words += ["-e", f"@{Path(variables[1:]).absolute()}" if variables.startswith("@") else variables]
    for file in vault:
        words += ["--vault-password-file", str(file.absolute())]
    return words


def _program() -> list[Path]:
    return [Path(sys.prefix), Path(sys.base_prefix), Path(units.__file__)]


def _say(text: str) -> None:
    if text:
        line(out(), text)
