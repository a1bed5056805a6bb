"""The three ways in on real hosts: each serves, and changing from any to any other loses no request."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.hosts.labs import LabCluster
from tests.hosts.load import Answers
from tests.hosts.ways_in import Client, Name, addresses, apply, clients, network, want

pytestmark = pytest.mark.hosts

# From load_balancer through all six changes and back to it.
ROUND = ("node_port", "host_network", "load_balancer", "host_network", "node_port", "load_balancer")

NAMES = {pattern: f"ingress-nginx-{pattern.replace('_', '-')}" for pattern in ROUND}

FOREIGN = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ingress-nginx-controller
  namespace: default
  labels: {app.kubernetes.io/name: ingress-nginx, app.kubernetes.io/instance: elsewhere}
spec:
  replicas: 0
  selector: {matchLabels: {app: foreign}}
  template:
    metadata: {labels: {app: foreign}}
    spec: {containers: [{name: controller, image: registry.k8s.io/ingress-nginx/controller:v1.11.0}]}
"""

LISTEN = """systemd-run -q --collect --unit squatter perl -MIO::Socket::INET -e \
'IO::Socket::INET->new(LocalPort => 80, Listen => 1, ReuseAddr => 1)->accept'; sleep 1"""


@pytest.fixture(scope="module")
def lab(fresh_ways_in: LabCluster) -> LabCluster:
    want(fresh_ways_in, "load_balancer")
    applied = apply(fresh_ways_in)
    assert applied.code == 0, applied
    assert fresh_ways_in.tool("diff").code == 0
    return fresh_ways_in


@pytest.fixture(autouse=True)
def settled(lab: LabCluster) -> Iterator[None]:
    yield
    lab.kubectl("-n default delete deployment ingress-nginx-controller --ignore-not-found")


def workloads(lab: LabCluster) -> list[str]:
    return lab.kubectl("-n ingress-nginx get deployments,daemonsets -o 'jsonpath={.items[*].metadata.name}'").split()


def expected(lab: LabCluster, pattern: str) -> list[str]:
    places = {"load_balancer": ["200"], "node_port": ["101"], "host_network": ["21", "22"]}
    return [f"{network(lab)}.{last}" for last in places[pattern]]


@pytest.mark.parametrize("step", range(len(ROUND)), ids=lambda step: f"{ROUND[step - 1]}-to-{ROUND[step]}")
def test_changing_the_way_in_loses_no_request(lab: LabCluster, step: int) -> None:
    pattern = ROUND[step]
    want(lab, pattern)
    with clients(lab) as answers:
        applied = apply(lab)
    assert applied.code == 0, applied
    for found in answers:
        assert len(found.requests) > 200
        assert not found.failures, f"{found}"
    assert sorted(addresses(lab)) == expected(lab, pattern)
    assert workloads(lab) == [NAMES[pattern]]
    assert lab.tool("diff").code == 0


def restarted(lab: LabCluster, workload: str) -> Answers:
    with Name(lab) as name, Client(name, 0) as answers:
        lab.kubectl(f"-n ingress-nginx rollout restart {workload}")
        lab.kubectl(f"-n ingress-nginx rollout status {workload} --timeout=50s")
        threading.Event().wait(12)  # the last old pod goes on for its grace period
    return answers


def test_restarting_the_controller_behind_a_load_balancer_loses_no_request(lab: LabCluster) -> None:
    answers = restarted(lab, "deployment/ingress-nginx-load-balancer")
    assert not answers.failures, f"{answers}"


def test_an_image_that_cannot_be_pulled_stops_while_the_old_way_in_serves(lab: LabCluster) -> None:
    want(lab, "node_port", "admission: true")
    path = lab.inventory / "group_vars" / "all" / "topology.yml"
    path.write_text(path.read_text().replace("controller:v1.11.0", "controller:v0.0.0-none"))
    with clients(lab) as answers:
        applied = apply(lab)
    assert applied.code == 1, applied
    assert "Image" in applied.out
    assert not [found for found in answers if found.failures]
    assert workloads(lab) == ["ingress-nginx-load-balancer"]
    assert sorted(addresses(lab)) == expected(lab, "load_balancer")


def test_a_port_that_another_program_has_is_refused_before_anything_changes(lab: LabCluster) -> None:
    want(lab, "host_network")
    lab.on("node2", LISTEN)
    try:
        refused = lab.tool("diff")
    finally:
        lab.on("node2", "systemctl stop squatter")
    assert refused.code == 1, refused
    assert "node2: K8N280" in refused.out + refused.err
    assert "80 by perl" in refused.out + refused.err


def test_a_foreign_controller_is_refused_or_taken_over(lab: LabCluster) -> None:
    want(lab, "load_balancer")
    lab.on("cp1", f"kubectl apply -f - <<'END'\n{FOREIGN}\nEND")
    refused = lab.tool("diff")
    assert refused.code == 1, refused
    assert "K8N320" in refused.out + refused.err
    want(lab, "load_balancer", "adopt: true")
    applied = apply(lab)
    assert applied.code == 0, applied
    assert lab.kubectl("-n default get deployments -o name").split() == []
    assert lab.tool("diff").code == 0


def test_the_api_server_asks_the_controller_about_ingresses(lab: LabCluster) -> None:
    twice = "kubectl -n demo create ingress twice --class=nginx '--rule=load.test/*=app:80' 2>&1 || true"
    assert "already defined in ingress demo/app" in lab.on("cp1", twice)


def test_a_webhook_that_is_switched_off_is_gone_with_all_it_needed(lab: LabCluster) -> None:
    want(lab, "load_balancer", "admission: false")
    applied = apply(lab)
    assert applied.code == 0, applied
    left = lab.kubectl("get validatingwebhookconfigurations,secrets,services -A -o name")
    assert "ingress-nginx-webhook" not in left
    want(lab, "load_balancer")
    again = apply(lab)
    assert again.code == 0, again
