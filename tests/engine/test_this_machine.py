"""This machine runs scripts as hosts do: exact output, exit codes, time-outs by name."""

from __future__ import annotations

import time

from k8snet_provision.engine.script import Output, Script, Unreachable
from k8snet_provision.engine.this_machine import ThisMachine


def test_scripts_run_side_by_side_and_answer_by_name() -> None:
    scripts = {name: Script(f"sleep 0.5; echo {name}; exit {code}") for name, code in (("a", 0), ("b", 3))}
    answers = ThisMachine().run(scripts)
    found = {name: (answer.code, answer.stdout) for name, answer in answers.items() if isinstance(answer, Output)}
    assert found == {"a": (0, b"a\n"), "b": (3, b"b\n")}
    assert all(answer.seconds < 5 for answer in answers.values() if isinstance(answer, Output))


def test_a_script_longer_than_an_argument_can_be() -> None:
    (answer,) = ThisMachine().run({"here": Script("# " + "x" * 300_000 + "\necho done")}).values()
    assert isinstance(answer, Output) and answer.stdout == b"done\n"


def test_input_is_the_scripts_own() -> None:
    (answer,) = ThisMachine().run({"here": Script("cat", b"\0input\n")}).values()
    assert isinstance(answer, Output) and answer.stdout == b"\0input\n"


def test_what_does_not_end_is_ended_and_told() -> None:
    began = time.monotonic()
    (answer,) = ThisMachine().run({"here": Script("sleep 30", timeout=0.3)}).values()
    assert isinstance(answer, Unreachable) and "0.3 s" in answer.reason
    assert time.monotonic() - began < 20
