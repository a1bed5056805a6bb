"""Files as hosts answer them, seen through a real sh."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from k8snet_provision.change import Action
from k8snet_provision.resources import file
from k8snet_provision.resources.probe import Unknown
from tests.shell import ask


@pytest.mark.parametrize(
    "name", ["plain", "with space", "qu'ote", 'd"ouble', "$(touch pwned)", "new\nline", "-n", "ümläut"]
)
def test_any_name_and_any_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x00\xff no newline at the end")
    path.chmod(0o640)
    found = file.read(ask(file.probe(str(path))), str(path))
    assert found is not None
    assert (found.content, found.mode) == (b"\x00\xff no newline at the end", "640")
    assert not (tmp_path / "pwned").exists()
    assert not Path("pwned").exists()


def test_a_missing_file_is_absent_even_in_a_missing_directory(tmp_path: Path) -> None:
    paths = [str(tmp_path / "no"), str(tmp_path / "no" / "such")]
    seen = ask(*map(file.probe, paths))
    assert [file.read(seen, path) for path in paths] == [None, None]


def test_what_is_no_regular_file_is_unknown(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(Unknown, match="not a regular file"):
            file.read(ask(file.probe(str(path))), str(path))


def test_a_file_too_large_for_a_configuration_is_not_fetched(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as stream:
        stream.truncate(file.LARGEST + 1)
    with pytest.raises(Unknown, match="larger than"):
        file.read(ask(file.probe(str(path))), str(path))


def test_equal_files_make_no_change() -> None:
    one = file.File("/etc/x", b"same")
    assert list(file.change("phase", "host", one, one)) == []


def test_a_change_can_be_turned_round() -> None:
    before, after = file.File("/x", b"old", mode="600"), file.File("/x", b"new", mode="644")
    (change,) = file.change("phase", "host", before, after, restarts=("unit",))
    back = change.inverted()
    assert (back.before, back.after) == ("new", "old")
    assert (back.details["after_mode"], back.details["before_sha256"]) == ("600", after.sha256)
    assert back.inverted() == change


def test_creating_and_deleting_follow_from_the_missing_side() -> None:
    (created,) = file.change("phase", "host", None, file.File("/x", b""))
    assert created.action is Action.CREATE
    assert created.inverted().action is Action.DELETE
