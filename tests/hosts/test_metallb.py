"""MetalLB on a real cluster: its pools' addresses answer, from one place each, and nobody else's are taken."""

from __future__ import annotations

import hashlib
import re
import subprocess
import time

import pytest

from tests.hosts.labs import LabCluster
from tests.program import Ran

pytestmark = pytest.mark.hosts

ADDRESS, LAST, TAKEN = "10.141.4.200", "10.141.4.209", "10.141.4.215"

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: demo}
spec:
  type: LoadBalancer
  selector: {app: app}
  ports: [{port: 80}]
"""


def topology(cluster: LabCluster, last: str = LAST, more: str = "") -> None:
    manifest = cluster.inventory / ".lab" / "metallb-native.yaml"
    cluster.topology(f"""
service_cidr: 10.96.0.0/16
metallb:
  manifest: .lab/metallb-native.yaml
  sha256: {hashlib.sha256(manifest.read_bytes()).hexdigest()}
  pools: [{{addresses: [{ADDRESS}-{last}]}}]
{more}""")


def ask(seconds: float = 15) -> str:
    """What the address answers to a client outside the cluster, asked until it answers."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        done = subprocess.run(
            ["curl", "-sS", "-m", "2", f"http://{ADDRESS}/"], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout
        time.sleep(0.2)
    pytest.fail(f"{ADDRESS} gives no answer: {done.stderr}")


def who_answers(address: str) -> set[str]:
    """MACs that answer ARP for an address in the lab's network."""
    route = subprocess.run(["ip", "-o", "route", "get", address], capture_output=True, text=True, check=True).stdout
    device = route.split(" dev ")[1].split()[0]
    done = subprocess.run(
        ["arping", "-b", "-c", "3", "-I", device, address], capture_output=True, text=True, check=False
    )
    return set(re.findall(r"\[([0-9A-F:]{17})\]", done.stdout.upper()))


def mac(cluster: LabCluster, host: str) -> str:
    return cluster.on(host, "ip -o link show eth0").split(" link/ether ")[1].split()[0].upper()


def refused(ran: Ran, code: str) -> str:
    """The line of a problem."""
    assert ran.code == 1, ran
    found = [line for line in ran.err.splitlines() if code in line]
    assert len(found) == 1, ran
    return found[0]


@pytest.fixture(scope="module")
def cluster(fresh_ways_in: LabCluster) -> LabCluster:
    topology(fresh_ways_in)
    fresh_ways_in.kubectl("create namespace metallb-system")
    somebody_elses = fresh_ways_in.tool("apply", "--yes")
    assert "kubectl label namespace metallb-system" in refused(somebody_elses, "K8N331")
    assert fresh_ways_in.kubectl("-n metallb-system get all -o name") == ""
    fresh_ways_in.kubectl("delete namespace metallb-system")
    applied = fresh_ways_in.tool("apply", "--yes", timeout=400)
    assert applied.code == 0, applied
    return fresh_ways_in


def test_what_was_applied_stays_as_it_is(cluster: LabCluster) -> None:
    """The controller has filled in certificates by now, where we sent none."""
    secret = "-n metallb-system get secret metallb-webhook-cert -o"
    assert "tls.key" in cluster.kubectl(
        f"{secret} 'go-template={{{{range $key, $_ := .data}}}}{{{{$key}}}} {{{{end}}}}'"
    )
    again = cluster.tool("diff")
    assert again.code == 0, again


def test_a_service_answers_outside_the_cluster_and_from_one_place(cluster: LabCluster) -> None:
    cluster.on("cp1", f"kubectl apply -f - <<'END'\n{SERVICE}\nEND")
    assert ask().startswith("app-")
    assert len(who_answers(ADDRESS)) == 1
    assert who_answers(ADDRESS) < {mac(cluster, "node1"), mac(cluster, "node2")}
    assert cluster.tool("diff").code == 0


def test_an_address_that_another_host_has_is_refused_with_its_mac(cluster: LabCluster) -> None:
    cluster.on("lb1", f"ip addr add {TAKEN}/24 dev eth0")
    topology(cluster, last="10.141.4.219")
    problem = refused(cluster.tool("apply", "--yes"), "K8N286")
    assert TAKEN in problem
    assert mac(cluster, "lb1") in problem.upper()
    cluster.on("lb1", f"ip addr del {TAKEN}/24 dev eth0")
    assert cluster.tool("diff").code == 2
    topology(cluster)


def test_a_pool_changes_while_its_addresses_answer(cluster: LabCluster) -> None:
    topology(cluster, last="10.141.4.204")
    assert cluster.tool("apply", "--yes").code == 0
    pools = cluster.objects("-n metallb-system get ipaddresspools")["items"]
    assert [pool["spec"]["addresses"] for pool in pools] == [[f"{ADDRESS}-10.141.4.204"]]
    assert ask().startswith("app-")
    topology(cluster)
    assert cluster.tool("apply", "--yes").code == 0


def test_an_image_that_cannot_be_pulled_leaves_the_old_controller_at_work(cluster: LabCluster) -> None:
    topology(cluster, more="images: {tags: {quay.io/metallb/controller: v0.0.0}}")
    failed = cluster.tool("apply", "--yes", timeout=400)
    assert failed.code == 1, failed
    assert "Image" in failed.out
    assert ask().startswith("app-")
    topology(cluster)
    assert cluster.tool("diff").code == 0


def test_a_controller_that_is_down_keeps_nothing_else_from_being_planned(cluster: LabCluster) -> None:
    """Its webhook refuses every pool that it is asked about, also one that does not change."""
    cluster.kubectl("-n metallb-system scale deployment controller --replicas=0")
    cluster.kubectl("-n metallb-system wait pod -l component=controller --for=delete --timeout=30s")
    planned = cluster.tool("diff")
    assert planned.code == 0, planned
    topology(cluster, last="10.141.4.204")
    assert "ipaddresspoolvalidationwebhook" in refused(cluster.tool("diff"), "K8N301")
    topology(cluster)
    cluster.kubectl("-n metallb-system scale deployment controller --replicas=1")


def test_the_section_taken_away_leaves_everything_where_it_is(cluster: LabCluster) -> None:
    cluster.topology("service_cidr: 10.96.0.0/16")
    assert cluster.tool("diff").code == 0
    assert ask().startswith("app-")
