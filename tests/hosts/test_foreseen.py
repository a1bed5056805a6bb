"""What an apply of ours would leave, foreseen without the server and as its own dry run says it: the same text."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from k8snet_provision import cluster_state, planning
from k8snet_provision.change import Kind
from k8snet_provision.cluster_state import ClusterState
from k8snet_provision.dry_run import answerable, foresee
from k8snet_provision.resources import places
from k8snet_provision.resources.kube_object import FIELD_MANAGER, Manifest, ObjectRef, without_noise
from k8snet_provision.resources.merged import merged
from k8snet_provision.resources.ownership import differing, last_writer, taken_over
from k8snet_provision.resources.probe import HostSeen
from k8snet_provision.resources.service import without_given
from k8snet_provision.seen import World
from tests.hosts import api_server, manifests, openapi, tampering
from tests.hosts.api_server import ApiServer
from tests.hosts.asking import Objects, apply, dry_run, live, state
from tests.resources.test_quantity import QUANTITIES
from tests.shell import ask

pytestmark = pytest.mark.hosts

FIELDS = 100
"""Of some 4400 that can be tampered with one by one, which takes ten minutes."""

SEED = os.environ.get("K8SNET_FORESEEN_SEED", "1")
"""Which of them."""

Tampering = Callable[[ApiServer, Sequence[Manifest]], None]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server.running(tmp_path_factory.mktemp("api")) as running:
        for name in manifests.NAMESPACES:
            space = ObjectRef("v1", "Namespace", name).skeleton()
            assert running.ask("POST", "/api/v1/namespaces", space).ok
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("topologies")


@pytest.fixture(scope="module")
def every(folder: Path) -> list[Manifest]:
    """Everything that is sent, for all three ways in side by side."""
    found = [item for pattern in manifests.PATTERNS for item in manifests.sent(folder, pattern)]
    return list({ObjectRef.of(item): item for item in found}.values())


@pytest.fixture
def sent(server: ApiServer, every: list[Manifest]) -> list[Manifest]:
    """Applied, whatever was done to it before."""
    apply(server, every)
    return every


def left(after: Manifest, sent: Manifest, before: Manifest) -> Manifest:
    """What an apply of `sent` would leave of `before`, as far as the text of a change shows it."""
    return without_noise(without_given(after, sent, before))


def compared(items: Sequence[Manifest], there: Objects, truth: Objects) -> list[ObjectRef]:
    """The objects that change; fails where what is foreseen is not what the server says."""
    changing = []
    for item in items:
        ref = ObjectRef.of(item)
        foreseen = left(merged(there[ref], item), item, there[ref])
        assert foreseen == left(truth[ref], item, there[ref]), ref
        changing += [ref] if foreseen != without_noise(there[ref]) else []
    return changing


def test_nothing_is_foreseen_to_change_after_an_apply(server: ApiServer, sent: list[Manifest]) -> None:
    there = live(server, sent)
    assert compared(sent, there, dry_run(server, sent)) == []
    assert [found for item in sent for found in taken_over(there[ObjectRef.of(item)], item)] == []


def test_what_is_not_sent_any_more_is_foreseen_to_go(server: ApiServer, sent: list[Manifest]) -> None:
    """Of what was applied: a port, a container's settings, labels, a key; and what another has as well stays."""
    fewer = [_with_less(item) for item in sent]
    for item in sent:
        if item["kind"] == "ConfigMap":
            assert server.patch(item, item, "apply-patch", tampering.BY).ok
    changing = compared(fewer, live(server, sent), dry_run(server, fewer))
    assert len(changing) > len(sent) // 2
    assert not {ref for ref in changing if ref.kind == "ConfigMap"}


