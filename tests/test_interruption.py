"""Ctrl-C, where a library swallows what is raised in its own greenlet."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

SWALLOWED = """
import k8snet_provision.engine.patch
import gevent, os, signal, sys, time
from k8snet_provision.interruption import at_once

def stubborn():
    while True:
        try:
            for _ in range(1000):
                pass
            gevent.sleep(0)
        except:
            print("swallowed", flush=True)

other = gevent.spawn(stubborn)
try:
    with at_once():
        print("ready", flush=True)
        gevent.sleep(30)
    print("slept", flush=True)
except KeyboardInterrupt:
    print("came", flush=True)
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
os._exit(0)
"""


@pytest.mark.parametrize("_", range(3))
def test_an_interrupt_comes_where_it_is_waited_for(_: int) -> None:
    with subprocess.Popen([sys.executable, "-c", SWALLOWED], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "came\nTrue\n"
