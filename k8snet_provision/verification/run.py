"""Runs the shipped checks over open connections and hands back their results."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.seen import World
from k8snet_provision.verification.client import Client
from k8snet_provision.verification.plugin import Result, Verification

CHECKS = Path(__file__).parent / "checks"


class CannotVerify(Exception):
    """pytest itself could not run the checks; the text is its output."""


def run(world: World, fleet: Fleet, client: Client) -> list[Result]:
    """Every shipped check that the topology calls for, on every observed host. Raises CannotVerify.

    `client` asks from outside the cluster.
    """
    verification = Verification(world, fleet, client)
    arguments = [
        str(CHECKS),
        "--quiet",
        "--rootdir",
        str(CHECKS),
        "-c",
        "/dev/null",
        "-p",
        "no:cacheprovider",
        "--override-ini=python_files=*.py",
    ]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main(arguments, plugins=[verification])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise CannotVerify(said.getvalue())
    return verification.results