def _with_less(item: Manifest) -> Manifest:
    less: Manifest = json.loads(json.dumps(item))
    for labels in ("labels", "annotations"):
        if len(less["metadata"].get(labels) or ()) > 1:
            less["metadata"][labels].popitem()
    if item["kind"] == "ConfigMap":
        less.pop("data", None)
    if item["kind"] == "Service":
        less["spec"]["ports"] = less["spec"].get("ports", [])[:1]
        less["spec"].pop("sessionAffinity", None)
        less["spec"].pop("sessionAffinityConfig", None)
    if item["kind"] in tampering.WORKLOADS:
        less["spec"].pop("replicas", None)
        pod = less["spec"]["template"]["spec"]
        for key in ("nodeSelector", "tolerations", "affinity", "topologySpreadConstraints"):
            pod.pop(key, None)
        for key in ("readinessProbe", "resources", "imagePullPolicy", "args"):
            pod["containers"][0].pop(key, None)
        pod["containers"][0]["ports"] = pod["containers"][0].get("ports", [])[1:]
    return less


@pytest.mark.parametrize("tampering", tampering.ROUNDS, ids=lambda round: round.__name__)
def test_after_tampering_the_same_text_is_foreseen(
    server: ApiServer, sent: list[Manifest], tampering: Tampering
) -> None:
    tampering(server, sent)
    changing = compared(sent, live(server, sent), dry_run(server, sent))
    harmless = ("annotation_added", "port_added", "managers_forgotten")
    assert bool(changing) == (tampering.__name__ not in harmless)


def test_who_took_a_field_and_when_is_told(server: ApiServer, sent: list[Manifest]) -> None:
    (coredns,) = [item for item in sent if item["kind"] == "Deployment" and item["metadata"]["name"] == "coredns"]
    began = datetime.now(UTC).replace(microsecond=0)
    tampering.scaled(server, [coredns])
    tampering.image_set(server, [coredns])
    tampering.field_taken(server, [coredns])
    tampering.annotation_added(server, [coredns])
    assert server.patch(coredns, {"status": {"replicas": 7}}, "merge-patch", "kube-controller-manager", "status").ok
    there = server.get(coredns)
    found = taken_over(there, coredns)
    assert [(taken.path, taken.manager, taken.operation) for taken in found] == [
        ("metadata.labels[k8snet-provision/capability]", tampering.BY, "Apply"),
        ("spec.replicas", "kubectl", "Update"),
        ("spec.template.spec.containers[name=coredns].image", "kubectl-set", "Update"),
    ]
    assert found[1].time == ""
    assert all(began <= datetime.fromisoformat(found[at].time) <= datetime.now(UTC) for at in (0, 2))
    assert {taken.path for taken in found} <= set(differing(there, merged(there, coredns)))
    assert last_writer(there, ["spec.replicas"]) == ("kubectl", "")
    assert last_writer(there, ["metadata.annotations"]) == (tampering.BY, _time_of(there, tampering.BY, "Update"))
    assert last_writer(there, ["spec.template.spec"]) == (tampering.BY, _time_of(there, tampering.BY, "Apply"))
    apply(server, sent)
    assert taken_over(server.get(coredns), coredns) == []


def _time_of(live: Manifest, manager: str, operation: str) -> str:
    entries = live["metadata"]["managedFields"]
    (time,) = [e["time"] for e in entries if (e["manager"], e["operation"]) == (manager, operation)]
    return str(time)


def test_fields_one_by_one(server: ApiServer, sent: list[Manifest]) -> None:
    steps = [(item, what, step) for item in sent for what, step in tampering.field_by_field(item)]
    random.Random(SEED).shuffle(steps)
    tried = 0
    for item, what, step in steps:
        if tried == FIELDS:
            break
        if server.patch(item, [step], "json-patch", tampering.BY).ok:
            there = server.get(item)
            answer = server.patch(item, item, "apply-patch", f"{FIELD_MANAGER}&dryRun=All")
            if answer.ok:  # refused where the port that was renamed has to come back beside its other self, say
                tried += 1
                assert left(merged(there, item), item, there) == left(answer.body, item, there), (item, what)
            _put_back(server, item)
    assert tried == FIELDS


def _put_back(server: ApiServer, item: Manifest) -> None:
    if not server.patch(item, item, "apply-patch", FIELD_MANAGER).ok:
        assert server.ask("DELETE", server.path(item)).ok
        assert server.patch(item, item, "apply-patch", FIELD_MANAGER).ok


