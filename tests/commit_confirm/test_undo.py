"""What undoes a batch: the steps, where they run, and in which order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from deploys.site import SITE
from k8snet_provision.capability import Phase
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.cluster_state import ClusterState
from k8snet_provision.commit_confirm import refusals, undo
from k8snet_provision.commit_confirm.host import Batch
from k8snet_provision.plan import Plan
from k8snet_provision.resources import file, kube_object
from k8snet_provision.resources.file import File
from k8snet_provision.seen import World
from tests.deploys.worlds import a_world

KIND = "kind: KubeProxyConfiguration\n"
PHASES = {phase.name: phase for phase in SITE}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return a_world(tmp_path, "service_cidr: 10.96.0.0/16", state=ClusterState(None, "", reader="cp1"))


def a_file(phase: str, host: str, before: str | None, after: str) -> Change:
    old = None if before is None else File("/etc/a", before.encode())
    (change,) = file.change(phase, host, old, File("/etc/a", after.encode()), restarts=("a",))
    return change


def an_object(phase: str, before: str | None, after: str | None, name: str = "a") -> Change:
    def manifest(value: str | None) -> dict[str, object] | None:
        meta = {"name": name, "namespace": "n", "resourceVersion": "7"}
        return value and {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"k": value}}  # type: ignore

    (change,) = kube_object.change(phase, manifest(before), manifest(after))
    return change


def undone(world: World, phase: str, *changes: Change) -> dict[str, list[Batch]]:
    position = list(PHASES).index(phase)
    batch: dict[str, Sequence[Change]] = {}
    for change in changes:
        batch[change.target] = [*batch.get(change.target, ()), change]
    return undo.by_host(PHASES[phase], position, batch, world)


def names(batch: Batch) -> list[str]:
    return [name for name, _ in batch.steps]


def test_a_file_gets_its_old_content_and_its_program_restarts(world: World) -> None:
    (batch,) = undone(world, "kubelet", a_file("kubelet", "w1", "old\n", "new\n"))["w1"]
    assert names(batch) == ["write /etc/a", "restart a"]
    assert batch.steps[0][1].stdin == b"old\n"


def test_objects_are_undone_by_the_host_that_reads_the_cluster_once_its_api_answers(world: World) -> None:
    batches = undone(
        world,
        "coredns",
        an_object("coredns", None, "made", "m"),
        an_object("coredns", "old", "new", "c"),
        an_object("coredns", "gone", None, "d"),
    )
    assert [*batches] == ["cp1"]
    assert [names(batch) for batch in sorted(batches["cp1"], key=lambda batch: batch.name)] == [
        ["the API server answers", "create ConfigMap n/d"],
        ["the API server answers", "replace ConfigMap n/c"],
        ["the API server answers", "delete ConfigMap n/m"],
    ]
    (replaced,) = (batch for batch in batches["cp1"] if "replace" in batch.steps[1][0])
    assert json.loads(replaced.steps[1][1].stdin)["data"] == {"k": "old"}


def test_changes_go_back_in_the_sites_order_and_what_was_made_goes_last_phase_first(world: World) -> None:
    def name(phase: str, before: str | None) -> str:
        target = CLUSTER if CLUSTER in PHASES[phase].hosts else "w1"
        change = replace(an_object(phase, before, "new"), target=target)
        return undone(world, phase, change)["cp1"][0].name

    changed = [name(phase, "old") for phase in ("coredns", "metallb", "services")]
    made = [name(phase, None) for phase in ("services", "metallb", "coredns")]
    assert sorted([*made, *changed]) == [*changed, *made]


def test_the_name_of_a_batch_holds_no_hostile_characters(world: World) -> None:
    name = undo.label("kubelet", "w1; rm -rf $(x)\n")
    assert name.isalnum()


def test_nothing_to_undo_is_no_batch(world: World) -> None:
    package = Change("edge", "w1", Kind.PACKAGE, "haproxy", None, "haproxy\n", {"manager": "apt"})
    assert undone(world, "edge", package) == {}


def refused(*changes: Change) -> list[str]:
    return [str(problem) for problem in refusals(Plan("a", {}, changes), SITE)]


def test_phases_that_no_host_can_put_back_alone_are_all_named() -> None:
    changes = [
        an_object(phase, "old", "new")
        for phase in ("coredns", "service-range", "ingress-traffic", "ingress-retired", "services")
        if phase in PHASES
    ]
    assert [line.partition(":")[0] for line in refused(*changes)] == [
        phase for phase in ("service-range", "ingress-traffic", "ingress-retired") if phase in PHASES
    ]
    assert all("K8N441 this phase cannot go back by itself" in line for line in refused(*changes))


def test_rules_that_go_through_another_host_are_refused_and_a_units_own_are_not() -> None:
    def rules(unit: str) -> Change:
        return Change("kube-proxy", "w1", Kind.RULES, "rules", "chain\n", None, {"unit": unit, "program": "/p"})

    assert "kube-proxy: K8N441" in refused(rules(""))[0]
    assert refused(rules("kube-proxy")) == []


def test_rules_of_the_new_mode_go_when_it_is_changed_back(world: World) -> None:
    config = {"before_config": f"{KIND}mode: ipvs\n", "after_config": f"{KIND}mode: nftables\n"}
    details = {"unit": "kube-proxy", "program": "/p", **config}
    rules = Change("kube-proxy", "w1", Kind.RULES, "rules", "c\n", None, details)
    changed = a_file("kube-proxy", "w1", "old\n", "new\n")
    (batch,) = undone(world, "kube-proxy", changed, rules)["w1"]
    assert names(batch) == ["write /etc/a", "systemctl daemon-reload", "remove packet rules of another mode"]


def test_pods_of_kube_proxy_are_replaced_through_the_api_after_their_config_map(world: World) -> None:
    config = undone(world, "kube-proxy config", an_object("kube-proxy config", "old", "new"))["cp1"]
    details = {"node": "w1", "pod": "kube-proxy-abcde", "selector": "k8s-app=kube-proxy"}
    restart = Change("kube-proxy pods", "w1", Kind.RESTART, "kube-proxy", "", "", details)
    pods = undone(world, "kube-proxy pods", restart)["cp1"]
    assert config[0].name < pods[0].name
    assert names(pods[0]) == ["the API server answers", "replace pods"]
    assert b"kube-proxy-abcde" not in pods[0].steps[1][1].stdin, "by then the pod has another name"


def test_a_way_in_goes_back_after_the_rest_and_the_last_one_first(world: World) -> None:
    ways = [undone(world, phase, a_file(phase, "w1", "a\n", "b\n"))["w1"][0].name for phase in ("edge-retired", "edge")]
    rest = undone(world, "kubelet", a_file("kubelet", "w1", "a\n", "b\n"))["w1"][0].name
    assert sorted([*ways, rest]) == [rest, *ways]


def test_changes_of_a_way_in_that_a_host_can_undo_alone_are_not_refused() -> None:
    assert refused(a_file("edge", "w1", "old\n", "new\n"), an_object("ingress-nginx", "old", "new")) == []


def test_every_phase_has_a_name_of_its_own() -> None:
    assert len(PHASES) == len(SITE) and all(isinstance(phase, Phase) for phase in SITE)
