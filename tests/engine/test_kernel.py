"""The file that keeps what was set in the kernel: one line for each thing, and none once it is undone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from k8snet_provision.engine.kernel import unload_module


def undo(path: Path, line: str = "", name: str = "no_such_module") -> None:
    script = unload_module(name, kept_in=str(path), line=line)
    subprocess.run(["sh", "-c", script.text], check=True, capture_output=True)


@pytest.mark.parametrize("before", ["# ours\nother\n", "a\nno_such_module_2\nb = 1\n"])
def test_the_other_lines_stay_as_they_are(tmp_path: Path, before: str) -> None:
    path = tmp_path / "kept.conf"
    path.write_text(f"{before}no_such_module\n")
    undo(path)
    assert path.read_text() == before


def test_a_file_goes_with_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kept.conf"
    undo(path)
    assert not path.exists()
    path.write_text("no_such_module\n")
    undo(path)
    assert list(path.parent.iterdir()) == []


def test_a_line_that_was_there_before_is_put_back_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "kept.conf"
    path.write_text("a = 1\nb = 2\nc = 3\n")
    undo(path, "b = 7 8", "b")
    assert path.read_text() == "a = 1\nb = 7 8\nc = 3\n"


def test_a_line_that_is_right_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "kept.conf"
    path.write_text("b = 2\nc = 3\n")
    inode = path.stat().st_ino
    undo(path, "b = 2", "b")
    assert path.stat().st_ino == inode
