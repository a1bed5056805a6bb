"""A copy of an inventory that describes another lab: another name, another network."""

from __future__ import annotations

import re
import shutil
from ipaddress import IPv4Network
from pathlib import Path

from k8snet_provision.lab import settings
from k8snet_provision.lab.settings import Lab
from k8snet_provision.problems import Problem, ProblemsFound


def clone(source: Path, target: Path, name: str, network: str) -> Lab:
    """Copy the inventory `source` to `target`, with every address of its lab's network moved to `network`.

    Addresses are moved as text in every file, so those of the topology move too. Raises ProblemsFound.
    """
    lab = settings.read(source)
    old, new = lab.settings.network, _network(network)
    if old.prefixlen != 24 or new.prefixlen != 24:
        raise ProblemsFound([Problem("K8N506", "only networks of /24 can be moved", network, found=f"{old} and {new}")])
    if target.exists():
        raise ProblemsFound([Problem("K8N506", "the directory is already there", str(target))])
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".ssh"))
    before, after = (str(net[0]).rpartition(".")[0] + "." for net in (old, new))
    for file in (path for path in target.rglob("*") if path.is_file()):
        text = re.sub(rf"(?<![\d.]){re.escape(before)}(?=\d)", after, file.read_text())
        file.write_text(re.sub(rf"(?m)^(\s+name:\s*){lab.name}\b", rf"\g<1>{name}", text))
    return settings.read(target)


def _network(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise ProblemsFound([Problem("K8N506", f"--network: {error}", text)]) from None
