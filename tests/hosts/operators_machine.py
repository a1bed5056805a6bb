"""A host of a lab as the operator's machine: Python, the wheel and what it requires, put on its disk from outside."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from k8snet_provision.lab import settings
from tests import wheels
from tests.hosts.labs import LabCluster

PYTHON = "/opt/k8snet/bin/python3"
TOOL = f"{PYTHON} -m k8snet_provision"
NOT_NEEDED = ("test", "site-packages", "idlelib", "tkinter", "lib2to3", "ensurepip", "__pycache__", "config-*")


def install(lab: LabCluster, host: str, scratch: Path) -> None:
    """As a self-contained installation below /opt, which every user may read. Nothing of the checkout goes there."""
    root = settings.read(lab.inventory).root(host) / "opt" / "k8snet"
    standard = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(standard, root / "lib" / standard.name, ignore=shutil.ignore_patterns(*NOT_NEEDED))
    (root / "bin").mkdir()
    shutil.copy(Path(sys.executable).resolve(), root / "bin" / "python3")
    for library in Path(sys.base_prefix, "lib").glob("libpython3.*.so.1.0"):
        shutil.copy(library, root / "lib" / library.name)
    packages = root / "lib" / standard.name / "site-packages"
    packages.mkdir()
    shutil.unpack_archive(wheels.build(scratch), packages, "zip")
    for name in _required("k8snet-provision"):
        _copy(name, packages)
    lab.on(host, "echo /opt/k8snet/lib >/etc/ld.so.conf.d/k8snet.conf; ldconfig; chmod -R a+rX /opt/k8snet")


def _required(name: str) -> set[str]:
    """The distributions that one requires, and those that they do, but for extras."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for line in metadata.requires(waiting.pop()) or ():
            wanted = Requirement(line)
            if (wanted.marker is None or wanted.marker.evaluate({"extra": ""})) and wanted.name.lower() not in found:
                found.add(wanted.name.lower())
                waiting.append(wanted.name)
    return found


def _copy(name: str, packages: Path) -> None:
    distribution = metadata.distribution(name)
    for file in distribution.files or ():
        source = Path(str(distribution.locate_file(file)))
        if not str(file).startswith("..") and source.is_file() and source.suffix != ".pyc":
            (packages / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, packages / file)


FLEET = "/etc/fleet/prod"
READABLE = "chgrp -R k8snet-drift /etc/fleet && chmod -R g+rX,o-rwx /etc/fleet"

GONE = """userdel k8snet-drift
rm -rf /opt/k8snet /etc/fleet /var/lib/k8snet-drift /var/lib/node_exporter /etc/ld.so.conf.d/k8snet.conf; ldconfig"""


def keep_inventory(lab: LabCluster, host: str) -> None:
    """A copy of the lab's inventory where an operator would have it, for root's eyes only."""
    target = settings.read(lab.inventory).root(host) / FLEET.lstrip("/")
    shutil.copytree(lab.inventory, target)
    lab.on(host, f"chown -R root:root /etc/fleet; chmod -R go-rwx {FLEET}")


def tool(lab: LabCluster, host: str, arguments: str) -> tuple[int, str]:
    """Exit code and everything that the tool said there, as root."""
    said = lab.on(host, f"cd /; {TOOL} {arguments} 2>&1; echo $?", timeout=180)
    text, _, code = said.rstrip("\n").rpartition("\n")
    return int(code), text
