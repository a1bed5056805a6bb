"""What a deploy would run is written down as it would be run, and nothing is run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision.change import Change, Kind
from k8snet_provision.engine import operations, recording
from k8snet_provision.engine.carry_out import deploy, host_changes
from k8snet_provision.engine.fleet import Fleet
from tests.engine.sshd import Sshd


@deploy("outer")
def outer(changes: Sequence[Change], prelude: str = "") -> None:
    operations.run_script(f"{prelude} true", b"input", name="first", timeout=7)
    host_changes(changes, prelude)


def test_steps_of_nested_deploys_come_in_their_order() -> None:
    change = Change("phase", "h1", Kind.SYSCTL, "net.ipv4.ip_forward", "0", "1", restarts=("a.service",))
    steps = recording.steps_of(outer, [change], "prelude;")
    assert [name for name, _ in steps] == ["first", "sysctl net.ipv4.ip_forward = 1", "restart a.service"]
    script = steps[0][1]
    assert (script.text, script.stdin, script.timeout) == ("prelude; true", b"input", 7)


def test_a_deploy_that_fails_leaves_nothing_recording() -> None:
    def fails(changes: Sequence[Any], prelude: str = "") -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        recording.steps_of(fails, [])
    assert not recording.under_way()


def test_what_is_written_down_is_what_runs(sshd: Sshd, tmp_path: Path) -> None:
    """The same deploy, once recorded and once run: the recorded script does the same by hand."""
    target = tmp_path / "file"

    @deploy("append")
    def append(changes: Sequence[Any], prelude: str = "") -> None:
        operations.run_script(f"cat >>{target}", b"line\n", name="append")

    recorded = recording.steps_of(append, [None])
    assert not target.exists()
    with Fleet({"h1": sshd.connection("h1")}) as fleet:
        assert fleet.deploy({"h1": [None]}, append) == {"h1": None}
        fleet.run({"h1": recorded[0][1]})
    assert target.read_text() == "line\nline\n"
