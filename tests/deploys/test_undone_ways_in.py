"""Changes of the ways in turned round: the old one serves again, then requests go back, then the new one goes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from k8snet_provision import assets
from k8snet_provision.change import Action, Change, Kind
from k8snet_provision.edge import keepalived
from k8snet_provision.engine.recording import steps_of
from k8snet_provision.plan import Plan
from k8snet_provision.resources import file, kube_object
from k8snet_provision.resources.file import File
from k8snet_provision.seen import World
from k8snet_provision.undoing import undone
from tests.deploys import edge_world
from tests.deploys.ingress_world import LABELLED, Scene, an_ingress, certificate_of, there
from tests.deploys.metallb_world import a_metallb, a_pool
from tests.deploys.test_ingress_admission import made as a_certificate

edge = assets.deploy_module("edge")
site = {phase.name: phase for phase in assets.deploy_module("site").SITE}

SWITCH = "admission: false\nswitch: {repoint: [/usr/local/bin/repoint], quiet: 7, deadline: 21}"


def back(phase: str, plan: Plan) -> list[Change]:
    return undone(site[phase].capability, plan.of(phase))


def gates(phase: str, world: World, host: str, changes: Sequence[Change]) -> list[str | None]:
    return [gate.script(world, host, changes) for gate in site[phase].capability.gates]


def steps(phase: str, changes: Sequence[Change]) -> list[str]:
    return [name for name, _ in steps_of(site[phase].capability.carry_out, changes, "")]


def to_load_balancer(tmp_path: Path, **more: object) -> Scene:
    owned = there(tmp_path, "node_port", "admission: false")
    ingresses = [an_ingress(status="192.0.2.101")]
    return Scene(f"pattern: load_balancer\n{SWITCH}", owned=owned, ingresses=ingresses)


def test_the_old_way_in_comes_back_before_it_is_asked_for_anything(tmp_path: Path) -> None:
    scene = to_load_balancer(tmp_path)
    changes = back("ingress-retired", scene.plan(tmp_path))
    assert {change.action for change in changes} == {Action.CREATE}
    assert "Deployment ingress-nginx/ingress-nginx-node-port" in {change.name for change in changes}
    rolled_out, address, answers = gates("ingress-retired", scene.world(tmp_path), "cp1", changes)
    assert rolled_out is not None and "workload=deployment/ingress-nginx-node-port" in rolled_out
    assert address is None
    assert answers is not None and "192.0.2.21 30080 proxy" in answers


def test_the_end_of_a_way_in_waits_for_none(tmp_path: Path) -> None:
    scene = to_load_balancer(tmp_path)
    made = scene.plan(tmp_path).of("ingress-retired")
    assert gates("ingress-retired", scene.world(tmp_path), "cp1", made) == [None, None, None]


def test_a_new_way_in_that_goes_again_is_waited_for_and_not_asked(tmp_path: Path) -> None:
    scene = to_load_balancer(tmp_path)
    made = scene.plan(tmp_path).of("ingress-nginx")
    changes = [
        change if change.after is not None else replace(change, details={**change.details, **seen(forward)})
        for forward in made
        for change in undone(site["ingress-nginx"].capability, [forward])
    ]
    assert gates("ingress-nginx", scene.world(tmp_path), "cp1", changes) == [None, None, None]
    names = steps("ingress-nginx", changes)
    ends = names.index("the end of the pods of Deployment ingress-nginx/ingress-nginx-load-balancer")
    assert names[ends - 1] == "delete Deployment ingress-nginx/ingress-nginx-load-balancer"
    assert ends < names.index("delete ServiceAccount ingress-nginx/ingress-nginx-load-balancer")


def seen(change: Change) -> dict[str, str]:
    """What is there once the change is made."""
    return {"before_manifest": change.details["manifest"]}


def test_requests_go_back_to_where_they_went(tmp_path: Path) -> None:
    scene = to_load_balancer(tmp_path)
    plan = scene.plan(tmp_path)
    (forward,) = [change for change in plan.changes if change.kind is Kind.TRAFFIC]
    *objects, traffic = back("ingress-traffic", plan)
    assert (traffic.before, traffic.after) == (forward.after, forward.before)
    there_and_back = json.loads(forward.details["told"]), json.loads(traffic.details["told"])
    assert there_and_back[1] == {**there_and_back[0], "from": ["192.0.2.200"], "to": ["192.0.2.101"]}
    assert [(c.action, c.name) for c in objects] == [
        (Action.CREATE, "ClusterRoleBinding ingress-nginx-node-port-status")
    ]
    here = replace(traffic, details={**traffic.details, "repoint": "[]"})  # the operator's command runs elsewhere
    hand_over = dict(steps_of(site["ingress-traffic"].capability.carry_out, [here], ""))
    assert "pattern=node_port" in hand_over["the new way in writes the Ingress status"].text
    assert "wanted=192.0.2.101" in hand_over["new addresses in the Ingress status"].text


def test_the_way_in_that_is_left_has_to_go_quiet_in_its_turn(tmp_path: Path) -> None:
    scene = to_load_balancer(tmp_path)
    world = Scene("", owned=scene.owned).world(tmp_path)  # the topology says nothing of it any more
    status, quiet, again = gates("ingress-traffic", world, "cp1", back("ingress-traffic", scene.plan(tmp_path)))
    assert quiet is not None and "pattern=load_balancer" in quiet and "quiet=7" in quiet
    assert "pattern=node_port" not in quiet
    assert status == again
    assert status is not None and "wanted=192.0.2.101" in status


def test_labels_of_nodes_come_first_when_they_come_back(tmp_path: Path) -> None:
    owned = there(tmp_path, "host_network", "admission: false")
    scene = Scene(f"pattern: node_port\n{SWITCH}", owned=owned, nodes=LABELLED)
    changes = back("ingress-retired", scene.plan(tmp_path))
    names = steps("ingress-retired", changes)
    assert names[:2] == ["Node n1 label", "Node n2 label"]
    assert names[2:] == [f"apply {len(changes) - 2} objects"]


def test_labels_that_were_set_are_taken_away(tmp_path: Path) -> None:
    changes = back("ingress-nodes", Scene(f"pattern: host_network\n{SWITCH}").plan(tmp_path))
    assert [(change.name, change.action) for change in changes] == [
        ("Node n1 label", Action.DELETE),
        ("Node n2 label", Action.DELETE),
    ]
    script = steps_of(site["ingress-nodes"].capability.carry_out, changes[:1], "")[0][1].text
    assert script.rstrip().endswith("k8snet-provision/ingress- >&2")


def test_a_certificate_that_was_generated_goes_with_the_webhook(tmp_path: Path) -> None:
    plan = Scene("pattern: load_balancer").plan(tmp_path)
    changes = back("ingress-nginx", plan)
    (gone,) = [change for change in changes if change.name == "Secret ingress-nginx/ingress-nginx-webhook"]
    assert (gone.kind, gone.action, gone.secret) == (Kind.OBJECT, Action.DELETE, True)
    webhook = back("ingress-admission", plan)
    assert [(change.kind, change.action) for change in webhook] == [(Kind.OBJECT, Action.DELETE)]
    world = Scene("pattern: load_balancer").world(tmp_path)
    assert gates("ingress-admission", world, "cp1", webhook) == [None]


def test_a_certificate_whose_key_nobody_saw_is_made_anew(tmp_path: Path) -> None:
    secret = a_certificate(tmp_path / "made")
    owned = there(tmp_path, "load_balancer")
    found = certificate_of(secret["ca.crt"], secret["tls.crt"], 1_800_000_000)
    scene = Scene("pattern: load_balancer\nadmission: false", owned=owned, certificate=found)
    changes = back("ingress-retired", scene.plan(tmp_path))
    (made,) = [change for change in changes if change.kind is Kind.CERTIFICATE]
    assert (made.name, made.action) == ("Secret ingress-nginx/ingress-nginx-webhook", Action.CREATE)
    assert "Secret ingress-nginx/ingress-nginx-webhook" in steps("ingress-retired", [made])[0]
    (again,) = undone(site["ingress-retired"].capability, [made])
    assert (again.name, again.action) == (made.name, Action.DELETE)


def test_the_vip_that_comes_back_is_looked_for(tmp_path: Path) -> None:
    world = edge_world.a_world(tmp_path)
    shown = edge.host_changes(world, "lb1")
    (now,) = [change.after for change in shown if change.kind is Kind.FILE and change.name == keepalived.PATH]
    assert now is not None
    sides = [File(keepalived.PATH, text.encode()) for text in (now.replace(edge_world.VIP, "192.0.2.77"), now)]
    made = list(file.change("edge", "lb1", *sides, reloads=("keepalived",)))
    _, has_vip, _ = gates("edge", world, "lb1", undone(site["edge"].capability, made))
    assert has_vip is not None and "192.0.2.77" in has_vip and edge_world.VIP not in has_vip


def test_metallb_is_asked_for_nothing_once_it_is_not_there(tmp_path: Path) -> None:
    world = a_metallb(tmp_path)
    capability = site["metallb"].capability
    made = [c for item in capability.manifests(world) for c in kube_object.change("metallb", None, item)]
    assert gates("metallb", world, "cp1", undone(capability, made)) == [None, None]
    assert None not in gates("metallb", world, "cp1", made)


def test_the_pools_that_come_back_have_to_be_taken_over_and_no_others(tmp_path: Path) -> None:
    world = a_metallb(tmp_path)
    pool, other = a_pool("before", "192.0.2.1-192.0.2.2"), a_pool("made", "192.0.2.3-192.0.2.4")
    made = [*kube_object.change("metallb-pools", pool, None), *kube_object.change("metallb-pools", None, other)]
    (script,) = gates("metallb-pools", world, "cp1", undone(site["metallb-pools"].capability, made))
    assert script is not None and "for pool in before;" in script


def test_an_ingress_that_comes_back_has_to_be_taken(tmp_path: Path) -> None:
    scene = to_load_balancer(tmp_path)
    old = {**an_ingress("old"), "metadata": {"name": "old", "namespace": "demo", "resourceVersion": "3"}}
    made = [*kube_object.change("ingresses", old, None), *kube_object.change("ingresses", None, an_ingress("new"))]
    (script,) = gates("ingresses", scene.world(tmp_path), "cp1", undone(site["ingresses"].capability, made))
    assert script is not None and "taken demo old" in script and "demo new" not in script


def test_what_is_undone_backwards_are_the_ways_in() -> None:
    assert [name for name, phase in site.items() if phase.capability.backwards] == [
        "ingress-nodes",
        "ingress-nginx",
        "edge",
        "ingresses",
        "ingress-admission",
        "ingress-traffic",
        "edge-retired",
        "ingress-retired",
    ]
