"""A look says what it covers, so that "nothing found" can be told from "not looked at"."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from k8snet_provision import inventory
from k8snet_provision.capability import Capability, Phase
from k8snet_provision.change import CLUSTER
from k8snet_provision.drift import Watch
from k8snet_provision.drift.looked_at import looked_at
from k8snet_provision.topology import Cluster, read

ALL = ("cp1", "node1", "node2")
HOSTS = """\
kube_control_plane: {hosts: {cp1: {ansible_host: 192.0.2.11}}}
kube_node: {hosts: {node1: {ansible_host: 192.0.2.21}, node2: {ansible_host: 192.0.2.22}}}
"""
TOPOLOGY = "topology: {service_cidr: 10.254.0.0/16, pod_cidr: 10.244.0.0/16}\n"

FILES = Capability("files", lambda *_: None, host_changes=lambda *_: ())
OBJECTS = Capability("objects", lambda *_: None, cluster_changes=lambda *_: ())
BOTH = Capability("both", lambda *_: None, host_changes=lambda *_: (), manifests=lambda *_: ())
LOOKS = Capability("looks", lambda *_: None)


def cluster(folder: Path) -> Cluster:
    (folder / "hosts.yml").write_text(HOSTS)
    (folder / "group_vars").mkdir()
    (folder / "group_vars" / "all.yml").write_text(TOPOLOGY)
    found, problems = read(inventory.load(folder))
    assert found, problems
    return found


def test_hosts_and_cluster_are_told_apart(tmp_path: Path) -> None:
    site = (
        Phase(FILES, ("kube_node",)),
        Phase(OBJECTS),
        Phase(BOTH, ("kube_control_plane",)),
        Phase(LOOKS, (CLUSTER,)),
    )
    assert looked_at(site, (), cluster(tmp_path), ALL, True) == {
        "files": ("node1", "node2"),
        "objects": ("cluster",),
        "both": ("cluster", "cp1"),
        "refusal": ("cluster", *ALL),
    }


def test_a_part_of_the_hosts_covers_no_more_than_them(tmp_path: Path) -> None:
    through = replace(BOTH, name="through", from_control_plane=True)
    site = (Phase(FILES, ("kube_node",)), Phase(OBJECTS), Phase(through, ("kube_node",)))
    covered = looked_at(site, (), cluster(tmp_path), ["node2"], False)
    assert covered == {"files": ("node2",), "refusal": ("node2",)}


def test_what_the_topology_does_not_have_is_not_looked_at(tmp_path: Path) -> None:
    there, absent = replace(OBJECTS, managed=lambda _: True), replace(FILES, managed=lambda _: False)
    covered = looked_at((Phase(there), Phase(absent, ("kube_node",))), (), cluster(tmp_path), ALL, True)
    assert set(covered) == {"objects", "refusal"}


def test_a_watch_of_the_same_name_is_added_to_its_capability(tmp_path: Path) -> None:
    watch = Watch("files", ("kube_control_plane",), on_host=lambda *_: (), in_cluster=lambda *_: ())
    covered = looked_at((Phase(FILES, ("kube_node",)),), (watch,), cluster(tmp_path), ALL, True)
    assert covered["files"] == ("node1", "node2", "cluster", "cp1")
