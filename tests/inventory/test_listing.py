"""What `k8snet-provision inventory` prints equals what ansible-inventory prints, rule by rule."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision.inventory import load
from k8snet_provision.inventory.listing import graph, host_json, list_json
from tests.inventory.written import CASES

pytestmark = pytest.mark.programs

Ansible = dict[str, dict[str, Any]]


@pytest.mark.parametrize("case", CASES)
def test_equals_ansible_inventory(case: str, inventories: dict[str, Path], ansible: Ansible) -> None:
    inventory = load(inventories[case])
    theirs = ansible[case]
    assert json.loads(list_json(inventory)) == json.loads(theirs["list"])
    assert json.loads(list_json(inventory, export=True)) == json.loads(theirs["export"])
    hosts = {host: json.loads(host_json(inventory, host)) for host in inventory.hosts}
    assert hosts == {host: json.loads(variables) for host, variables in theirs["hosts"].items()}
    assert graph(inventory) == theirs["graph"]
    assert graph(inventory, variables=True) == theirs["graph_vars"]


def test_text_equals_the_program_itself(inventories: dict[str, Path], tmp_path: Path) -> None:
    """The other tests ask Ansible's code through a helper; this one shows that the helper tells the truth."""
    path = inventories["kubespray's layout"]
    program = Path(sys.executable).with_name("ansible-inventory")
    (tmp_path / "ansible.cfg").touch()

    def printed(*arguments: str) -> str:
        command = [program, "-i", path, *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.rstrip("\n")

    inventory = load(path)
    assert list_json(inventory) == printed("--list")
    assert graph(inventory, "k8s_cluster", variables=True) == printed("--graph", "k8s_cluster", "--vars")
    assert host_json(inventory, "node1") == printed("--host", "node1")


def test_members_of_a_group_in_ansible_order(inventories: dict[str, Path]) -> None:
    inventory = load(inventories["INI: children before and after"])
    assert inventory.members("top") == ("h", "l1")
    assert inventory.members("all") == ("h", "l1")
    assert inventory.hosts["l1"].groups == ("late", "mid", "other", "top")


def test_unknown_names_are_key_errors(inventories: dict[str, Path]) -> None:
    inventory = load(inventories["one host"])
    for ask in (lambda: inventory.members("x"), lambda: graph(inventory, "x"), lambda: host_json(inventory, "x")):
        with pytest.raises(KeyError):
            ask()


def test_reading_needs_no_ansible(inventories: dict[str, Path]) -> None:
    """ansible-core is there for the tests only."""
    script = (
        "import sys; from pathlib import Path; from k8snet_provision.inventory import load, listing, connection;"
        "i = load(Path(sys.argv[1])); listing.list_json(i); connection.connections(i);"
        "sys.exit(bool({'ansible', 'yaml'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", script, inventories["kubespray's layout"]], check=True, timeout=30)
