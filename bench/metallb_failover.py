"""How long a Service's address is lost together with the node that announces it, as a client outside sees it.

The node's wire is cut under load (50 new connections a second), five times with MetalLB's own settings and five times
with metallb.fast_failover; the median counts. Runs in a lab of its own, in about 10 minutes.
"""

from __future__ import annotations

import hashlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the load of the tests

from tests.hosts.load import Answers, Load  # noqa: E402

NAME, NETWORK, ADDRESS = "lost", "10.141.8.0/24", "10.141.8.200"
NODES = ("node1", "node2")
RUNS = 5

HOSTS = """\
all:
  hosts:
    cp1: {ansible_host: 10.141.8.11}
    node1: {ansible_host: 10.141.8.21}
    node2: {ansible_host: 10.141.8.22}
  children:
    kube_control_plane: {hosts: {cp1: }}
    etcd: {hosts: {cp1: }}
    kube_node: {hosts: {node1: , node2: }}
"""

TOPOLOGY = """\
topology:
  service_cidr: 10.96.0.0/16
  kube_proxy: {{mode: nftables}}
  metallb:
    manifest: .lab/metallb-native.yaml
    sha256: {sha256}
    pools: [{{addresses: [{address}-{address}]}}]
    fast_failover: {fast}
"""

# A client's own address is kept (policy Local), so only a node with a pod of its own takes over.
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: demo}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  selector: {app: app}
  ports: [{port: 80}]
"""


def run(*command: str, stdin: str = "", seconds: float = 1800) -> str:
    """The command's stdout; ends the bench when it fails."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=seconds)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def tool(*arguments: str, stdin: str = "") -> str:
    return run(sys.executable, "-m", "k8snet_provision", *arguments, stdin=stdin)


def on(inventory: Path, host: str, *command: str, stdin: str = "") -> str:
    return tool("lab", "exec", str(inventory), host, "--", *command, stdin=stdin)


def answering() -> list[str]:
    """The MACs that answer for the address, once for each answer."""
    device = run("ip", "-o", "route", "get", ADDRESS).split(" dev ")[1].split()[0]
    asked = subprocess.run(
        ["arping", "-b", "-c", "2", "-w", "3", "-I", device, ADDRESS], capture_output=True, text=True, check=False
    )
    return re.findall(r"\[([0-9A-Fa-f:]{17})\]", asked.stdout)


def settled(limit: float = 180) -> str:
    """The MAC of the one node that announces the address, seen three times in a row."""
    ends, seen = time.monotonic() + limit, [""]
    while time.monotonic() < ends:
        found = set(answering())
        seen = [*seen[-2:], found.pop() if len(found) == 1 else ""]
        if len(seen) == 3 and len(set(seen)) == 1 and seen[0]:
            return seen[0].lower()
        time.sleep(1)
    sys.exit(f"waited {limit:g} s for one node to announce {ADDRESS}; last seen: {seen}")


def wire(mac: str) -> str:
    """The device of this machine behind which a MAC is."""
    rows = run("bridge", "fdb", "show").splitlines()
    return next(row.split()[2] for row in rows if row.lower().startswith(mac) and " master " in row)


def lose_a_node(inventory: Path) -> Answers:
    mac = settled()
    macs = {node: on(inventory, node, "ip", "-o", "link", "show", "eth0").lower() for node in NODES}
    lost, device = next(node for node in NODES if mac in macs[node]), wire(mac)
    with Load(ADDRESS, rate=50, timeout=1) as answers:
        time.sleep(2)
        run("ip", "link", "set", device, "down")
        time.sleep(12)
    run("ip", "link", "set", device, "up")
    # A node that comes back boots; one whose wire comes back finds the others a minute later only.
    where = f"spec.nodeName={lost}"
    gone = ("delete", "pod", "-l", "component=speaker", "--field-selector", where, "--timeout=60s")
    on(inventory, "cp1", "kubectl", "-n", "metallb-system", *gone)
    on(inventory, "cp1", "kubectl", "-n", "metallb-system", "rollout", "status", "ds/speaker", "--timeout=120s")
    on(inventory, "cp1", "kubectl", "wait", "node", "--all", "--for=condition=Ready", "--timeout=120s")
    return answers


def configure(inventory: Path, fast: bool) -> None:
    manifest = (inventory / ".lab" / "metallb-native.yaml").read_bytes()
    values = {"sha256": hashlib.sha256(manifest).hexdigest(), "address": ADDRESS, "fast": str(fast).lower()}
    (inventory / "group_vars" / "all" / "topology.yml").write_text(TOPOLOGY.format(**values))
    tool("apply", str(inventory), "--yes")
    on(inventory, "cp1", "kubectl", "apply", "-f", "-", stdin=SERVICE)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        inventory = Path(directory) / "inventory"
        tool("lab", "clone", str(ROOT / "inventory" / "lab"), str(inventory), "--name", NAME, "--network", NETWORK)
        try:
            (inventory / "hosts.yml").write_text(HOSTS)
            tool("lab", "up", str(inventory))
            for fast in (False, True):
                configure(inventory, fast)
                outages = [lose_a_node(inventory).outage for _ in range(RUNS)]
                shown = " ".join(f"{seconds:.1f}" for seconds in outages)
                name = f"announcing node lost, {'fast_failover' if fast else 'settings of MetalLB'}"
                print(f"{name:<48} {statistics.median(outages):6.1f} s   ({shown})", flush=True)
        finally:
            tool("lab", "down", str(inventory))


if __name__ == "__main__":
    main()
