"""watch: drift while somebody looks on."""

from __future__ import annotations

import json
import time
from contextlib import closing, suppress
from dataclasses import replace
from typing import Annotated, Any

import typer

from k8snet_provision import duration, exits, interruption, watching
from k8snet_provision.cli.drift.options import InstalledLook, Kubeconfig
from k8snet_provision.cli.options import Extra, Forks, Inventory, Limit, Out, Output, Vault, err, out, request_of
from k8snet_provision.drift.report import to_json
from k8snet_provision.duration import Bounds
from k8snet_provision.reports import console as problems
from k8snet_provision.reports.drift import console, news
from k8snet_provision.reports.drift.news import Tally
from k8snet_provision.reports.lines import line
from k8snet_provision.reports.progress import ConsoleProgress
from k8snet_provision.watching import Look

EVERY = Bounds("--every", "K8N750", 1, 24 * 3600)


def watch(
    inventory: Inventory,
    every: Annotated[str, typer.Option(metavar="TIME", help="From one look to the next: 30s, 5m.")] = "30s",
    limit: Limit = "",
    forks: Forks = 100,
    extra: Extra = [],  # noqa: B006
    vault: Vault = [],  # noqa: B006
    output: Out = Output.TEXT,
    installed_look: InstalledLook = False,
    kubeconfig: Kubeconfig = "",
) -> None:
    """Look for drift again and again, and print only what changed, until Ctrl-C. Changes nothing, anywhere.

    The inventory may be edited meanwhile. The exit code is that of the last look: 0 in sync, 2 drift, 3 not all seen.
    --output json prints the first report and then what changed, each as one line.
    """
    seconds = duration.seconds(every, EVERY)
    asked = request_of(inventory, limit, "", forks, extra, vault)
    request = replace(asked, installed_look=installed_look, kubeconfig=kubeconfig)
    began, tally, last = time.monotonic(), Tally(), None
    with (
        ConsoleProgress(err(), quiet=output is Output.JSON) as progress,
        closing(watching.looks(request, seconds)) as looks,
        suppress(KeyboardInterrupt),
        interruption.at_once(),
    ):
        for look in looks:
            progress.pause()
            last = look.report
            tally.add(look.news)
            _show(look, output)
            progress.resume()
            progress.step(f"{console.total(last)} · looked {tally.looks} times, every {every}")
    if last is None:
        raise typer.Abort
    if output is Output.TEXT:
        line(out(), tally.told(time.monotonic() - began, console.total(last)), "bold")
    raise typer.Exit(exits.of_reports([last]))


def _show(look: Look, output: Output) -> None:
    problems.show_problems(err(), look.problems)
    if output is Output.JSON:
        print(json.dumps(_to_json(look)), flush=True)
    elif look.news is None:
        console.show(out(), [look.report])
    else:
        news.show(out(), look.report.started, look.news)


def _to_json(look: Look) -> dict[str, Any]:
    report = look.report
    return (
        news.to_json(report.started, look.news)
        if look.news is not None
        else {"at": report.started, "report": to_json(report)}
    )
