"""Snapshots of a real etcd: what is kept is whole and root's, what is not whole is not kept."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision.change import Change, Kind
from k8snet_provision.engine.script import Output, Unreachable
from k8snet_provision.etcd_snapshot import SKIPPABLE, Code, Snapshot, needed, restore_hint, script, taking
from k8snet_provision.etcd_snapshot.codes import HINTS, TEXTS
from k8snet_provision.plan import Plan
from k8snet_provision.problems import Problem
from tests.etcd_snapshot.real import RUN, Etcd, status, take

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    started = Etcd(tmp_path_factory.mktemp("etcd")).start()
    for number in range(50):
        started.put(f"/registry/{number}", "x" * 1000)
    yield started
    started.stop()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "state" / "runs"


def refused(found: Snapshot | Problem) -> Problem:
    assert isinstance(found, Problem), found
    return found


def wrapped(etcd: Etcd, folder: Path, then: str) -> Path:
    """A directory whose etcdctl does `then` (sh; $file is the snapshot) after the real one saved a snapshot."""
    folder.mkdir()
    (folder / "etcdutl").symlink_to(etcd.bin / "etcdutl")
    program = folder / "etcdctl"
    program.write_text(
        f'#!/bin/sh\n"{etcd.bin}/etcdctl" "$@" || exit\n'
        f'case " $* " in *" snapshot save "*) ;; *) exit 0 ;; esac\nfor file in "$@"; do :; done\n{then}\n'
    )
    program.chmod(0o755)
    return folder


def left(runs: Path) -> list[str]:
    return sorted(str(path.relative_to(runs)) for path in runs.rglob("*"))


def test_a_snapshot_is_whole_and_for_root_only(etcd: Etcd, runs: Path) -> None:
    snapshot = take(etcd.access(), runs, etcd.bin)
    assert isinstance(snapshot, Snapshot), snapshot
    path = Path(snapshot.path)
    assert path == runs / RUN / "etcd.db"
    said = status(etcd.bin, snapshot.path)
    assert (said["hash"], said["revision"], said["totalKey"]) == (snapshot.hash, 51, 50)
    assert (snapshot.revision, snapshot.keys) == (51, 50)
    assert snapshot.size == path.stat().st_size == int(said["totalSize"]) + 32, "the SHA-256 is part of the file"
    assert [stat.S_IMODE(found.stat().st_mode) for found in (runs, path.parent, path)] == [0o700, 0o700, 0o600]
    assert left(runs) == [RUN, f"{RUN}/etcd.db"]


def test_what_a_restore_needs_is_told_by_etcd_itself(etcd: Etcd, runs: Path) -> None:
    snapshot = take(etcd.access(), runs, etcd.bin)
    assert isinstance(snapshot, Snapshot), snapshot
    (member,) = snapshot.members
    assert (snapshot.member, member.name, member.peers) == ("m1", "m1", f"http://127.0.12.7:{etcd.peer_port}")
    assert (snapshot.data_dir, snapshot.static_pod) == (str(etcd.data), False)
    assert snapshot.version == etcd.ctl("version").stdout.split()[2]
    assert Snapshot.of(snapshot.details()) == snapshot


def test_a_host_s_own_etcd_is_asked_and_no_other_one(etcd: Etcd, runs: Path) -> None:
    """192.0.2.1 is nobody's (RFC 5737)."""
    several = replace(etcd.access(), endpoints=("https://192.0.2.1:2379", etcd.url, "https://192.0.2.2:2379"))
    began = time.monotonic()
    snapshot = take(several, runs, etcd.bin)
    assert isinstance(snapshot, Snapshot), snapshot
    assert snapshot.endpoint == etcd.url
    assert time.monotonic() - began < script.ASK


def test_what_the_environment_says_to_etcdctl_changes_nothing(etcd: Etcd, runs: Path) -> None:
    given = {"ETCDCTL_CACERT": "/nowhere", "ETCDCTL_ENDPOINTS": "192.0.2.1:2379", "HTTPS_PROXY": "http://192.0.2.1:1"}
    assert isinstance(take(etcd.access(), runs, etcd.bin, environment=given), Snapshot)


