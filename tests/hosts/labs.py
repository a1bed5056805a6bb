"""Labs for tests: clones of inventory/lab with a cluster in it, and the tool run as its users run it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from k8snet_provision import ending
from k8snet_provision.cli import app
from k8snet_provision.lab import processes, settings
from k8snet_provision.lab.settings import Lab
from k8snet_provision.lab.state import recall
from tests.program import Ran, run

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "inventory" / "lab"


@cache
def _described_by(inventory: Path) -> Lab:
    return settings.read(inventory)


@dataclass(frozen=True)
class LabCluster:
    """A lab that is up. `inventory` is its own copy: a test may edit it."""

    inventory: Path

    def tool(self, *arguments: str, timeout: float = 300) -> Ran:
        """`k8snet-provision ARGUMENTS...` in a process of its own, with the inventory after the command."""
        command, *rest = arguments
        return run(command, str(self.inventory), *rest, timeout=timeout)

    def here(self, *arguments: str) -> Ran:
        """The same in this process, for those who run it many times: loading it takes as long as a diff."""
        command, *rest = arguments
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = ending.run(app, [command, str(self.inventory), *rest])
        return Ran(code, out.getvalue(), err.getvalue())

    def lab(self, command: str, *arguments: str, timeout: float = 600) -> Ran:
        return run("lab", command, str(self.inventory), *arguments, timeout=timeout)

    def on(self, host: str, script: str, timeout: float = 60) -> str:
        """The stdout of sh on a host, entered without the network; fails the test when it fails.

        As `lab exec` does it, without starting the program for each of hundreds of calls.
        """
        ran = subprocess.run(
            self._entered(host, script),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert ran.returncode == 0, Ran(ran.returncode, ran.stdout, ran.stderr)
        return ran.stdout

    def start(self, host: str, script: str) -> subprocess.Popen[str]:
        """The same, under way: as a process group of its own, which the caller ends; its stdout is a pipe."""
        return subprocess.Popen(
            self._entered(host, script),
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def _entered(self, host: str, script: str) -> list[str]:
        pid = processes.leader(_described_by(self.inventory), host)
        assert pid is not None, f"{host} is off"
        return processes.entered(pid, ["sh", "-c", script])

    def settle(self, seconds: float = 180) -> None:
        """Returns once every node and every pod of kube-system is Ready, and what the pods are of says so too, as
        after the hosts were off or the API was away for longer than a node may be silent; fails the test otherwise."""
        ends = time.monotonic() + seconds
        wait, ours = "kubectl wait --all --for=condition=Ready --timeout=10s", "kubectl -n kube-system"
        rolled_out = f"for w in $({ours} get deployments,daemonsets -o name); do {ours} rollout status $w --timeout=10s"
        script = f"{{ {wait} node && {wait} pod -n kube-system && {rolled_out} || exit; done; }} 2>&1 && echo settled"
        while not (said := self.on("cp1", f"({script}) || true", timeout=180)).endswith("settled\n"):
            assert time.monotonic() < ends, f"kube-system did not settle: {said}"
            time.sleep(1)

    def kubectl(self, arguments: str, host: str = "cp1") -> str:
        return self.on(host, f"kubectl {arguments}")

    def objects(self, arguments: str) -> Any:
        return json.loads(self.kubectl(f"{arguments} -o json"))

    @property
    def _topology(self) -> Path:
        return self.inventory / "group_vars" / "all" / "topology.yml"

    @property
    def _original(self) -> Path:
        return self.inventory.parent / "topology-as-cloned.yml"

    def keep_topology(self) -> None:
        """Remembers the topology as it is, for `restore_topology`."""
        shutil.copyfile(self._topology, self._original)

    def restore_topology(self) -> None:
        shutil.copyfile(self._original, self._topology)

    def topology(self, text: str) -> None:
        """Replaces the topology: YAML below the variable's name."""
        body = "".join(f"  {line}\n" for line in text.strip("\n").splitlines())
        self._topology.write_text(f"topology:\n{body}")


@contextmanager
def broken(cluster: LabCluster, host: str, break_it: str, mend_it: str) -> Iterator[None]:
    """What sh does to a host, undone afterwards."""
    cluster.on(host, break_it)
    try:
        yield
    finally:
        cluster.on(host, mend_it)


def clone(target: Path, name: str, network: str) -> None:
    """inventory/lab as another lab; one of that name, which a killed run of tests left, is ended first.

    One run at a time holds the tests' lock, so a lab of its names that is there has no owner left.
    """
    made = run("lab", "clone", str(SOURCE), str(target), "--name", name, "--network", network)
    assert made.code == 0, made
    memory = recall(settings.read(target))
    if memory:
        ended = run("lab", "down", memory.inventory if Path(memory.inventory).exists() else str(target))
        assert ended.code == 0, ended


def up(
    target: Path, name: str, network: str, hosts: dict[str, list[str]], kind: str, proxy: str = "daemonset"
) -> LabCluster:
    """Makes a lab of `hosts` (names by group, as in inventory/lab) with a cluster, and keeps its disks as "fresh".

    `proxy`: how kube-proxy is installed, "daemonset" or "systemd".
    """
    clone(target, name, network)
    _keep_only(target / "hosts.yml", hosts)
    _keep_the_service_network(target / "group_vars" / "all" / "topology.yml")
    made = target / "group_vars" / "all" / "lab.yml"
    made.write_text(made.read_text().replace("install: daemonset", f"install: {proxy}"))
    cluster = LabCluster(target)
    shutil.rmtree(target / ".ssh", ignore_errors=True)
    brought = cluster.lab("up", "--control-plane", kind, timeout=1800)
    assert brought.code == 0, brought
    cluster.keep_topology()
    kept = cluster.lab("snapshot", "fresh")
    assert kept.code == 0, kept
    return cluster


def _keep_the_service_network(path: Path) -> None:
    """Leaves the ways in out of the topology: tests that are about them bring their own."""
    from ruamel.yaml import YAML

    yaml = YAML()
    tree = yaml.load(path)
    kept = ("service_cidr", "pod_cidr", "cluster_domain", "kube_proxy", "dns")
    tree["topology"] = {key: tree["topology"][key] for key in kept}
    yaml.dump(tree, path)


def _keep_only(path: Path, hosts: dict[str, list[str]]) -> None:
    """Leaves the hosts that are wanted: the tool then sees a cluster without missing hosts."""
    from ruamel.yaml import YAML

    yaml = YAML()
    tree = yaml.load(path)
    wanted = {name for names in hosts.values() for name in names}
    everything = tree["all"]
    everything["hosts"] = {name: value for name, value in everything["hosts"].items() if name in wanted}
    for group, value in everything["children"].items():
        if "hosts" in value:
            value["hosts"] = {name: None for name in value["hosts"] if name in wanted and name in hosts.get(group, [])}
    yaml.dump(tree, path)
