"""Which containers run another image than their workload says, by name and by digest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k8snet_provision import assets
from k8snet_provision.drift import Finding
from k8snet_provision.resources.kube_object import owned_by
from k8snet_provision.resources.probe import Unknown
from tests.deploys.worlds import a_state, a_world, present

watched = assets.deploy_module("watched.images")

TOPOLOGY = "service_cidr: 10.96.0.0/16\ndns: {}\n"
NAME = "registry.k8s.io/coredns/coredns"
ONE, OTHER, INDEX = (f"sha256:{letter * 64}" for letter in "abc")
POD = "u1 kube-system coredns-7d-x ReplicaSet coredns-7d w1"


def deployment(image: str) -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "coredns", "image": image}]}}
    meta = {"name": "coredns", "namespace": "kube-system"}
    item = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"template": template}}
    return owned_by("coredns", item)


def found(
    tmp_path: Path, wanted: str, rows: str, names: tuple[str, ...] = (), topology: str = TOPOLOGY
) -> list[Finding]:
    node = {"metadata": {"name": "w1"}, "status": {"images": [{"names": list(names)}]}}
    said = {watched.KEY: present(rows)}
    state = a_state(owned=[deployment(wanted)], pods=[POD], nodes=[node], said=said)
    world = a_world(tmp_path, topology, {}, state)
    return [finding for watch in watched.WATCHES for finding in watch.in_cluster(world)]


def rows(image: str, running: str) -> str:
    return f"u1 coredns wants {image}\nu1 coredns runs {running}\nu9 other wants x:1\nu9 other runs y@{ONE}\n"


def test_what_the_workload_says_is_in_sync_whatever_the_id_of_a_tag(tmp_path: Path) -> None:
    assert found(tmp_path, f"{NAME}:v1", rows(f"{NAME}:v1", ONE)) == []
    assert found(tmp_path, f"{NAME}:v1@{ONE}", rows(f"{NAME}:v1@{ONE}", f"{NAME}@{ONE}")) == []


def test_a_pod_whose_image_was_changed(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, f"{NAME}:v1", rows(f"{NAME}:v2", ONE))
    assert (finding.code, finding.capability, finding.before) == ("K8N729", "coredns", f"{NAME}:v2\n")
    assert finding.mend == "kubectl -n kube-system rollout restart deployment/coredns"


def test_another_digest_than_the_pinned_one(tmp_path: Path) -> None:
    pinned = f"{NAME}:v1@{ONE}"
    (finding,) = found(tmp_path, pinned, rows(pinned, f"{NAME}@{OTHER}"))
    assert (finding.before, finding.after) == (f"{NAME}@{OTHER}\n", f"{pinned}\n")
    assert len(found(tmp_path, pinned, rows(pinned, OTHER))) == 1  # the ID of an image that was loaded from a file


def test_one_image_has_the_digests_of_its_index_and_of_its_manifest(tmp_path: Path) -> None:
    pinned, running = f"{NAME}:v1@{INDEX}", f"{NAME}@{ONE}"
    assert found(tmp_path, pinned, rows(pinned, running), (f"{NAME}@{INDEX}", running, f"{NAME}:v1")) == []


def test_a_container_that_has_not_started_runs_nothing(tmp_path: Path) -> None:
    pinned = f"{NAME}:v1@{ONE}"
    assert found(tmp_path, pinned, rows(pinned, "")) == found(tmp_path, pinned, f"u1 coredns wants {pinned}\n") == []


def test_an_answer_that_is_none_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="images that run"):
        found(tmp_path, f"{NAME}:v1", "Unable to connect to the server: timeout\n")


def test_sections_that_are_left_out_are_not_asked_about(tmp_path: Path) -> None:
    assert found(tmp_path, f"{NAME}:v1", rows(f"{NAME}:v2", ONE), topology="service_cidr: 10.96.0.0/16") == []
