"""Moving traffic in a plan: from where to where, what the operator's command is told, and what waits for it."""

from __future__ import annotations

import json
from pathlib import Path

from k8snet_provision import assets
from k8snet_provision.change import Change, Kind
from tests.deploys.ingress_world import LABELLED, Scene, an_ingress, there

ingress_traffic = assets.deploy_module("ingress_traffic")

SWITCH = "admission: false\nswitch: {repoint: [/usr/local/bin/repoint, it's], quiet: 7, deadline: 21}"


def move(scene: Scene, tmp_path: Path) -> Change:
    (change,) = [change for change in scene.plan(tmp_path).changes if change.kind is Kind.TRAFFIC]
    return change


def from_host_network(tmp_path: Path, pattern: str = "node_port", **more: object) -> Scene:
    owned = there(tmp_path, "host_network", "admission: false")
    ingresses = [an_ingress(status="192.0.2.21"), an_ingress("shop", "shop.example.com")]
    return Scene(f"pattern: {pattern}\n{SWITCH}", owned=owned, nodes=LABELLED, ingresses=ingresses)


def test_the_plan_shows_both_ways_with_their_addresses(tmp_path: Path) -> None:
    change = move(from_host_network(tmp_path), tmp_path)
    assert (change.before, change.after) == ("host_network: 192.0.2.21, 192.0.2.22\n", "node_port: 192.0.2.101\n")


def test_the_operators_command_is_told_hosts_and_addresses(tmp_path: Path) -> None:
    details = move(from_host_network(tmp_path), tmp_path).details
    assert json.loads(details["told"]) == {
        "hosts": ["app.example.com", "shop.example.com"],
        "from": ["192.0.2.21", "192.0.2.22"],
        "to": ["192.0.2.101"],
    }
    assert json.loads(details["repoint"]) == ["/usr/local/bin/repoint", "it's"]


def test_no_traffic_moves_where_there_is_no_other_way_in(tmp_path: Path) -> None:
    plan = Scene(f"pattern: load_balancer\n{SWITCH}").plan(tmp_path)
    assert not [change for change in plan.changes if change.phase == "ingress-traffic"]


def test_only_pods_of_the_old_way_in_are_counted(tmp_path: Path) -> None:
    scene = from_host_network(tmp_path)
    script = ingress_traffic.quiet(scene.world(tmp_path), "cp1", [move(scene, tmp_path)])
    assert "pattern=host_network" in script
    assert "pattern=node_port" not in script


def test_without_metrics_the_whole_quiet_time_is_waited(tmp_path: Path) -> None:
    owned = there(tmp_path, "node_port", "admission: false\nmetrics: false")
    scene = Scene(f"pattern: load_balancer\n{SWITCH}", owned=owned)
    script = ingress_traffic.quiet(scene.world(tmp_path), "cp1", [move(scene, tmp_path)])
    assert script.startswith("sleep 7\n")


def test_nothing_is_waited_for_where_a_failed_move_is_put_back(tmp_path: Path) -> None:
    scene = from_host_network(tmp_path)
    assert ingress_traffic.quiet(scene.world(tmp_path), "cp1", []) is None
    assert ingress_traffic.status_shown(scene.world(tmp_path), "cp1", []) is None
