"""Files are replaced whole, only where they still are what the plan saw, and never half."""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from k8snet_provision.engine.files import remove_file, write_file
from k8snet_provision.engine.fleet import Fleet, Output, Script
from k8snet_provision.engine.shell import CONFLICT

from .sshd import Sshd

pytestmark = pytest.mark.programs


class Host:
    """One host and a directory on it."""

    def __init__(self, fleet: Fleet, directory: Path) -> None:
        self.fleet = fleet
        self.etc = directory / "etc"
        self.etc.mkdir()
        self.backups = directory / "backups"

    def run(self, script: Script) -> Output:
        answer = self.fleet.run({"h1": script})["h1"]
        assert isinstance(answer, Output), answer
        return answer

    def write(self, path: Path, content: bytes, before: bytes | None, **how: Any) -> Output:
        return self.run(
            write_file(str(path), content, expected_sha256=sha256(before), backup_dir=str(self.backups), **how)
        )

    def remove(self, path: Path, before: bytes) -> Output:
        return self.run(remove_file(str(path), expected_sha256=sha256(before), backup_dir=str(self.backups)))

    def left(self) -> list[str]:
        return sorted(path.name for path in self.etc.rglob("*"))

    def kept(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.backups)): p.read_bytes() for p in self.backups.rglob("*") if p.is_file()}


def sha256(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


@pytest.fixture
def host(sshd: Sshd, tmp_path: Path) -> Iterator[Host]:
    with Fleet({"h1": sshd.connection()}) as fleet:
        yield Host(fleet, tmp_path)


def test_a_new_file_has_content_mode_and_owner(host: Host) -> None:
    path = host.etc / "sub" / "new.conf"
    content = os.urandom(100_000)
    answer = host.write(path, content, None, mode="640", owner="daemon", group="daemon")
    assert (answer.code, answer.stderr) == (0, b"")
    status = path.stat()
    assert path.read_bytes() == content
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o640, 1, 1)
    assert host.left() == ["new.conf", "sub"]


def test_what_is_replaced_is_kept_for_root_alone(host: Host) -> None:
    path = host.etc / "a.conf"
    path.write_bytes(b"old")
    assert host.write(path, b"new", b"old").code == 0
    assert host.write(path, b"newer", b"new").code == 0
    assert path.read_bytes() == b"newer"
    assert sorted(host.kept().values()) == [b"new", b"old"]
    assert all(name.startswith(str(path)[1:]) for name in host.kept())
    assert stat.S_IMODE(host.backups.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("there", "seen", "said"),
    [
        (b"edited by hand", b"old", "its content is another"),
        (None, b"old", "it is gone"),
        (b"made by hand", None, "it is there now"),
    ],
)
def test_a_file_that_moved_since_the_plan_is_left_alone(
    host: Host, there: bytes | None, seen: bytes | None, said: str
) -> None:
    path = host.etc / "a.conf"
    if there is not None:
        path.write_bytes(there)
    answer = host.write(path, b"new", seen)
    assert answer.code == CONFLICT
    assert answer.stderr.decode() == f"{path}: changed since it was observed: {said}\n"
    assert (path.read_bytes() if path.exists() else None) == there
    assert host.kept() == {}


def test_a_change_during_the_validation_is_noticed_too(host: Host) -> None:
    path = host.etc / "a.conf"
    path.write_bytes(b"old")
    job = gevent.spawn(host.write, path, b"new", b"old", validate="sleep 1")
    gevent.sleep(0.5)
    path.write_bytes(b"edited by hand")
    assert job.get().code == CONFLICT
    assert path.read_bytes() == b"edited by hand"
    assert host.left() == ["a.conf"]


def test_a_validator_refuses_with_its_own_words(host: Host) -> None:
    path = host.etc / "a.conf"
    path.write_bytes(b"old")
    answer = host.write(path, b"new", b"old", validate='grep -q old "$1" || { echo "line 1: $(cat "$1")"; exit 3; }')
    assert answer.code == 1
    assert answer.stderr.decode() == f"{path}: refused by its validator (exit code 3): line 1: new\n"
    assert path.read_bytes() == b"old"
    assert host.left() == ["a.conf"]


