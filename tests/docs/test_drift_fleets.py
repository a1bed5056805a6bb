"""docs/drift.md, section Fleets: its commands run as they stand, and its files are there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hosts.labs import ROOT

pytestmark = pytest.mark.programs

SECTION = (ROOT / "docs" / "drift.md").read_text().split("\n## Fleets\n")[1].split("\n## ")[0]
COMMANDS = re.findall(r"^ {4}(k8snet-provision .*)$", SECTION, re.MULTILINE)

HOSTS = "kube_control_plane: {hosts: {cp1: {ansible_host: 127.0.0.1, ansible_port: 1}}}\n"
TOPOLOGY = "topology: {service_cidr: 10.254.0.0/16, pod_cidr: 10.244.0.0/16}\n"


def test_the_commands_run_one_after_the_other(tmp_path: Path) -> None:
    """The host is not there, so all are incomplete; one shard has it, and the merged report too."""
    for name in ("prod", "test"):
        inventory = tmp_path / "inventory" / name
        (inventory / "group_vars").mkdir(parents=True)
        (inventory / "hosts.yml").write_text(HOSTS)
        (inventory / "group_vars" / "all.yml").write_text(TOPOLOGY)
    several, shard, merge = COMMANDS
    program = f"k8snet-provision() {{ '{sys.executable}' -m k8snet_provision \"$@\"; }}\n"
    for command in (several, shard, *(shard.replace("2", number) for number in "134"), merge):
        ran = subprocess.run(
            ["bash", "-c", program + command], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert ran.returncode in (0, 3) and not ran.stderr, ran
    assert ran.returncode == 3 and "never reported" not in ran.stdout
    assert (tmp_path / "drift.html").stat().st_size > 1000


def test_what_it_names_is_there() -> None:
    for path in re.findall(r"\]\(\.\./([^)]+)\)", SECTION):
        assert (ROOT / path).exists(), path
    for file in ("cronjob.yaml", "kustomization.yaml", "role.yaml"):
        assert file in SECTION and (ROOT / "kubernetes" / file).is_file()
