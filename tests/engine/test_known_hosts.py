"""known_hosts is read as sshd(8) and ssh-keygen(1) write it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from k8snet_provision.engine.known_hosts import fingerprint, host_name, read_known_hosts

from .sshd import make_key


@pytest.fixture
def key(tmp_path: Path) -> str:
    return " ".join(make_key(tmp_path / "key").with_suffix(".pub").read_text().split()[:2])


def lines_for(path: Path, name: str) -> list[int]:
    return [known.line for known in read_known_hosts(str(path)).keys_of(name)]


def test_plain_names_patterns_and_negation(tmp_path: Path, key: str) -> None:
    path = tmp_path / "known_hosts"
    names = ["cp1,10.0.0.1", "10.0.0.*,!10.0.0.9", "[10.0.0.1]:2222", "node-?"]
    path.write_text("\n# comment\n" + "".join(f"{name} {key} a comment\n" for name in names))
    assert lines_for(path, "10.0.0.1") == [3, 4]
    assert lines_for(path, "10.0.0.9") == []
    assert lines_for(path, host_name("10.0.0.1", 2222)) == [5]
    assert lines_for(path, "node-7") == [6]
    assert lines_for(path, "node-77") == []


def test_hashed_names_are_those_ssh_keygen_makes(tmp_path: Path, key: str) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"10.0.0.1 {key}\n[10.0.0.2]:2222 {key}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
    assert "10.0.0" not in path.read_text()
    assert lines_for(path, "10.0.0.1") == [1]
    assert lines_for(path, "[10.0.0.2]:2222") == [2]
    assert lines_for(path, "10.0.0.2") == []


def test_the_fingerprint_is_ssh_keygens(tmp_path: Path, key: str) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"cp1 {key}\n")
    printed = subprocess.run(["ssh-keygen", "-l", "-f", str(path)], check=True, capture_output=True, text=True)
    assert fingerprint(read_known_hosts(str(path)).keys_of("cp1")[0].blob) in printed.stdout


def test_broken_lines_and_authorities_are_passed_over(tmp_path: Path, key: str) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"cp1\ncp1 ssh-ed25519 !!!\n@cert-authority cp1 {key}\n|1|x {key}\n@revoked cp1 {key}\n")
    known = read_known_hosts(str(path)).keys_of("cp1")
    assert [(entry.line, entry.marker) for entry in known] == [(5, "@revoked")]


def test_a_file_that_changed_is_read_again(tmp_path: Path, key: str) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"cp1 {key}\n")
    assert lines_for(path, "cp1") == [1]
    path.write_text(f"\ncp1 {key}\n")
    assert lines_for(path, "cp1") == [2]
