"""What the lab costs: seconds to SSH, to a cluster with all pods Ready, to do nothing, to go away; memory.

Targets on two cores: SSH within 5 s, 3 control planes and 2 workers Ready within 60 s, a second `lab up` within 3 s,
2.5 GB. Runs in a lab of its own beside any other.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "inventory" / "lab"


def tool(*arguments: str) -> tuple[float, str]:
    """Seconds and stdout of one command; ends the bench when it fails."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "k8snet_provision", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=1800,
    )
    if done.returncode not in (0, 2):
        sys.exit(f"{' '.join(arguments)}: exit code {done.returncode}")
    return time.monotonic() - started, done.stdout


def memory(inventory: str) -> float:
    """Megabytes of all hosts of the lab."""
    hosts = json.loads(tool("lab", "status", inventory, "--output", "json")[1])["hosts"]
    return float(sum(host["memory"] for host in hosts)) / 1e6


def measure(inventory: str) -> list[tuple[str, float, str]]:
    rows = []
    rows.append(("7 hosts answer SSH", tool("lab", "up", inventory, "--hosts-only")[0], "s"))
    rows.append(("hosts down", tool("lab", "down", inventory)[0], "s"))
    rows.append(("3 control planes, 2 workers, 2 load balancers: all pods Ready", tool("lab", "up", inventory)[0], "s"))
    rows.append(("second lab up", tool("lab", "up", inventory)[0], "s"))
    rows.append(("memory of the full lab", memory(inventory), "MB"))
    rows.append(("diff", tool("diff", inventory)[0], "s"))
    rows.append(("apply: range and kube-proxy mode", tool("apply", inventory, "--yes")[0], "s"))
    rows.append(("apply again: nothing to change", tool("apply", inventory, "--yes")[0], "s"))
    rows.append(("verify", tool("verify", inventory)[0], "s"))
    rows.append(("lab down", tool("lab", "down", inventory)[0], "s"))
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        inventory = str(Path(directory) / "inventory")
        tool("lab", "clone", str(SOURCE), inventory, "--name", "bench", "--network", "10.141.9.0/24")
        try:
            for name, value, unit in measure(inventory):
                print(f"{name:<64} {value:8.1f} {unit}", flush=True)
        finally:
            tool("lab", "down", inventory)


if __name__ == "__main__":
    main()
