"""Processes are found by their executable, with the whole command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

from k8snet_provision.resources import process
from tests.shell import ask


def test_a_process_is_found_by_a_name_longer_than_the_kernel_keeps(tmp_path: Path) -> None:
    name = "a-name-of-more-than-fifteen-characters"
    program = tmp_path / name
    program.symlink_to("/bin/sleep")
    running = subprocess.Popen([program, "30"])
    try:
        found = process.read(ask(process.probe(name)), name)
    finally:
        running.kill()
        running.wait()
    assert found == {running.pid: (str(program), "30")}


def test_a_name_in_an_argument_is_not_a_process(tmp_path: Path) -> None:
    running = subprocess.Popen(["sleep", "30", "20"], executable="/bin/sleep", env={"A": "kube-proxy-of-a-test"})
    try:
        assert process.read(ask(process.probe("kube-proxy-of-a-test")), "kube-proxy-of-a-test") == {}
    finally:
        running.kill()
        running.wait()
