"""Ctrl-C ends a program that waits for hosts, at once and with its usual meaning."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .sshd import Sshd

pytestmark = pytest.mark.programs

PROGRAM = """
import pickle, sys
from k8snet_provision.engine import operations
from k8snet_provision.engine.fleet import Fleet, Script

connections = pickle.load(open(sys.argv[1], "rb"))
try:
    with Fleet(connections) as fleet:
        fleet.connect(connections)
        print("connected", flush=True)
        if sys.argv[2] == "run":
            fleet.run({name: Script("sleep 60", timeout=60) for name in connections})
        else:
            fleet.deploy({name: ["sleep 60"] for name in connections}, lambda texts: operations.run_script(*texts))
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("doing", ["run", "deploy"])
def test_an_interrupt_ends_the_wait(sshd: Sshd, tmp_path: Path, doing: str) -> None:
    connections = {address: sshd.connection(address, address) for address in sshd.addresses[:5]}
    (tmp_path / "connections").write_bytes(pickle.dumps(connections))
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "connections"), doing]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "connected\n"
        time.sleep(1)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert out == "interrupted\n"
    assert err == ""
    assert process.returncode == 0
    assert time.monotonic() - started < 5
