"""This machine as a place to run scripts: what a Fleet does on hosts, without a connection."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping

from gevent import subprocess
from gevent.pool import Pool

from k8snet_provision.engine.script import Output, Script, Unreachable

NAME = "this machine"
FORKS = 10


class ThisMachine:
    """Scripts run as whoever runs the tool, with its environment."""

    def run(self, scripts: Mapping[str, Script]) -> dict[str, Output | Unreachable]:
        """As Fleet.run; the names are the caller's."""
        return dict(Pool(FORKS).map(lambda item: (item[0], _run(item[1])), list(scripts.items())))


def _run(script: Script) -> Output | Unreachable:
    started = time.monotonic()
    # A script without input comes in as input itself, because it may be longer than an argument can be.
    words, data = (["sh", "-c", script.text], script.stdin) if script.stdin else (["sh"], script.text.encode())
    pipe = subprocess.PIPE
    try:
        running = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    except OSError as error:
        return Unreachable(f"{NAME} has no shell: {error.strerror}")
    try:
        stdout, stderr = running.communicate(data, timeout=script.timeout)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)  # what the shell started holds the pipes open as well
        running.communicate()
        return Unreachable(f"{NAME} did not finish within {script.timeout:g} s")
    return Output(running.returncode, stdout, stderr, time.monotonic() - started)