def test_a_plan_without_a_dry_run_is_the_plan_with_one(server: ApiServer, folder: Path, sent: list[Manifest]) -> None:
    some = [item for item in sent if item["metadata"].get("namespace") in ("kube-system", "demo")]
    tampering.scaled(server, some)
    tampering.label_changed(server, some)
    world = manifests.world(folder, "load_balancer")
    refs = [ref for phase in manifests.SITE for ref in phase.capability.reads(world.cluster)]
    assert world.state.seen is not None
    answers = {**world.state.seen.answers, **state(server, refs).seen.answers}  # type: ignore[union-attr]
    world = replace(world, state=ClusterState(HostSeen("cp1", answers), reader="cp1"))
    items = [item for phase in manifests.SITE for item in phase.capability.manifests(world)]
    asked = replace(world, state=replace(world.state, dry=dry_run(server, items)))
    foreseen = foresee(manifests.SITE, world)
    assert foreseen.state.unforeseen == {}
    assert _objects(foreseen) == _objects(asked)
    assert "Deployment kube-system/coredns" in _objects(foreseen)


def _objects(world: World) -> dict[str, tuple[str | None, str | None]]:
    plan = planning.make(manifests.SITE, world, world.cluster.control_planes, 0.0)
    changes = [change for change in plan.changes if change.kind is Kind.OBJECT and change.before is not None]
    return {change.name: (change.before, change.after) for change in changes}


def test_lists_are_merged_as_the_server_describes_its_own_kinds(server: ApiServer, every: list[Manifest]) -> None:
    """All fields of all kinds that are sent, whether we use them or not."""
    found = list(openapi.described(server, {item["kind"] for item in every} - {"IPAddressPool", "L2Advertisement"}))
    assert len(found) > 500
    assert [(place, said) for place, said in found if said != _ours(place, said)] == []


def _ours(place: str, said: object) -> object:
    if isinstance(said, str):
        return "whole" if places.is_whole(place) else "merged"
    return places.merge_keys(place, {})


def test_quantities_are_written_as_the_server_writes_them(server: ApiServer, every: list[Manifest]) -> None:
    deployment = next(item for item in every if item["kind"] == "Deployment")
    for written, kept in QUANTITIES:
        item = json.loads(json.dumps(deployment))
        item["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"ephemeral-storage": written}}
        answer = server.patch(item, item, "apply-patch", f"{FIELD_MANAGER}&dryRun=All")
        assert answer.ok, (written, answer)
        limits = answer.body["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
        assert limits["ephemeral-storage"] == kept, written


def test_an_address_is_not_tried_out_while_there_are_several_ranges(server: ApiServer, folder: Path) -> None:
    """The server takes it from any of them, as chance has it: whoever asks often enough hears both answers."""
    cidr = ObjectRef("networking.k8s.io/v1", "ServiceCIDR", "second").skeleton()
    service = ObjectRef("v1", "Service", "there", "default").skeleton()
    service["spec"] = {"clusterIP": "10.99.0.7", "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]}
    headless = {**service, "spec": {**service["spec"], "clusterIP": "None"}}
    world = manifests.world(folder, "load_balancer")
    assert list(answerable([service], world)) == [service]
    assert server.ask(
        "POST", "/apis/networking.k8s.io/v1/servicecidrs", {**cidr, "spec": {"cidrs": ["10.99.0.0/16"]}}
    ).ok
    try:
        ends, heard = time.monotonic() + 60, set()
        while len(heard) < 2 and time.monotonic() < ends:
            heard.add(server.patch(service, service, "apply-patch", f"{FIELD_MANAGER}&dryRun=All").ok)
        assert heard == {True, False}
        assert server.patch(service, service, "apply-patch", FIELD_MANAGER).ok, "without the dry run it is right"
        asked = next(p for p in cluster_state.probes(server.prelude, ()) if p.key == "cluster:servicecidrs")
        world = replace(world, state=ClusterState(HostSeen("cp1", ask(asked).answers), reader="cp1"))
        assert list(answerable([service, headless], world)) == [headless]
    finally:
        server.ask("DELETE", server.path(service))
        server.ask("DELETE", server.path(cidr))
