"""The scenarios of molecule/, run as a reader runs them: hosts, apply, apply again, testinfra, and nothing is left."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from k8snet_provision.lab.settings import STATE_ROOT
from tests.hosts.labs import ROOT
from tests.program import Ran

pytestmark = pytest.mark.hosts

SEQUENCE = ["destroy", "syntax", "create", "prepare", "converge", "idempotence", "verify", "destroy"]


def molecule(*arguments: str) -> Ran:
    """`molecule ARGUMENTS...` in the checkout, with the programs that an activated environment has first."""
    programs = Path(sys.executable).parent
    done = subprocess.run(
        [programs / "molecule", *arguments],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def changed(play: str, printed: str) -> list[int]:
    """How many tasks of each run of the play changed something, from Ansible's recaps."""
    plays = printed.split("\nPLAY [")[1:]
    return [int(figure) for text in plays if text.startswith(play) for figure in re.findall(r" changed=(\d+) ", text)]


@pytest.mark.parametrize(
    ("scenario", "lab"), [("default", "mdef"), pytest.param("kubeadm", "mpod", marks=pytest.mark.nightly)]
)
def test_a_scenario_goes_from_no_host_to_no_host(scenario: str, lab: str) -> None:
    try:
        ran = molecule("test", "-s", scenario, "--no-command-borders")
    except BaseException:  # interrupted, or not in time: Molecule itself took nothing away
        molecule("destroy", "-s", scenario)
        raise
    assert ran.code == 0, ran
    assert re.findall(rf"{scenario} > (\w+): Executed: Successful", ran.err) == SEQUENCE
    assert changed("Converge", ran.out) == [1, 0], "apply has work to do, and none when it is run again"
    passed = re.search(r"=+ (\d+) passed in", ran.out)
    assert passed and int(passed[1]) >= 10, ran
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True, timeout=10).stdout
    assert f" kl{lab}" not in links
    assert not (STATE_ROOT / lab).exists()
