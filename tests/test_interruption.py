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


LOST = """
import signal, weakref
from k8snet_provision.interruption import postponed, remember

class Thing: pass

remember()
thing = Thing()
kept = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
del thing
print("went on")
try:
    with postponed(lambda: None):
        print("began")
except KeyboardInterrupt:
    print("did not begin")
"""


def test_what_python_swallows_keeps_a_roll_out_from_beginning() -> None:
    ran = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.splitlines() == ["went on", "did not begin"]
    assert "Exception ignored in" in ran.stderr


LOADING = """
import signal, sys, weakref
from k8snet_provision.__main__ import main

class Thing: pass

class Late:
    def find_spec(self, name, path, target=None):
        if name == "k8snet_provision.cli":
            thing = Thing()
            kept = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
            del thing

sys.meta_path.insert(0, Late())
sys.argv = ["k8snet-provision", "--version"]
main()
"""


def test_an_interrupt_ends_the_program_while_it_is_loaded_wherever_it_comes() -> None:
    ran = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, timeout=60, check=False)
    said = "command line: K8N403 interrupted before anything was looked at\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", said)
