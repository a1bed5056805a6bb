"""Commands of the operator before and after a phase: real programs, run here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from k8snet_provision import hooks, sources
from k8snet_provision.change import Change, Kind
from k8snet_provision.hooks import Local
from k8snet_provision.problems import Problem
from k8snet_provision.topology.hooks import Hooks
from tests.topology.written import TOPOLOGY, Written, write

pytestmark = pytest.mark.programs

CHANGES = (
    Change("kube-apiserver", "cp1", Kind.FILE, "/etc/x", "old\n", "new\n"),
    Change("kube-apiserver", "cp1", Kind.OBJECT, "Secret/tls", "password: a", "password: b", secret=True),
)
PHASES = ("hosts", "kube-apiserver")


@dataclass
class Place:
    """A directory of an inventory, with what the commands printed."""

    folder: Path
    said: list[str] = field(default_factory=list)

    def program(self, name: str, text: str, mode: int = 0o755) -> list[str]:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(mode)
        return [f"./{name}"]

    def local(self, when: str, words: list[str], phase: str = "kube-apiserver", seconds: int = 60) -> Local:
        given = Hooks.model_validate({when: {phase: words}, "seconds": seconds})
        return Local(given, self.folder, "prod", "20261121T020013Z-3f2a", self.said.append)

    def before(self, text: str, seconds: int = 60) -> str:
        return self.local("before", self.program("hook", text), seconds=seconds).before("kube-apiserver", CHANGES)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_command_reads_the_changes_and_what_it_is_about(place: Place) -> None:
    command = place.local("after", place.program("hook", "cat >told; env >environment; pwd"))
    assert command.after("kube-apiserver", CHANGES, {"cp1": "it did not become ready"}) == ""
    told = json.loads((place.folder / "told").read_text())
    assert (told["when"], told["phase"], told["run"], told["cluster"]) == (
        "after", "kube-apiserver", "20261121T020013Z-3f2a", "prod",
    )  # fmt: skip
    assert told["failures"] == {"cp1": "it did not become ready"}
    assert [(change["name"], change["action"], change["after"]) for change in told["changes"]] == [
        ("/etc/x", "update", "new\n"),
        ("Secret/tls", "update", None),
    ]
    environment = (place.folder / "environment").read_text()
    assert "K8SNET_PHASE=kube-apiserver\n" in environment and "password" not in environment
    assert place.said == [str(place.folder)], "it runs beside the inventory"


def test_arguments_reach_the_program_as_they_are(place: Place) -> None:
    hostile = ["$(touch ran)", "a b", "'; touch ran; '", "*", ""[:0] + "-n"]
    words = [*place.program("hook", 'printf "%s\\n" "$@"'), *hostile]
    assert place.local("before", words).before("kube-apiserver", CHANGES) == ""
    assert place.said == hostile
    assert not (place.folder / "ran").exists()


def test_other_phases_and_the_other_time_run_nothing(place: Place) -> None:
    command = place.local("before", place.program("hook", "echo ran"))
    assert command.before("hosts", CHANGES) == command.before("*", CHANGES) == ""
    assert command.after("kube-apiserver", CHANGES, {}) == ""
    assert place.said == []


def test_the_whole_run_is_a_phase_too(place: Place) -> None:
    command = place.local("before", place.program("hook", "exit 1"), phase="*")
    assert command.before("*", CHANGES) == "the command before the run, ./hook, ended with status 1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("echo asking; echo 'nobody is on call' >&2; exit 3", "ended with status 3: nobody is on call"),
        ("kill -9 $$", "ended by signal 9"),
        ("printf 'a\\033[31mb'; exit 1", "ended with status 1: a?[31mb"),
    ],
)
def test_a_command_that_fails_says_why_the_phase_must_not_begin(text: str, why: str, place: Place) -> None:
    assert place.before(text) == f"the command before kube-apiserver, ./hook, {why}"


def test_output_is_shown_while_it_comes(place: Place) -> None:
    shown: list[float] = []
    words = place.program("hook", "echo one; sleep 1; echo two >&2")
    given = Hooks.model_validate({"before": {"x": words}})
    assert Local(given, place.folder, "", "", lambda line: shown.append(time.monotonic())).before("x", ()) == ""
    assert shown[1] - shown[0] > 0.9


@pytest.mark.parametrize("text", ["exec <&-; exit 0", "read -r line; exit 0", "exec sleep 0.3"])
def test_input_that_is_not_read_is_no_failure(text: str, place: Place) -> None:
    """More than a pipe holds (pipe(7): 64 KiB)."""
    large = [Change("x", "cp1", Kind.FILE, "/etc/x", None, "x" * 1_000_000)]
    command = place.local("before", place.program("hook", text), phase="x")
    assert command.before("x", large) == ""


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(place: Place) -> None:
    began = time.monotonic()
    why = place.before("echo waiting; sleep 600 & echo $! >child; trap '' TERM; while :; do sleep 1; done", seconds=1)
    assert why == "the command before kube-apiserver, ./hook, did not finish within 1 s: waiting"
    assert time.monotonic() - began < 15
    child = int((place.folder / "child").read_text())
    state = Path(f"/proc/{child}/stat")
    ends = time.monotonic() + 5
    while state.exists() and state.read_text().split()[2] != "Z":
        assert time.monotonic() < ends, "the child lives"
        time.sleep(0.05)


def test_a_child_that_keeps_the_output_open_is_not_waited_for(place: Place) -> None:
    began = time.monotonic()
    assert place.before("sleep 600 & echo $! >child; echo done") == ""
    os.kill(int((place.folder / "child").read_text()), signal.SIGTERM)
    assert (place.said, time.monotonic() - began < 10) == (["done"], True)


def test_a_program_that_is_gone_or_no_program_is_said(place: Place) -> None:
    assert place.local("before", ["./gone"]).before("kube-apiserver", ()).endswith("./gone, is not there")
    (place.folder / "hook").write_text("no interpreter")
    (place.folder / "hook").chmod(0o755)
    why = place.local("before", ["./hook"]).before("kube-apiserver", ())
    assert why.endswith("./hook, could not be started: Exec format error")


INTERRUPTED = """
import sys, pathlib
from k8snet_provision.hooks import Local
from k8snet_provision.topology.hooks import Hooks

