"""What a client outside sees when a part of the pattern node_port is lost: the host with the VIP, a node.

50 new connections a second ask for the controller's own /healthz through the VIP while the wire of a host is cut,
five times each; the median outage, the failures and the slowest answer count. Runs in a lab of its own.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the load of the tests

from k8snet_provision.lab import hosts, settings  # noqa: E402
from tests.hosts.load import Answers, Load  # noqa: E402

NAME, NETWORK, VIP = "fail", "10.141.7.0/24", "10.141.7.101"
RUNS = 5

HOSTS = """\
all:
  hosts:
    cp1: {ansible_host: 10.141.7.11}
    node1: {ansible_host: 10.141.7.21}
    node2: {ansible_host: 10.141.7.22}
    lb1: {ansible_host: 10.141.7.31}
    lb2: {ansible_host: 10.141.7.32}
  children:
    kube_control_plane: {hosts: {cp1: }}
    etcd: {hosts: {cp1: }}
    kube_node: {hosts: {node1: , node2: }}
    load_balancer: {hosts: {lb1: , lb2: }}
"""

TOPOLOGY = f"""\
topology:
  service_cidr: 10.96.0.0/16
  ingress:
    pattern: node_port
    image: registry.k8s.io/ingress-nginx/controller:v1.11.0
  edge: {{vip: {VIP}}}
"""

READY = "curl -s '127.0.0.1:8404/;csv' | grep -c '^node_port-http,node.*,UP,.*,L7OK'"


def tool(*arguments: str) -> str:
    """The command's stdout; ends the bench when it fails."""
    command = [sys.executable, "-m", "k8snet_provision", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def on(inventory: Path, host: str, script: str) -> str:
    return tool("lab", "exec", str(inventory), host, "--", "sh", "-c", script)


def holder(inventory: Path) -> str:
    (found,) = [host for host in ("lb1", "lb2") if VIP in on(inventory, host, "ip -o -4 addr show dev eth0")]
    return found


def lost(inventory: Path, host: str, timeout: float) -> Answers:
    """What clients that wait for `timeout` seconds saw of it; the host is back and both nodes serve afterwards.

    A packet that is lost is sent again after a second: who waits less sees every outage as failures.
    """
    lab = settings.read(inventory, [])
    with Load(VIP, path="/healthz", timeout=timeout) as answers:
        time.sleep(3)
        hosts.pull_plug(lab, host)
        time.sleep(6)
    tool("lab", "up", str(inventory))
    ends = time.monotonic() + 180
    while "2" not in on(inventory, holder(inventory), f"{READY} || true") and time.monotonic() < ends:
        time.sleep(1)
    time.sleep(3)
    return answers


def row(what: str, answers: list[Answers]) -> str:
    outages = [found.outage for found in answers]
    failures = sum(sum(found.failures.values()) for found in answers)
    requests = sum(len(found.requests) for found in answers)
    slowest = max(found.slowest for found in answers)
    shown = " ".join(f"{outage:.2f}" for outage in outages)
    median = statistics.median(outages)
    return f"{what:<32} outage {median:.2f} s ({shown}), {failures} of {requests} failed, slowest {slowest:.2f} s"


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        inventory = Path(directory) / "inventory"
        source = str(ROOT / "inventory" / "lab")
        tool("lab", "clone", source, str(inventory), "--name", NAME, "--network", NETWORK)
        (inventory / "hosts.yml").write_text(HOSTS)
        (inventory / "group_vars" / "all" / "topology.yml").write_text(TOPOLOGY)
        try:
            tool("lab", "up", str(inventory))
            tool("apply", str(inventory), "--yes")
            holders = [lost(inventory, holder(inventory), 1) for _ in range(RUNS)]
            print(row("the host with the VIP lost", holders), flush=True)
            nodes = [lost(inventory, f"node{1 + number % 2}", 2.5) for number in range(RUNS)]
            print(row("a node with a controller lost", nodes), flush=True)
        finally:
            tool("lab", "down", str(inventory))


if __name__ == "__main__":
    main()
