"""The lab that an inventory describes: its hosts' networks and the names it gives on the machine."""

from __future__ import annotations

import shutil
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from k8snet_provision.lab import settings
from k8snet_provision.lab.clone import clone
from k8snet_provision.problems import ProblemsFound

SOURCE = Path(__file__).parents[2] / "inventory" / "lab"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SOURCE, tmp_path / "inventory", ignore=shutil.ignore_patterns(".ssh")))


def test_every_node_has_a_pod_network_of_its_own_that_limit_does_not_change(inventory: Path) -> None:
    whole, limited = settings.read(inventory), settings.read(inventory, ["node2"])
    networks = [host.pods for host in whole.nodes if host.pods]
    assert len(set(networks)) == 5
    assert all(network.subnet_of(IPv4Network("10.244.0.0/16")) for network in networks)
    assert limited.hosts == (whole.host("node2"),)
    assert limited.nodes == whole.nodes
    assert [whole.host(name).pods for name in ("lb1", "api")] == [None, None]


def test_names_of_links_fit_into_the_kernels_fifteen_characters_and_stay_apart(inventory: Path) -> None:
    hosts = inventory / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("cp1", "control-plane-01").replace("cp2", "control-plane-02"))
    lab = settings.read(inventory)
    links = [lab.link(host.name) for host in lab.hosts]
    assert len(set(links)) == len(links)
    assert all(len(link) <= 15 and link.startswith("kllab-") for link in links)


def test_a_clone_has_another_name_and_network_everywhere(inventory: Path, tmp_path: Path) -> None:
    made = clone(inventory, tmp_path / "copy", "no", "10.250.7.0/24")
    assert (made.name, str(made.settings.network), str(made.settings.vip)) == ("no", "10.250.7.0/24", "10.250.7.100")
    assert {str(host.address).rpartition(".")[0] for host in made.hosts} == {"10.250.7"}
    assert "10.77.0." not in "".join(f.read_text() for f in (tmp_path / "copy").rglob("*") if f.is_file())
    again = clone(tmp_path / "copy", tmp_path / "again", "b", "10.250.8.0/24")
    assert again.name == "b"


@pytest.mark.parametrize(
    ("name", "network", "said"),
    [
        ("much-too-long", "10.250.7.0/24", "--name: K8N506 the name can not be a lab's"),
        ("a", "10.250.0.0/16", "--network: K8N506 only a network of /24 can be moved"),
        ("a", "10.250.7.1/24", "--network: K8N506 10.250.7.1/24 has host bits set"),
    ],
)
def test_a_clone_that_can_not_be_is_refused_and_makes_nothing(
    inventory: Path, tmp_path: Path, name: str, network: str, said: str
) -> None:
    with pytest.raises(ProblemsFound, match=said):
        clone(inventory, tmp_path / "copy", name, network)
    assert not (tmp_path / "copy").exists()
