"""What clients outside lose while the way in changes, the controllers restart and kube-proxy changes its mode.

20 new connections a second (bench/clients/hey.py), through all six changes of `ingress.pattern`, a rolling restart
in each pattern, and the two modes of kube-proxy behind the VIP. A change that lost requests is repeated once; both
rows are shown. Runs in a lab of its own, in about 20 minutes, and prints a table.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the labs of the tests

from bench.clients.hey import Clients, Seen  # noqa: E402
from tests.hosts.labs import LabCluster, up  # noqa: E402
from tests.hosts.ways_in import apply, want  # noqa: E402

NAME, NETWORK, URL = "switch", "10.141.7.0/24", "http://load.test/"
HOSTS = {"kube_control_plane": ["cp1"], "kube_node": ["node1", "node2"], "load_balancer": ["lb1", "lb2"]}
EDGE = "host_network: {behind_edge: true}"


def must(lab: LabCluster) -> float:
    """The seconds of an apply; ends the bench when it fails."""
    began = time.monotonic()
    applied = apply(lab)
    if applied.code != 0:
        sys.exit(f"apply: {applied}")
    return time.monotonic() - began


def row(what: str, seconds: float, found: Seen) -> None:
    figures = f"{found.requests} | {found.failed} | {found.slowest:.2f} s | {seconds:.0f} s"
    print(f"| {what} | {figures} |", flush=True)
    wrong = {**{code: n for code, n in found.codes.items() if code != "200"}, **found.errors}
    if wrong:
        print(f"failed: {wrong}", file=sys.stderr, flush=True)


def under_load(lab: LabCluster) -> tuple[float, Seen]:
    """An apply; the clients go on for as long as they keep a name's address."""
    with Clients(lab, lab.inventory.parent, URL) as clients:
        time.sleep(2)
        seconds = must(lab)
        time.sleep(6)
    return seconds, clients.total


def change(lab: LabCluster, old: str, new: str, more: str = "") -> None:
    what = f"{old} → {new}{', behind the edge' if more else ''}"
    want(lab, new, more)
    seconds, found = under_load(lab)
    row(what, seconds, found)
    if found.failed:
        want(lab, old)
        must(lab)
        want(lab, new, more)
        row(f"{what}, again", *under_load(lab))


def restart(lab: LabCluster, what: str) -> None:
    workload = lab.kubectl("-n ingress-nginx get deployments,daemonsets -o name").strip()
    with Clients(lab, lab.inventory.parent, URL) as clients:
        began = time.monotonic()
        lab.kubectl(f"-n ingress-nginx rollout restart {workload}")
        lab.kubectl(f"-n ingress-nginx rollout status {workload} --timeout=50s")
        seconds = time.monotonic() - began
        time.sleep(12)  # the last old pod goes on for its grace period
    row(f"rolling restart, {what}", seconds, clients.total)


def proxy_mode(lab: LabCluster, mode: str) -> None:
    want(lab, "node_port")
    topology = lab.inventory / "group_vars" / "all" / "topology.yml"
    topology.write_text(f"{topology.read_text()}  kube_proxy: {{mode: {mode}}}\n")
    row(f"kube-proxy to {mode}, in node_port", *under_load(lab))


def measure(lab: LabCluster) -> None:
    print("| | requests | failed | slowest | it took |\n|---|---|---|---|---|", flush=True)
    want(lab, "load_balancer")
    must(lab)
    restart(lab, "load_balancer")
    change(lab, "load_balancer", "node_port")
    restart(lab, "node_port")
    proxy_mode(lab, "nftables")
    proxy_mode(lab, "iptables")
    change(lab, "node_port", "host_network")
    restart(lab, "host_network")
    change(lab, "host_network", "load_balancer")
    change(lab, "load_balancer", "host_network")
    change(lab, "host_network", "node_port")
    change(lab, "node_port", "load_balancer")
    change(lab, "load_balancer", "host_network", EDGE)
    restart(lab, "host_network, behind the edge")


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        lab = LabCluster(Path(directory) / "inventory")
        try:
            measure(up(lab.inventory, NAME, NETWORK, HOSTS, "systemd"))
        finally:
            lab.lab("down")


if __name__ == "__main__":
    main()
