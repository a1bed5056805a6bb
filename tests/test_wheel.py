"""The wheel stands on its own: it holds what the package needs and works in an environment that has nothing else."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from tests import wheels
from tests.hosts.labs import ROOT
from tests.wheels import run

pytestmark = pytest.mark.programs

HOSTS = "kube_control_plane: {hosts: {cp1: {ansible_host: 192.0.2.11}}}\n"
TOPOLOGY = "topology: {service_cidr: 10.254.0.0/16, pod_cidr: 10.244.0.0/16}\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheels.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheels.install(wheel, tmp_path_factory.mktemp("installed"))


def tracked(folder: str) -> set[str]:
    """The files of a directory of the checkout that belong to the project."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", folder], cwd=ROOT, check=True, capture_output=True, text=True, timeout=30
    )
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


@pytest.mark.parametrize("folder", ["deploys", "templates", "lab", "monitoring", "kubernetes"])
def test_what_stands_beside_the_package_is_inside_the_wheel(wheel: Path, folder: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    wanted = {f"k8snet_provision/_bundled/{name}" for name in tracked(folder)}
    assert wanted
    assert wanted - inside == set()


def test_nothing_else_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"k8snet_provision"}
    assert [name for name in names if name.endswith((".pyc", ".key", ".pem")) or "/.ssh/" in name] == []


def test_every_module_of_the_package_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    assert tracked("k8snet_provision") - inside == set()


def test_it_runs_where_nothing_else_is(installed: Path, tmp_path: Path) -> None:
    shown = run(installed, "--help", cwd=tmp_path)
    assert shown.code == 0, shown
    assert "diff" in shown.out
    inventory = tmp_path / "inventory"
    (inventory / "group_vars").mkdir(parents=True)
    (inventory / "hosts.yml").write_text(HOSTS)
    (inventory / "group_vars" / "all.yml").write_text(TOPOLOGY)
    linted = run(installed, "lint", "inventory", cwd=tmp_path)
    assert linted.code == 0, linted
    (inventory / "hosts.yml").write_text(HOSTS.replace("192.0.2.11", "127.0.0.1, ansible_port: 1"))
    unseen = run(installed, "diff", "inventory", cwd=tmp_path)
    assert unseen.code == 3, unseen
    assert "? cp1: host could not be observed" in unseen.out
