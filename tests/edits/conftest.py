"""The truth about unit files: the installed systemd starts them and the started program tells its argv."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from k8snet_provision.edits.systemd_unit import UnitFiles

_PROGRAM = """#!/bin/sh
cd "${0%/*}" || exit 1
for word in "$@"; do printf '%s\\0' "$word"; done >words && mv words argv
"""
_END = """[Unit]
After={units}
SuccessAction=exit-force
[Service]
Type=oneshot
ExecStart=/bin/true
"""
# A user manager in its own PID, mount and cgroup namespace: nothing of the machine's systemd is touched.
_MANAGER = """
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/user && mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 1
group=/sys/fs/cgroup/k8snet-edits-$$
mkdir $group
SYSTEMD_UNIT_PATH="$1" XDG_RUNTIME_DIR=/run/user unshare --cgroup --pid --fork --kill-child --mount-proc sh -c '
    echo $$ >"$0"/cgroup.procs 2>/dev/null || echo 0 >"$0"/cgroup.procs
    timeout -s KILL 60 /lib/systemd/systemd --user --unit=all.target --log-target=null' $group
find $group -depth -type d -exec rmdir {} +
"""

StartedArgv = Callable[[Sequence[UnitFiles]], list[list[str] | None]]


@pytest.fixture
def started_argv(tmp_path: Path) -> StartedArgv:
    """Starts each unit with systemd; its argv without the program, or None where systemd refuses the unit.

    `PROGRAM` in a unit's text stands for the program, `DIR` for the directory of the environment files.
    """

    def start(cases: Sequence[UnitFiles]) -> list[list[str] | None]:
        units = tmp_path / "units"
        names = [_install(units, tmp_path, case, index) for index, case in enumerate(cases)]
        (units / "end.service").write_text(_END.format(units=" ".join(names)))
        (units / "all.target").write_text(f"[Unit]\nWants={' '.join(names)} end.service\n")
        command = ["unshare", "--mount", "sh", "-c", _MANAGER, "sh", str(units)]
        done = subprocess.run(command, timeout=90, check=False, stdin=subprocess.DEVNULL, capture_output=True)
        started = [_argv(tmp_path / str(index)) for index in range(len(cases))]
        assert any(started), f"systemd started nothing: {done.stdout!r} {done.stderr!r}"
        return started

    if os.geteuid() != 0:
        pytest.fail("these tests start systemd in namespaces: run them as root")
    return start


def _install(units: Path, home: Path, case: UnitFiles, index: int) -> str:
    place = home / str(index)
    place.mkdir()
    program = place / "program"
    program.write_text(_PROGRAM)
    program.chmod(0o755)
    prefix, instance, _ = case.unit.partition("@")
    name = case.unit if instance else f"c{index}.service"
    fragment = f"{prefix}@.service" if instance else name
    drop_ins = units / f"{name}.d"
    drop_ins.mkdir(parents=True)
    (drop_ins / "00-test.conf").write_text("[Service]\nType=oneshot\n")
    for number, (_, text) in enumerate(case.units):
        target = drop_ins / f"{number:02}-unit.conf" if number else units / fragment
        target.write_bytes(text.replace("PROGRAM", str(program)).replace("DIR", str(place)).encode())
    for path, text in case.environment:
        (place / Path(path).name).write_bytes(text.encode())
    return name


def _argv(place: Path) -> list[str] | None:
    written = place / "argv"
    return written.read_bytes().decode().split("\0")[:-1] if written.exists() else None
