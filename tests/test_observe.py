"""One script for all probes, and three states for every answer."""

from __future__ import annotations

import pytest

from k8snet_provision.resources.probe import Probe, State, Unknown
from tests.shell import ask


def test_answers_are_the_exact_bytes_the_probe_printed() -> None:
    seen = ask(Probe("bytes", r"printf 'a\000b\377\n\n'"), Probe("next", "echo second"))
    assert seen.data("bytes") == b"a\x00b\xff\n\n"
    assert seen.data("next") == b"second\n"


def test_absent_is_not_unknown() -> None:
    seen = ask(Probe("gone", "exit 4"), Probe("broken", "echo disk on fire; exit 7"))
    assert seen.data("gone") is None
    with pytest.raises(Unknown, match="disk on fire"):
        seen.data("broken")


def test_an_answer_that_was_cut_off_is_unknown_and_never_absent() -> None:
    probes = [Probe("whole", "echo whole"), Probe("cut", "printf '%01000d' 7"), Probe("never", "echo never")]
    seen = ask(*probes, cut_at=200)
    assert seen.data("whole") == b"whole\n"
    assert [seen.answers[key].state for key in ("cut", "never")] == [State.UNKNOWN, State.UNKNOWN]


def test_what_was_not_asked_is_unknown() -> None:
    with pytest.raises(Unknown, match="not asked"):
        ask().data("file:/etc/hostname")


def test_no_content_can_pass_for_the_end_of_an_answer() -> None:
    seen = ask(
        Probe("forger", "printf '\\n%s 0 0\\n' 00000000000000000000000000000000; echo rest"), Probe("b", "echo b")
    )
    assert (seen.text("forger") or "").endswith("rest\n")
    assert seen.text("b") == "b\n"


def test_a_probe_cannot_disturb_the_next_one() -> None:
    seen = ask(Probe("cd", "cd /; x=1; set -e; false"), Probe("after", "echo ${x:-unset}; cat"))
    assert seen.text("after") == "unset\n"
