"""Diffs are those of `diff -u`, and never show what must not be seen."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from k8snet_provision.edits.diff import unified_diff


def real_diff(tmp_path: Path, before: bytes, after: bytes) -> list[str]:
    (tmp_path / "a").write_bytes(before)
    (tmp_path / "b").write_bytes(after)
    done = subprocess.run(
        ["diff", "-u", tmp_path / "a", tmp_path / "b"], capture_output=True, timeout=10, check=False, text=True
    )
    return done.stdout.split("\n")[2:]


PAIRS = [
    (b"", b"a\n"), (b"a\n", b""), (b"a", b"a\n"), (b"a\n", b"a"), (b"a", b"b"), (b"a\nb\nc\n", b"a\nx\nc\n"),
    (b"\n" * 9 + b"x\n", b"\n" * 9 + b"y"), (b"1\n2\n3\n4\n5\n6\n7\n8\n9\n", b"0\n2\n3\n4\n5\n6\n7\n8\n0\n"),
    (b"", b"a"), ("ä\n".encode(), "ö\n".encode()), (b"a\tb\n", b"a\tc\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_the_body_is_that_of_diff(tmp_path: Path, before: bytes, after: bytes) -> None:
    shown = unified_diff(before, after, "/etc/f").split("\n")
    assert shown[:2] == ["--- /etc/f", "+++ /etc/f"]
    assert shown[2:] == real_diff(tmp_path, before, after)


@pytest.mark.parametrize("seed", range(20))
def test_patch_makes_the_new_file_of_the_old_one(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    before, after = ("".join(chance.choice("ab\n\n ") for _ in range(chance.randint(0, 60))).encode() for _ in range(2))
    target = tmp_path / "f"
    target.write_bytes(before)
    text = unified_diff(before, after, "f")
    if text:
        subprocess.run(["patch", "-s", target], input=text.encode(), timeout=10, check=True)
    assert (target.read_bytes() if target.exists() else b"") == after


def test_nothing_is_shown_where_nothing_differs() -> None:
    assert unified_diff(b"a", b"a", "f") == unified_diff(None, None, "f") == ""


def test_an_absent_file_is_dev_null() -> None:
    assert unified_diff(None, b"a\n", "f") == "--- /dev/null\n+++ f\n@@ -0,0 +1 @@\n+a\n"
    assert unified_diff(b"a\n", None, "f") == "--- f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"


@pytest.mark.parametrize(
    ("content", "secret"), [(b"password\n", True), (b"\xff\xfepassword", False), (b"password\0", False)]
)
def test_secret_and_binary_content_is_shown_by_digest_only(content: bytes, secret: bool) -> None:
    shown = unified_diff(content, b"password2\n", "f", secret=secret)
    assert "password" not in shown
    assert shown.count("sha256") == 2
    assert f"-{len(content)} bytes" in shown


def test_control_characters_are_escaped() -> None:
    shown = unified_diff(None, "a\x1b[2J\r\u202e\tb\n".encode(), "f\x1b\n")
    assert shown.endswith("+++ f\\x1b\\n\n@@ -0,0 +1 @@\n+a\\x1b[2J\\r\\u202e\tb\n")