@pytest.mark.parametrize(
    ("access", "code", "said"),
    [
        ({"certificate": "", "key": ""}, Code.NO_ANSWER, "https://127.0.12.7:"),
        ({"ca": "/etc/kubernetes/$(touch no)'.crt"}, Code.UNREADABLE, "/etc/kubernetes/$(touch no)'.crt is not there"),
        ({"endpoints": ("https://127.0.12.7:1",)}, Code.NO_ANSWER, "https://127.0.12.7:1: "),
    ],
)
def test_an_etcd_that_cannot_be_asked_is_told(
    access: dict[str, Any], code: Code, said: str, etcd: Etcd, runs: Path
) -> None:
    problem = refused(take(replace(etcd.access(), **access), runs, etcd.bin))
    assert problem.code == code
    assert said in problem.found
    assert not runs.exists()


def test_without_etcdctl_nothing_is_done(etcd: Etcd, runs: Path) -> None:
    problem = refused(take(etcd.access(), runs, None))
    assert problem.code == Code.NO_ETCDCTL
    assert not runs.exists()


@pytest.mark.parametrize(
    ("then", "code"),
    [
        ('truncate -s -512 "$file"', Code.NOT_SOUND),
        ('printf Z | dd of="$file" bs=1 seek=9000 conv=notrunc 2>/dev/null', Code.NOT_SOUND),
        (': >"$file"', Code.NOT_SOUND),
        ('mv "$file" "$file.part"; echo "no space left on device" >&2; exit 1', Code.NOT_SAVED),
        ("kill -9 $$", Code.NOT_SAVED),
    ],
    ids=["cut short", "a byte changed", "empty", "disk full", "killed"],
)
def test_what_is_not_sound_is_not_kept(then: str, code: Code, etcd: Etcd, runs: Path, tmp_path: Path) -> None:
    problem = refused(take(etcd.access(), runs, wrapped(etcd, tmp_path / "bin", then)))
    assert problem.code == code, problem
    assert left(runs) == []


def test_a_failure_leaves_what_the_run_kept_there(etcd: Etcd, runs: Path, tmp_path: Path) -> None:
    (runs / RUN).mkdir(parents=True)
    (runs / RUN / "plan.json").touch()
    refused(take(etcd.access(), runs, wrapped(etcd, tmp_path / "bin", 'truncate -s -512 "$file"')))
    assert left(runs) == [RUN, f"{RUN}/plan.json"]


def test_room_is_looked_for_first(etcd: Etcd, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "RESERVE", 1 << 60)
    problem = refused(take(etcd.access(), runs, etcd.bin))
    assert (problem.code, left(runs)) == (Code.NO_SPACE, [])
    assert f"needs {(1 << 50) + 0} KiB"[:15] in problem.found


def test_five_are_kept_and_none_for_longer_than_thirty_days(etcd: Etcd, runs: Path) -> None:
    """Whatever else a run has kept stays; a run's directory that only held the snapshot is gone with it."""
    old = [f"202611{day:02}T020000Z-0000" for day in range(1, 9)]
    for run in old:
        (runs / run).mkdir(parents=True)
        (runs / run / "etcd.db").touch()
    (runs / old[0] / "plan.json").touch()
    month_ago = time.time() - 31 * 86400
    os.utime(runs / old[-1] / "etcd.db", (month_ago, month_ago))
    assert isinstance(take(etcd.access(), runs, etcd.bin), Snapshot)
    assert sorted(path.parent.name for path in runs.glob("*/etcd.db")) == [*old[3:7], RUN]
    assert left(runs) == sorted([old[0], f"{old[0]}/plan.json", *(
        name for run in (*old[3:7], RUN) for name in (run, f"{run}/etcd.db")
    )])  # fmt: skip


def test_what_was_just_taken_is_kept_though_the_operator_s_clock_is_behind(etcd: Etcd, runs: Path) -> None:
    for day in range(1, 7):
        (runs / f"202612{day:02}T020000Z-0000").mkdir(parents=True)
        (runs / f"202612{day:02}T020000Z-0000" / "etcd.db").touch()
    snapshot = take(etcd.access(), runs, etcd.bin)
    assert isinstance(snapshot, Snapshot)
    assert Path(snapshot.path).exists()
    assert len(list(runs.glob("*/etcd.db"))) == script.KEPT


def test_the_limits_hold_on_a_host_where_none_was_taken(runs: Path) -> None:
    for day in range(1, 8):
        (runs / f"202611{day:02}T020000Z-0000").mkdir(parents=True)
        (runs / f"202611{day:02}T020000Z-0000" / "etcd.db").touch()
    subprocess.run(["sh"], input=script.pruned(str(runs)).text.encode(), check=True, timeout=30)
    assert [path.name[6:8] for path in sorted(runs.iterdir())] == ["03", "04", "05", "06", "07"]


