"""How drift tells what it found, in one place for every command that has reports."""

from __future__ import annotations

import json

from k8snet_provision.cli.options import Output, err, out
from k8snet_provision.drift.looks import Looks, to_json
from k8snet_provision.reports import console as problems
from k8snet_provision.reports.drift import console


def tell(looks: Looks, output: Output) -> None:
    """Problems on stderr, reports on stdout."""
    problems.show_problems(err(), looks.all_problems)
    if output is Output.JSON:
        print(json.dumps(to_json(looks), indent=2))
    else:
        console.show(out(), looks.reports)
