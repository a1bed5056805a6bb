from __future__ import annotations

from pathlib import Path

from k8snet_provision.lab.debian_files import real


def test_a_link_from_the_root_on_leads_into_the_tree_and_not_to_the_machine(tmp_path: Path) -> None:
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/libx.so.1.2").touch()
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / "usr/lib/libx.so.1").symlink_to("libx.so.1.2")
    (tmp_path / "usr/loader").symlink_to("/lib/libx.so.1")
    assert real(tmp_path, "usr/loader").samefile(tmp_path / "usr/lib/libx.so.1.2")
    assert not real(tmp_path, "usr/loader").is_symlink()


def test_what_is_no_link_is_itself(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert real(tmp_path, "file") == tmp_path / "file"