def test_restoring_as_it_is_told_brings_back_what_was_there(tmp_path: Path) -> None:
    """The commands of the hint, but for those that stop and start units."""
    etcd = Etcd(tmp_path).start()
    try:
        etcd.put("a", "before")
        snapshot = take(etcd.access(), tmp_path / "runs", etcd.bin)
        assert isinstance(snapshot, Snapshot) and snapshot.data_dir == str(etcd.data), snapshot
        etcd.put("a", "after")
        etcd.stop()
        lines = [line for line in restore_hint(snapshot).splitlines() if line[0] != "#" and "systemctl" not in line]
        assert len(lines) == 5
        subprocess.run(["sh", "-e"], input="\n".join(lines).encode(), check=True, timeout=60, capture_output=True)
        etcd.start()
        assert etcd.get("a") == "before"
        assert (etcd.home / "data.before" / "member").is_dir()
    finally:
        etcd.stop()


def test_a_host_that_was_lost_and_an_apiserver_that_does_not_run_are_told() -> None:
    lost = taking.read("cp1", "/x", "kube-apiserver", Unreachable("the connection was closed"))
    assert refused(lost).code == Code.UNREACHED
    assert isinstance(taking.access("cp1", (), "kube-apiserver"), Problem)
    found = taking.access("cp1", ("kube-apiserver", "--etcd-servers=http://a:1,http://b:1"), "kube-apiserver")
    assert found == script.Access(("http://a:1", "http://b:1"), apiserver="kube-apiserver")
    killed = taking.read("cp1", "/x", "kube-apiserver", Output(-1, b"", b"", 0.0))
    assert (refused(killed).code, refused(killed).found) == (Code.NOT_SAVED, "the script ended with status -1")


STATIC = "pod0123456789abcdef0123456789abcdef"
OF_THE_API = "pod01234567-89ab-4def-8123-456789abcdef"
CONTAINER = "c0ffee" * 10 + "c0ff"


@pytest.mark.parametrize(
    ("cgroup", "static"),
    [
        (f"0::/kubepods/burstable/{STATIC}/{CONTAINER}", True),
        (f"0::/kubepods/{STATIC}/{CONTAINER}", True),
        (f"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-{STATIC}.slice/crio-{CONTAINER}.scope", True),
        (f"4:memory:/kubepods/burstable/{STATIC}/{CONTAINER}\n0::/system.slice/containerd.service", True),
        (f"0::/kubepods/burstable/{OF_THE_API}/{CONTAINER}", False),
        (f"0::/kubepods/burstable/{OF_THE_API}/{CONTAINER}/{STATIC}", False),
        (f"0::/kubepods.slice/kubepods-{OF_THE_API.replace('-', '_')}.slice/cri-{CONTAINER}.scope/{STATIC}", False),
        ("0::/system.slice/etcd.service", False),
        ("0::/user.slice/user-1000.slice/session-1.scope", False),
        (f"0::/{STATIC}", False),
    ],
)  # fmt: skip
def test_a_static_pod_is_told_by_its_cgroup(cgroup: str, static: bool, tmp_path: Path) -> None:
    """As the two cgroup drivers of the kubelet name them; a static pod has a digest for a UID."""
    (tmp_path / "cgroup").write_text(f"{cgroup}\n")
    words = ["sh", "-c", f'{script.IS_STATIC_POD}is_static_pod "$1"', "sh", str(tmp_path / "cgroup")]
    assert (subprocess.run(words, timeout=10, check=False).returncode == 0) is static


@pytest.mark.parametrize(
    ("phase", "wanted"), [("kube-apiserver", True), ("service-range", True), ("coredns", False), ("hosts", False)]
)
def test_it_is_taken_before_the_control_plane_changes(phase: str, wanted: bool) -> None:
    change = Change(phase, "cp1", Kind.FILE, "/x", "a", "b")
    assert needed(Plan("lab", {}, (change,))) is wanted


def test_every_code_says_what_to_do() -> None:
    assert set(TEXTS) == set(HINTS) == set(Code)
    assert set(script.EXITS.values()) <= set(Code)
    assert set(Code) > SKIPPABLE
