"""Room for what a plan writes, asked of each file system once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from k8snet_provision.change import Change, Kind
from k8snet_provision.preflight import space
from k8snet_provision.preflight.space import Load, Room
from k8snet_provision.resources.probe import HostSeen, Seen, State, Unknown
from tests.preflight.programs import Program, answer

MIB = 1024 * 1024
NOTHING = Load()


def room(free: int = 1000 * MIB, size: int = 10_000 * MIB, **fields: object) -> Room:
    values = {"path": "/etc", "device": "1", "writable": True, "inodes_free": 10**6, "inodes": 10**7} | fields
    return Room(free=free, size=size, **values)  # type: ignore[arg-type]


def told(*rooms: Room, load: Load = NOTHING) -> list[tuple[str, str]]:
    return [(problem.code, problem.text) for problem in space.problems("cp1", rooms, load)]


def read(*programs: Program) -> dict[str, Room]:
    seen, _ = answer(space.probe(["/etc/none/such"]), programs=programs)
    return {found.path: found for found in space.read(seen)}


def test_a_real_host_s_file_systems_are_measured() -> None:
    found, truth = read(), os.statvfs("/etc")
    assert {"/", "/etc", "/etc/none/such", "/var/lib/k8snet-provision"} <= found.keys()
    etc = found["/etc"]
    assert (etc.size, etc.inodes, etc.writable) == (truth.f_blocks * truth.f_frsize, truth.f_files, True)
    assert abs(etc.free - truth.f_bavail * truth.f_frsize) < 1024 * MIB
    assert found["/etc/none/such"].device == etc.device == str(Path("/etc").stat().st_dev)


def test_where_the_kubelet_and_etcd_keep_their_data_is_measured_too(tmp_path: Path) -> None:
    (tmp_path / "pods").mkdir()
    kubelet = Program("kubelet", [f"--root-dir={tmp_path}/pods"])
    etcd = Program("etcd", ["--data-dir", f"{tmp_path}/data of etcd"])
    assert {f"{tmp_path}/pods", f"{tmp_path}/data of etcd"} <= read(kubelet, etcd).keys()


def test_an_answer_that_is_cut_short_is_unknown() -> None:
    with pytest.raises(Unknown, match="its answer cannot be read"):
        space.read(HostSeen("cp1", {space.KEY: Seen(State.PRESENT, b"/\x1f1\x1fyes\x1f4096 12\n")}))


def test_a_full_file_system_is_told_once_with_all_that_is_on_it() -> None:
    full = [room(free=3 * MIB, path=path, device="7") for path in ("/", "/etc")]
    found = told(*full, room(path="/var/lib/etcd"))
    assert found == [("K8N463", "too little space for / /etc")]


def test_what_the_plan_writes_must_fit_three_times() -> None:
    """Staged beside, backed up, and in the journal."""
    text = "x" * MIB
    one = Change("kubelet", "cp1", Kind.FILE, "/etc/kubernetes/a.yaml", text, text)
    load = space.load([one])
    assert load == Load(6 * MIB, 3, frozenset({"/etc/kubernetes"}))
    assert told(room(free=70 * MIB), load=load) == []
    assert told(room(free=70 * MIB - 1), load=load) == [("K8N463", "too little space for /etc")]


def test_a_small_file_system_needs_a_tenth_of_it_free() -> None:
    assert told(room(free=4 * MIB, size=32 * MIB)) == []
    assert told(room(free=3 * MIB, size=32 * MIB)) == [("K8N463", "too little space for /etc")]


def test_inodes_count_where_the_file_system_has_a_number_of_them() -> None:
    assert told(room(inodes_free=999, inodes=10**6)) == [("K8N464", "too few inodes for /etc")]
    assert told(room(inodes_free=1000, inodes=10**6)) == []
    assert told(room(inodes_free=0, inodes=0)) == []


def test_a_read_only_file_system_matters_where_the_plan_writes() -> None:
    written = Load(directories=frozenset({"/etc"}))
    assert told(room(writable=False)) == []
    assert told(room(writable=False), load=written) == [("K8N463", "/etc cannot be written")]
    assert told(room(path=space.OWN, writable=False)) == [("K8N463", f"{space.OWN} cannot be written")]
