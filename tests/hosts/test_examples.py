"""The example inventories, as a reader copies them: own addresses put in, applied, and a request answered."""

from __future__ import annotations

import http.client
import re
import time
from contextlib import closing

import pytest

from tests.hosts.labs import ROOT, LabCluster
from tests.hosts.ways_in import network

pytestmark = pytest.mark.hosts

EXAMPLES = ROOT / "inventory" / "examples"

# What the reader has already: pods of his own, and where requests will go.
APPLICATION = """
kubectl -n default create deployment hello --image=k8snet.lab/probe:1 --port=80 --dry-run=client -o yaml |
  kubectl apply -f - && kubectl -n default rollout status deployment/hello --timeout=60s"""
DOOR = {"load-balancer": "200", "node-port": "101", "host-network": "21"}


def put_in(lab: LabCluster, example: str) -> None:
    """The example's topology with the lab's addresses and images; where the lab's API endpoint is, the VIP is not."""
    text = (EXAMPLES / example / "group_vars" / "all" / "topology.yml").read_text()
    text = text.replace("192.0.2.100\n", "192.0.2.101\n").replace("192.0.2.100 ", "192.0.2.101 ")
    text = text.replace("192.0.2.", f"{network(lab)}.")
    text = re.sub(r"manifest: \S+", "manifest: .lab/metallb-native.yaml", text)
    text += "\n  images:\n    tags: {registry.k8s.io/ingress-nginx/controller: v1.11.0}\n"
    (lab.inventory / "group_vars" / "all" / "topology.yml").write_text(text)


def answer(address: str) -> tuple[int, str]:
    """Status and first word (the pod's name) of http://hello.example.com/ at that address."""
    with closing(http.client.HTTPConnection(address, timeout=5)) as connection:
        connection.request("GET", "/", headers={"Host": "hello.example.com"})
        got = connection.getresponse()
        return got.status, got.read().decode().split(" ")[0]


@pytest.mark.parametrize("example", DOOR)
def test_an_example_is_applied_and_serves(fresh_ways_in: LabCluster, example: str) -> None:
    """One after the other, so that each also takes over from the one before."""
    lab = fresh_ways_in
    lab.on("cp1", APPLICATION, timeout=90)
    put_in(lab, example)
    applied = lab.tool("apply", "--yes", timeout=600)
    assert applied.code == 0, applied
    again = lab.tool("diff")
    assert again.code == 0, again
    status, pod = _once_known(f"{network(lab)}.{DOOR[example]}")
    assert status == 200 and pod.startswith("hello-")


def _once_known(address: str) -> tuple[int, str]:
    """The gates are about what served before; a new Ingress is known to every worker of nginx a second later."""
    ends = time.monotonic() + 10
    while (got := answer(address))[0] != 200 and time.monotonic() < ends:
        time.sleep(0.5)
    return got