def test_the_validator_sees_the_name_and_the_mode_that_will_be(host: Host) -> None:
    validate = '[ "${1##*/}" = a.service ] && [ "$(stat -c %a "$1")" = 600 ] && [ "$(cat "$1")" = new ]'
    assert host.write(host.etc / "a.service", b"new", None, mode="600", validate=validate).code == 0


def test_readers_see_the_old_file_or_the_new_one(host: Host) -> None:
    path = host.etc / "a.conf"
    contents = [bytes([65 + n]) * 500_000 for n in range(6)]
    path.write_bytes(contents[0])
    seen = set()

    def read() -> None:
        while True:
            seen.add(path.read_bytes())
            time.sleep(0.001)

    reader = gevent.spawn(read)
    for before, after in itertools.pairwise(contents):
        assert host.write(path, after, before).code == 0
    reader.kill()
    assert seen <= set(contents)
    assert len(seen) > 1


def test_a_staged_file_never_appears_in_a_watched_directory(host: Host, tmp_path: Path) -> None:
    stage = tmp_path / "stage"
    validate = f'ls -A {host.etc} >{tmp_path}/seen; dirname "$1" >>{tmp_path}/seen'
    assert host.write(host.etc / "pod.yaml", b"new", None, stage_dir=str(stage), validate=validate).code == 0
    listed = (tmp_path / "seen").read_text().splitlines()
    assert len(listed) == 1 and listed[0].startswith(f"{stage}/")
    assert list(stage.iterdir()) == []


def test_a_stage_on_another_file_system_is_refused(host: Host) -> None:
    answer = host.write(host.etc / "pod.yaml", b"new", None, stage_dir="/dev/shm")
    assert "the stage directory /dev/shm is on another file system" in answer.stderr.decode()
    assert host.left() == []


@pytest.mark.parametrize(
    "name", ["with space", "quo'te", 'dou"ble', "$(touch owned)", "`id`", "new\nline", "-rf", "semi;colon", "ünï", "*"]
)
def test_hostile_names_are_names(host: Host, name: str) -> None:
    path = host.etc / name
    assert host.write(path, b"1", None).stderr == b""
    assert host.write(path, b"2", b"1").stderr == b""
    assert path.read_bytes() == b"2"
    assert host.remove(path, b"2").stderr == b""
    assert host.left() == []
    assert sorted(host.kept().values()) == [b"1", b"2"]


def test_a_link_stays_and_its_target_is_replaced(host: Host) -> None:
    (host.etc / "real").write_bytes(b"old")
    (host.etc / "link").symlink_to("real")
    assert host.write(host.etc / "link", b"new", b"old").code == 0
    assert (host.etc / "link").is_symlink()
    assert (host.etc / "real").read_bytes() == b"new"


def test_a_full_disk_leaves_the_old_file(host: Host) -> None:
    path = host.etc / "a.conf"
    path.write_bytes(b"old")
    script = write_file(str(path), bytes(3_000_000), expected_sha256=sha256(b"old"), backup_dir=str(host.backups))
    limited = Script(
        "ulimit -f 100\n" + script.text, script.stdin
    )  # the file size limit fails writes as a full disk does
    answer = host.run(limited)
    assert answer.code != 0
    assert path.read_bytes() == b"old"
    assert host.left() == ["a.conf"]


def test_removal_keeps_a_copy_and_refuses_what_moved(host: Host) -> None:
    path = host.etc / "a.conf"
    path.write_bytes(b"edited by hand")
    assert host.remove(path, b"old").code == CONFLICT
    assert path.exists()
    path.write_bytes(b"old")
    assert host.remove(path, b"old").code == 0
    assert not path.exists()
    assert list(host.kept().values()) == [b"old"]


def test_what_a_lost_host_left_half_written_is_put_away_by_the_next_write(host: Host) -> None:
    """Of a process that is gone alone: another run's may still be at work."""
    path = host.etc / "a.conf"
    path.write_bytes(b"old")
    at_work = host.etc / f".k8snet-provision.{os.getpid()}.abcdef"
    at_work.mkdir()
    dies = 'staged=${1%/*}; own=${staged%.*}; kill -9 "${own##*.}"; sleep 1'
    assert host.write(path, b"new", b"old", validate=dies).code != 0
    assert len(host.left()) == 4 and path.read_bytes() == b"old", "the staged file and its directory are left"
    assert host.write(path, b"new", b"old").code == 0
    assert host.left() == [at_work.name, "a.conf"]
