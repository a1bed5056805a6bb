"""drift permissions: what drift needs and no more, as files to install."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from k8snet_provision import drifting, ending, session
from k8snet_provision.cli.drift.options import Kubeconfig
from k8snet_provision.cli.options import Extra, Inventory, Vault, err, out, request_of
from k8snet_provision.drift import permissions as least
from k8snet_provision.drift.problem_codes import ProblemCode
from k8snet_provision.problems import Origin, Problem, ProblemsFound
from k8snet_provision.reports.console import show_problems
from k8snet_provision.reports.lines import line


def permissions(
    inventory: Inventory,
    to: Annotated[Path, typer.Option(metavar="DIR", help="Where the files go; what is there is renewed.")],
    user: Annotated[str, typer.Option(help="Who logs in to the hosts for drift.")] = least.USER,
    kubeconfig: Kubeconfig = "",
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
) -> None:
    """Write what drift needs and no more: a look for each host, sudoers for it, an account that only reads.

    Speaks to no host. With it, `drift --installed-look` sends no script to a host.
    """
    if not least.USER_NAME.fullmatch(user):
        raise ending.misuse("--user is no name of a user", user)
    asked = request_of(inventory, "", "", 1, extra, vault)
    opened = session.opened(replace(asked, installed_look=True, kubeconfig=kubeconfig))
    show_problems(err(), opened.warnings)
    given = f" --kubeconfig {quote(kubeconfig)}" if kubeconfig else ""
    made = least.of(drifting.site(opened.site), opened.cluster, str(inventory), str(to), user, given)
    try:
        for name, text in made.files.items():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        where = Origin(str(error.filename or to))
        raise ProblemsFound([Problem(ProblemCode.NOT_WRITTEN, f"cannot be written: {error.strerror}", where)]) from None
    line(out(), f"{len(made.files)} files are in {to}. To install them:")
    for step in made.steps:
        line(out(), f"    {step}")
