"""docs/drift.md, section Outputs: its commands run, its tables are what there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from k8snet_provision.reports.drift.forms import FORMS
from k8snet_provision.reports.drift.prometheus import HELP
from tests.hosts.labs import ROOT
from tests.monitoring.scrapes import RULES
from tests.program import run

PAGE = (ROOT / "docs" / "drift.md").read_text()
SECTION = PAGE.split("\n## Outputs\n")[1].split("\n## ")[0]
COMMANDS = re.findall(r"^ +(?:script: )?k8snet-provision (drift .*)$", SECTION, re.MULTILINE)

HOSTS = "kube_control_plane: {hosts: {cp1: {ansible_host: 127.0.0.1, ansible_port: 1}}}\n"
TOPOLOGY = "topology: {service_cidr: 10.254.0.0/16, pod_cidr: 10.244.0.0/16}\n"


def rows(heading: str) -> list[list[str]]:
    """The cells of a table below its two head lines."""
    table = SECTION.split(f"| {heading} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_every_form_is_in_the_table() -> None:
    assert {row[0].strip("`") for row in rows("KIND")} == set(FORMS)


def test_every_metric_is_in_the_table_as_its_help_says() -> None:
    assert {row[0].strip("`"): row[2] for row in rows("metric")} == {
        f"k8snet_drift_{name}": told for name, told in HELP.items()
    }


def test_every_alert_is_in_the_table_with_its_severity() -> None:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    assert {row[0]: row[2] for row in rows("alert")} == {
        rule["alert"]: rule["labels"]["severity"] for rule in group["rules"]
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs_as_it_stands(command: str, tmp_path: Path) -> None:
    """In a directory that has the inventory, whose host is not there; absolute paths begin in it too."""
    inventory = tmp_path / "inventory" / "prod"
    (inventory / "group_vars").mkdir(parents=True)
    (inventory / "hosts.yml").write_text(HOSTS)
    (inventory / "group_vars" / "all.yml").write_text(TOPOLOGY)
    (tmp_path / "var/lib/node_exporter").mkdir(parents=True)
    words = [word.replace("=/", f"={tmp_path}/") for word in shlex.split(command)]
    ran = run(*words, directory=tmp_path)
    assert ran.code == 3, ran
    files = [word.split("=", 1)[1] for word in words if "=" in word]
    assert all((tmp_path / file).stat().st_size > 100 for file in files)
