from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from k8snet_provision.lab import manifest

pytestmark = pytest.mark.programs


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    (made / "etc").mkdir(parents=True)
    (made / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    (made / "etc" / "Főtanúsítvány.crt").write_bytes(b"")
    (made / "bin").symlink_to("usr/bin")
    (made / "init").write_bytes(b"\x7fELF" * 1000)
    (made / "init").chmod(0o755)
    return made


def test_an_untouched_tree_has_no_damage(tree: Path) -> None:
    assert manifest.damage(tree, manifest.record(tree)) == []


def test_a_manifest_reads_back_as_it_was_written(tree: Path, tmp_path: Path) -> None:
    entries = manifest.record(tree)
    manifest.write(entries, tmp_path / "m")
    assert manifest.read(tmp_path / "m") == entries


def _flip(tree: Path) -> None:
    with (tree / "init").open("r+b") as file:
        file.seek(2000)
        file.write(b"!")


def _flip_and_hide(tree: Path) -> None:
    before = (tree / "init").stat()
    _flip(tree)
    os.utime(tree / "init", ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace_with_copy(tree: Path) -> None:
    shutil.copy2(tree / "init", tree / "copy")
    _flip_and_hide(tree)
    (tree / "copy").unlink()


def _put_in_place_of_link(tree: Path, make: Callable[[Path], None]) -> None:
    (tree / "bin").unlink()
    make(tree / "bin")


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "one byte": (_flip, "init has changed"),
    "one byte, old mtime": (_flip_and_hide, "init has changed"),
    "one byte beside a copy": (_replace_with_copy, "init has changed"),
    "file gone": (lambda tree: (tree / "etc/hosts").unlink(), "etc/hosts is missing"),
    "tree gone": (lambda tree: shutil.rmtree(tree), "init is missing"),
    "file more": (lambda tree: (tree / "etc/more").touch(), "etc/more is not in the manifest"),
    "mode": (lambda tree: (tree / "init").chmod(0o4755), "mode 4755"),
    "link": (lambda tree: _put_in_place_of_link(tree, lambda link: link.symlink_to("/tmp")), "bin has changed"),
    "link is a file": (lambda tree: _put_in_place_of_link(tree, Path.touch), "bin has changed"),
}


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("witnessed", [False, True])
def test_damage_is_found_and_named(tree: Path, tmp_path: Path, name: str, witnessed: bool) -> None:
    entries, witness = manifest.record(tree), tmp_path / "witness"
    _settle()
    assert manifest.damage(tree, entries, witness) == []
    do_damage, expected = DAMAGES[name]
    do_damage(tree)
    assert any(expected in text for text in manifest.damage(tree, entries, witness if witnessed else None))


def _settle() -> None:
    """Wait until files are old enough for a witness to vouch for them."""
    time.sleep(0.15)


def test_files_known_to_be_right_are_not_read_again(tree: Path, tmp_path: Path) -> None:
    entries, witness = manifest.record(tree), tmp_path / "witness"
    _settle()
    manifest.damage(tree, entries, witness)
    witness.write_text(witness.read_text().replace(_digest_of(entries["init"]), "f" * 64))
    [text] = manifest.damage(tree, entries, witness)
    assert "init has changed: found file sha256 ffff" in text  # so it believed the witness, not the file


def _digest_of(line: str) -> str:
    return line.split("\t")[-1]


def test_files_written_a_moment_ago_are_read_again(tree: Path, tmp_path: Path) -> None:
    """Their next change could fall into the same tick of the clock and leave ctime as it is."""
    entries, witness = manifest.record(tree), tmp_path / "witness"
    (tree / "init").chmod(0o755)
    manifest.damage(tree, entries, witness)
    assert _digest_of(entries["init"]) not in witness.read_text()


def test_damage_is_remembered_by_no_witness(tree: Path, tmp_path: Path) -> None:
    entries, witness = manifest.record(tree), tmp_path / "witness"
    _flip(tree)
    for _ in range(2):
        assert len(manifest.damage(tree, entries, witness)) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"boot": 1}', b'{"boot": "x", "files": {"init": 3}}', b"\xff"])
def test_a_witness_that_is_none_is_ignored(tree: Path, tmp_path: Path, content: bytes) -> None:
    entries, witness = manifest.record(tree), tmp_path / "witness"
    witness.write_bytes(content)
    _flip(tree)
    assert len(manifest.damage(tree, entries, witness)) == 1


def test_a_witness_of_another_boot_is_ignored(tree: Path, tmp_path: Path) -> None:
    entries, witness = manifest.record(tree), tmp_path / "witness"
    _settle()
    manifest.damage(tree, entries, witness)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    forged = witness.read_text().replace(boot, "0" * len(boot)).replace(_digest_of(entries["init"]), "0" * 64)
    witness.write_text(forged)
    assert manifest.damage(tree, entries, witness) == []


@pytest.mark.parametrize("text", ["init\tfile\t0755\n", "nothing\n", "a\tb\tc\td\te\tf\n"])
def test_what_is_no_manifest_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "m").write_text(text)
    with pytest.raises(manifest.BadManifest, match=r"m:1: not a line of a manifest"):
        manifest.read(tmp_path / "m")


def test_a_name_that_no_line_can_hold_is_refused(tree: Path) -> None:
    (tree / "two\nlines").touch()
    with pytest.raises(manifest.BadManifest, match="can not be recorded"):
        manifest.record(tree)


def test_many_differences_are_named_in_part_and_counted() -> None:
    assert manifest.first(["a", "b", "c", "d", "e"]) == "a; b; c and 2 more"