given = Hooks.model_validate({"before": {"x": ["sh", "-c", "echo $$; exec sleep 600"]}})
Local(given, pathlib.Path("."), "", "", lambda line: print(line, flush=True)).before("x", ())
"""


def test_an_interrupt_ends_the_command(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        command = int(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate(timeout=20)[1]
    assert not Path(f"/proc/{command}").exists()


def lint(folder: Path, section: str) -> tuple[Written, list[Problem]]:
    written = write(folder, f"{TOPOLOGY}  hooks:\n{section}")
    cluster, problems = written.read()
    return written, [*problems, *(hooks.problems(cluster, PHASES) if cluster else ())]


def test_sound_hooks_are_sound(tmp_path: Path) -> None:
    _, found = lint(tmp_path, "    before: {kube-apiserver: [sh, -c, 'true']}\n    after: {'*': [/bin/true]}\n")
    assert found == []


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("    before: {kube-apisrver: ['true']}\n", "K8N480 a hook is for a phase that there is not"),
        ("    after: {hosts: [no-such-program]}\n", "K8N481 a hook's program is not there (found no-such-program"),
        ("    after: {hosts: [./hooks/gone, x]}\n", "K8N481 a hook's program is not there (found ./hooks/gone"),
        ("    after: {hosts: [/etc/passwd]}\n", "K8N482 a hook's program may not be executed (found /etc/passwd)"),
        ("    after: {hosts: [/tmp]}\n", "K8N481 a hook's program is not there (found /tmp"),
        ("    after: {hosts: page me}\n", "K8N102 hooks.after.hosts is not a list of words but a line"),
        ("    after: {hosts: []}\n", "K8N102"),
        ("    after: {hosts: [page, 30]}\n", "K8N102 hooks.after.hosts[1] is not a word of a command"),
        ("    seconds: 0\n", "K8N102"),
        ("    befor: {}\n", "K8N101"),
    ],
)  # fmt: skip
def test_hooks_that_cannot_run_are_told_before_anything_begins(section: str, said: str, tmp_path: Path) -> None:
    _, found = lint(tmp_path, section)
    (problem,) = found
    assert f": {said}" in str(problem)


def test_every_hook_is_looked_at_and_named_by_its_line(tmp_path: Path) -> None:
    written, found = lint(tmp_path, "    before:\n      nonsense: [./gone]\n      hosts: [./gone]\n")
    assert [problem.code for problem in found] == ["K8N480", "K8N481", "K8N481"]
    assert len({str(problem.where) for problem in found}) == 2
    assert {problem.code for problem in sources.on_this_machine(written.cluster())} >= {"K8N480", "K8N481"}
