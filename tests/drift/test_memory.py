"""Since when something is wrong is known from one look to the next, whatever becomes of the file that says it."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from k8snet_provision.drift import Acceptance, Accepted, Report, memory, memory_file
from k8snet_provision.drift.looks import Failed
from k8snet_provision.drift.memory import LOOKS, Verdict
from k8snet_provision.problems import Origin, Problem
from tests.drift.reports import IN_CLUSTER, INVENTORY, ON_CP1, ON_NODE1, report

FIRST, SECOND, THIRD = "2026-11-29T02:00:00Z", "2026-11-30T02:00:00Z", "2026-12-01T02:00:00Z"
BROKEN = Failed(INVENTORY, (Problem("K8N001", "cannot be read", Origin("hosts.yml")),))


def since(seen: Report) -> dict[str, str]:
    return {found.target: found.since for found in seen.findings}


def looks(place: Path) -> tuple[memory.Look, ...]:
    known, problem = memory_file.recall(place, Path(INVENTORY))
    assert problem is None
    return known.looks


def test_what_is_seen_for_the_first_time_is_there_since_now(tmp_path: Path) -> None:
    assert since(memory_file.remember(report(ON_CP1, started=FIRST), tmp_path)) == {"cp1": FIRST}


def test_what_was_there_before_is_there_since_then(tmp_path: Path) -> None:
    memory_file.remember(report(ON_CP1, started=FIRST), tmp_path)
    told = memory_file.remember(report(ON_CP1, ON_NODE1, started=SECOND), tmp_path)
    assert since(told) == {"cp1": FIRST, "node1": SECOND}
    assert told.notices == ()


def test_what_was_gone_meanwhile_begins_anew(tmp_path: Path) -> None:
    for number, found in enumerate([(ON_CP1,), ()]):
        memory_file.remember(report(*found, started=(FIRST, SECOND)[number]), tmp_path)
    assert since(memory_file.remember(report(ON_CP1, started=THIRD), tmp_path)) == {"cp1": THIRD}


@pytest.mark.parametrize(
    ("found", "between"),
    [
        (ON_CP1, report(started=SECOND, unseen=("cp1",))),
        (ON_CP1, report(started=SECOND, unseen=("cluster",))),
        (ON_CP1, report(started=SECOND, hosts=("node1",), whole=False)),
        (IN_CLUSTER, report(started=SECOND, unseen=("cluster",))),
        (IN_CLUSTER, report(started=SECOND, unseen=("node1",))),
        (IN_CLUSTER, report(started=SECOND, hosts=("node1",), whole=False)),
    ],
    ids=["its host was off", "the cluster was off", "its host was not asked", "no API", "a host was off", "a shard"],
)
def test_what_could_not_be_looked_at_meanwhile_is_there_since_then(tmp_path: Path, found, between) -> None:
    memory_file.remember(report(found, started=FIRST), tmp_path)
    memory_file.remember(between, tmp_path)
    assert set(since(memory_file.remember(report(found, started=THIRD), tmp_path)).values()) == {FIRST}


def test_another_host_that_is_off_does_not_keep_what_is_gone(tmp_path: Path) -> None:
    memory_file.remember(report(ON_CP1, started=FIRST), tmp_path)
    memory_file.remember(report(started=SECOND, unseen=("node1",)), tmp_path)
    assert since(memory_file.remember(report(ON_CP1, started=THIRD), tmp_path)) == {"cp1": THIRD}


def test_what_is_accepted_keeps_its_time(tmp_path: Path) -> None:
    excused = Accepted(ON_CP1, Acceptance(ON_CP1.fingerprint, "2026-12-31", "known"))
    memory_file.remember(report(ON_CP1, started=FIRST), tmp_path)
    told = memory_file.remember(replace(report(started=SECOND), accepted=(excused,)), tmp_path)
    assert told.accepted[0].finding.since == FIRST
    assert since(memory_file.remember(report(ON_CP1, started=THIRD), tmp_path)) == {"cp1": FIRST}


def test_the_newest_looks_and_the_last_good_one_are_kept(tmp_path: Path) -> None:
    memory_file.remember(report(started=FIRST), tmp_path)
    for _ in range(LOOKS + 1):
        memory_file.remember(report(ON_CP1, unseen=("node1",), started=SECOND), tmp_path)
    limited = memory_file.remember(report(ON_CP1, started=THIRD), tmp_path, part="cp1")
    assert (limited.last_complete, memory_file.remember(report(), tmp_path / "other").last_complete) == (
        FIRST,
        "2026-11-29T02:00:00Z",
    )
    assert memory_file.remember_failures([BROKEN], tmp_path) == []
    known, _ = memory_file.recall(tmp_path, Path(INVENTORY))
    assert len(known.looks) == LOOKS
    assert [look.verdict for look in known.looks[-3:]] == [Verdict.INCOMPLETE, Verdict.DRIFT, Verdict.FAILED]
    assert known.looks[-2].counts == {"critical": 0, "warning": 1, "info": 0, "accepted": 0, "incomplete": 0}
    assert known.good is not None and (known.good.started, known.good.verdict) == (FIRST, Verdict.IN_SYNC)


def test_a_failed_look_forgets_nothing(tmp_path: Path) -> None:
    memory_file.remember(report(ON_CP1, started=FIRST), tmp_path)
    memory_file.remember_failures([BROKEN], tmp_path)
    assert since(memory_file.remember(report(ON_CP1, started=THIRD), tmp_path)) == {"cp1": FIRST}


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    place = tmp_path / "new" / "drift"
    memory_file.remember(report(ON_CP1), place)
    modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()}
    assert (stat.S_IMODE(place.stat().st_mode), modes) == (0o700, {".json": 0o600, ".lock": 0o600})


def test_inventories_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    a, b = (memory_file.path(tmp_path, tmp_path / parent / "prod") for parent in "ab")
    assert a != b and a.name.startswith("prod-")


def test_an_inventory_keeps_its_memory_when_what_its_name_leads_to_is_renewed(tmp_path: Path) -> None:
    """As the kubelet renews the volume of a ConfigMap, and as releases are rolled out to a directory of their own."""
    found = set()
    for number in ("1", "2"):
        (tmp_path / number / "prod").mkdir(parents=True)
        (tmp_path / "data").unlink(missing_ok=True)
        (tmp_path / "data").symlink_to(number)
        found |= {memory_file.path(tmp_path, tmp_path / way) for way in ("data/prod", "data/./x/../prod")}
    assert len(found) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\x00\xff", b"[]", b'{"format": 9}', b'{"format": 1, "seen": [], "looks": []}', b"[" * 9999]
)
def test_a_damaged_file_is_moved_aside_and_the_look_goes_on(tmp_path: Path, content: bytes) -> None:
    file = memory_file.path(tmp_path, Path(INVENTORY))
    file.write_bytes(content)
    told = memory_file.remember(report(ON_CP1, started=SECOND), tmp_path)
    assert since(told) == {"cp1": SECOND}
    (notice,) = told.notices
    assert notice.startswith(f"{file}: K8N760 ") and '"since" begins anew' in notice
    assert file.with_name(f"{file.name}.damaged").read_bytes() == content
    assert memory_file.remember(report(ON_CP1, started=THIRD), tmp_path).notices == ()


def test_a_directory_in_its_place_is_left_there(tmp_path: Path) -> None:
    memory_file.path(tmp_path, Path(INVENTORY)).mkdir()
    (notice,) = memory_file.remember(report(ON_CP1), tmp_path).notices
    assert "K8N761" in notice


def test_a_place_that_cannot_be_written_costs_the_memory_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = memory_file.remember(report(ON_CP1, started=FIRST), tmp_path / "file" / "below")
    assert since(told) == {"cp1": FIRST}
    (notice,) = told.notices
    assert "K8N761" in notice and "--state" in notice


def test_a_full_disk_costs_the_memory_only_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """/dev/full's neighbour: a file may not grow beyond 0 bytes (RLIMIT_FSIZE), in a process of its own."""
    memory_file.remember(report(ON_CP1, started=FIRST), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    script = """
import resource, signal, sys
from pathlib import Path
from k8snet_provision.drift import memory_file
from tests.drift.reports import ON_CP1, report
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
told = memory_file.remember(report(ON_CP1, started="2027-01-01T00:00:00Z"), Path(sys.argv[1]))
assert told.findings[0].since == "2026-11-29T02:00:00Z", told
assert "K8N761" in told.notices[0] and "File too large" in told.notices[0], told
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_second_drift_of_the_inventory_goes_on_without_being_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_file, "PATIENCE", 0.1)
    memory_file.remember(report(ON_CP1, started=FIRST), tmp_path)
    lock = memory_file.path(tmp_path, Path(INVENTORY)).with_suffix(".lock")
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        told = memory_file.remember(report(ON_CP1, started=SECOND), tmp_path)
    assert since(told) == {"cp1": FIRST}
    (notice,) = told.notices
    assert "another drift of this inventory" in notice
    assert [look.started for look in looks(tmp_path)] == [FIRST]


def test_several_at_once_are_all_remembered(tmp_path: Path) -> None:
    """Three processes, thirty looks: none is lost, and whoever reads meanwhile never finds half a file."""
    script = """
import sys
from pathlib import Path
from k8snet_provision.drift import memory_file
from tests.drift.reports import ON_CP1, report
for number in range(10):
    told = memory_file.remember(report(ON_CP1, started=f"2026-11-1{number}T00:00:00Z"), Path(sys.argv[1]))
    assert told.notices == (), told.notices
"""
    jobs = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(3)]
    try:
        while any(job.poll() is None for job in jobs):
            looks(tmp_path)
            time.sleep(0.001)
    finally:
        codes = [job.wait(60) for job in jobs]
    assert codes == [0] * 3
    assert len(looks(tmp_path)) == 30


def test_the_place_is_the_given_one_then_systemds_then_the_users(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert memory_file.directory() == tmp_path / "k8snet-provision" / "drift"
    monkeypatch.setenv("STATE_DIRECTORY", f"/var/lib/k8snet-drift{os.pathsep}/other")
    assert memory_file.directory() == Path("/var/lib/k8snet-drift")
    assert memory_file.directory(Path("/given")) == Path("/given")


def test_what_is_kept_is_json_and_back(tmp_path: Path) -> None:
    memory_file.remember(report(ON_CP1, ON_NODE1), tmp_path)
    known, _ = memory_file.recall(tmp_path, Path(INVENTORY))
    assert memory.from_json(json.loads(json.dumps(memory.to_json(known)))) == known
