"""The kubelet's DNS settings: edited in its file, in force after a restart, refused where flags win."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from k8snet_provision import assets
from k8snet_provision.change import Change, Kind
from k8snet_provision.resources.probe import Seen, Unknown
from k8snet_provision.seen import World
from tests.deploys.worlds import ABSENT, a_state, a_world, present, sent, unknown

kubelet = assets.deploy_module("kubelet")

NEW = "service_cidr: 10.254.0.0/16"
CONFIG = "# by hand\nclusterDNS:\n- 10.96.0.10  # kube-dns\nclusterDomain: cluster.local\nhealthzPort: 10248\n"
IN_FORCE = CONFIG.replace("10.96.0.10", "10.254.0.10")


def answer(config: str = CONFIG, *, age: str = "100", untouched: str = "5000", argv: str = "/usr/bin/kubelet") -> Seen:
    started = f"age={age}\n" if age else ""
    head = f"{started}untouched={untouched}\nargv={argv.replace(' ', chr(31))}\n\n"
    return present(head.encode() + sent("/var/lib/kubelet/config.yaml", config))


def world(tmp_path: Path, seen: Seen, topology: str = NEW) -> World:
    return a_world(tmp_path, topology, {"w1": {"kubelet": seen}, "cp1": {"kubelet": ABSENT}})


def changes(found: World) -> list[Change]:
    return list(kubelet.host_changes(found, "w1"))


def codes(found: World) -> list[str]:
    return [problem.code for problem in kubelet.refusals(found)]


def test_the_dns_address_changes_and_no_other_byte(tmp_path: Path) -> None:
    (change,) = changes(world(tmp_path, answer()))
    assert (change.after, change.restarts) == (IN_FORCE, ("kubelet",))


def test_the_domain_is_that_of_the_topology(tmp_path: Path) -> None:
    (change,) = changes(world(tmp_path, answer(), f"{NEW}\ncluster_domain: k8s.corp.example"))
    assert "clusterDomain: k8s.corp.example\n" in str(change.after)


def test_an_address_given_in_the_topology_is_taken(tmp_path: Path) -> None:
    (change,) = changes(world(tmp_path, answer(), f"{NEW}\ndns: {{address: 10.254.0.53}}"))
    assert "- 10.254.0.53  # kube-dns\n" in str(change.after)


def test_nothing_to_do_where_the_kubelet_started_after_its_file_changed(tmp_path: Path) -> None:
    assert changes(world(tmp_path, answer(IN_FORCE, age="100", untouched="101"))) == []


def test_a_kubelet_older_than_its_file_restarts(tmp_path: Path) -> None:
    (change,) = changes(world(tmp_path, answer(IN_FORCE, age="5000", untouched="60")))
    assert (change.kind, change.name) == (Kind.RESTART, "kubelet")


def test_a_kubelet_that_does_not_run_is_started(tmp_path: Path) -> None:
    (change,) = changes(world(tmp_path, answer(IN_FORCE, age="")))
    assert (change.kind, change.because) == (Kind.RESTART, "does not run")


def test_a_host_without_a_kubelet_needs_nothing(tmp_path: Path) -> None:
    found = world(tmp_path, ABSENT)
    assert (changes(found), codes(found)) == ([], [])


def test_pods_that_ask_a_cache_on_their_node_keep_asking_it(tmp_path: Path) -> None:
    found = world(tmp_path, answer(CONFIG.replace("10.96.0.10", "169.254.20.10")))
    assert changes(found) == []
    assert len(list(kubelet.notices(found))) == 1


def test_a_flag_that_wins_over_the_file_is_refused(tmp_path: Path) -> None:
    found = world(tmp_path, answer(argv="/usr/bin/kubelet --cluster-dns=10.96.0.10"))
    assert codes(found) == ["K8N277"]


def test_a_file_that_could_not_be_read_is_unknown(tmp_path: Path) -> None:
    found = world(tmp_path, unknown("larger than 4194304 bytes"))
    with pytest.raises(Unknown, match="larger than"):
        changes(found)


@pytest.mark.parametrize(("address", "found"), [("10.96.0.10", ["K8N314"]), ("10.254.0.10", [])])
def test_no_kubelet_hands_out_an_address_that_this_run_leaves_without_a_service(
    tmp_path: Path, address: str, found: list[str]
) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system"},
        "spec": {"clusterIP": address},
    }
    whole = world(tmp_path, answer())
    part = replace(whole, state=a_state(objects=[service]), cluster_phases=frozenset({"kubelet"}))
    assert codes(part) == found
    assert codes(replace(part, cluster_phases=None)) == []
