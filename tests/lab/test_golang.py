from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from k8snet_provision.lab import assets, golang
from k8snet_provision.lab.programs import ProgramFailed, Programs


def test_kubernetes_is_stamped_with_its_version() -> None:
    flags = golang.version_stamp("v1.36.3").removeprefix("-X ").split(" -X ")
    assert "k8s.io/component-base/version.gitVersion=v1.36.3" in flags
    assert "k8s.io/component-base/version.gitMinor=36" in flags
    assert "k8s.io/client-go/pkg/version.gitMajor=1" in flags


def test_the_newest_go_any_module_asks_for_is_wanted(tmp_path: Path) -> None:
    for name, version in {"a": "1.22", "b": "1.26.0", "c": "1.9.7"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "go.mod").write_text(f"module {name}\n\ngo {version}\n\ntoolchain go1.99\n")
    assert golang.wanted_version(tmp_path) == (1, 26, 0)


@pytest.fixture
def module(tmp_path: Path) -> Path:
    folder = tmp_path / "hello"
    folder.mkdir()
    (folder / "go.mod").write_text("module hello\n\ngo 1.22\n")
    (folder / "main.go").write_text('package main\n\nvar version = "none"\n\nfunc main() { println(version) }\n')
    return folder


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> str:
    return golang.toolchain(assets.directory(), tmp_path_factory.mktemp("cache"), Programs())


def test_a_module_is_built_static_and_stamped(module: Path, tmp_path: Path, go: str) -> None:
    (out := tmp_path / "out").mkdir()
    golang.build(module, out, ".", "-X main.version=v7", go, Programs())
    ran = subprocess.run([out / "hello"], capture_output=True, text=True, check=True, timeout=10, env={})
    assert ran.stderr == "v7\n"
    assert b"/lib64/ld-linux" not in (out / "hello").read_bytes()
    assert str(tmp_path).encode() not in (out / "hello").read_bytes()  # -trimpath


def test_a_module_that_is_not_pinned_is_not_built(module: Path, tmp_path: Path, go: str) -> None:
    (module / "go.mod").write_text("module hello\n\ngo 1.22\n\nrequire golang.org/x/net v0.47.0\n")
    (module / "main.go").write_text('package main\n\nimport _ "golang.org/x/net/idna"\n\nfunc main() {}\n')
    (out := tmp_path / "out").mkdir()
    with pytest.raises(ProgramFailed, match=r"go\.sum"):
        golang.build(module, out, ".", "", go, Programs())
    assert list(out.iterdir()) == []


def test_a_go_that_is_too_old_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go: str) -> None:
    old = tmp_path / "bin" / "go"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho go1.19.8\n")
    old.chmod(0o755)
    kept = tmp_path / "cache" / "go" / "bin" / "go"
    kept.parent.mkdir(parents=True)
    kept.symlink_to(go)
    monkeypatch.setenv("PATH", f"{old.parent}{os.pathsep}{os.environ['PATH']}")
    assert golang.toolchain(assets.directory(), tmp_path / "cache", Programs()) == str(kept)
