"""A copy of an inventory that describes another lab: another name, another network."""

from __future__ import annotations

import re
import shutil
from ipaddress import IPv4Network
from pathlib import Path

from k8snet_provision.lab import settings, supplies
from k8snet_provision.lab.settings import Lab
from k8snet_provision.problems import Problem, ProblemsFound


def clone(source: Path, target: Path, name: str, network: str) -> Lab:
    """Copy the inventory `source` to `target`, with every address of its lab's network moved to `network`.

    Addresses are moved as text in every file, so those of the topology move too. Raises ProblemsFound.
    """
    lab = settings.read(source)
    old, new = lab.settings.network, _network(network)
    _check(old, new, name, target)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".ssh", supplies.DIRECTORY))
    before, after = (str(net[0]).rpartition(".")[0] + "." for net in (old, new))
    for file in (path for path in target.rglob("*") if path.is_file()):
        text = re.sub(rf"(?<![\d.]){re.escape(before)}(?=\d)", after, file.read_text())
        named = rf"(?m)^(\s+name:\s*)([\"']?){lab.name}\2(?=\s|$)"
        file.write_text(re.sub(named, rf'\g<1>"{name}"', text))
    return settings.read(target)


def _check(old: IPv4Network, new: IPv4Network, name: str, target: Path) -> None:
    """Raises ProblemsFound with all that stands against the copy."""
    problems = []
    if old.prefixlen != 24 or new.prefixlen != 24:
        text, found = "only a network of /24 can be moved, and only to another", f"{old} and {new}"
        problems.append(Problem("K8N506", text, "--network", found=found))
    if not re.fullmatch(settings.NAME, name):
        expected = "up to six lower-case letters and digits, a letter first"
        problems.append(Problem("K8N506", "the name can not be a lab's", "--name", repr(name), expected))
    if target.exists():
        problems.append(Problem("K8N506", "the directory is already there", str(target)))
    if problems:
        raise ProblemsFound(problems)


def _network(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise ProblemsFound([Problem("K8N506", str(error), "--network")]) from None
