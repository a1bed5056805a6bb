"""Pods to prove things from: one on every node, in a namespace of their own that is deleted afterwards.

They run the pause image that every node has, and no tool: what is asked "inside a pod" is asked by the
node's own programs in the pod's network namespace, with the pod's resolv.conf, token and environment. So
verify pulls no image and works in clusters that reach no registry.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from testinfra.host import Host

from k8snet_provision.engine.fleet import Fleet, Output, Script, Unreachable
from k8snet_provision.resources.kube_object import Manifest
from k8snet_provision.seen import World
from k8snet_provision.templates import manifests

SECONDS = 90.0


class CannotProbe(Exception):
    """The pods to ask from could not be had; the text says why."""


@dataclass(frozen=True)
class Pod:
    """`pid`: of its container on the node. `namespace` also holds the Services made for the checks."""

    node: str
    namespace: str
    name: str
    address: str
    pid: int

    def inside(self, command: str) -> str:
        """The sh command, run by the node in the pod's network."""
        return f"nsenter -t {self.pid} -n -- {command}"

    def file(self, path: str) -> str:
        """A path inside the pod, as the node reaches it."""
        return f"/proc/{self.pid}/root{path}"

    def environment(self, host: Host) -> dict[str, str]:
        """The variables by which Services are found without DNS; nothing else of the environment is read."""
        command = f"tr '\\0' '\\n' </proc/{self.pid}/environ | grep -E '^[A-Z0-9_]+_SERVICE_(HOST|PORT)='"
        return dict(line.split("=", 1) for line in host.run(command).stdout.splitlines())


@contextmanager
def on_every_node(world: World, fleet: Fleet) -> Iterator[dict[str, Pod]]:
    """One pod per node by node name; raises CannotProbe. Whatever happens, the namespace is deleted."""
    namespace = f"k8snet-verify-{secrets.token_hex(4)}"
    objects = manifests(
        "verification/pods.yaml.j2", namespace=namespace, image=_pause(world), zone=world.topology.cluster_domain
    )
    try:
        _kubectl(world, fleet, "apply -f -", {"apiVersion": "v1", "kind": "List", "items": objects})
        _kubectl(world, fleet, f"-n {namespace} rollout status daemonset/probe --timeout={SECONDS:.0f}s")
        listed = json.loads(_kubectl(world, fleet, f"-n {namespace} get pods -l app=probe -o json"))["items"]
        yield {pod.node: pod for pod in _located(world, fleet, listed)}
    finally:
        _kubectl(world, fleet, f"delete namespace {namespace} --timeout={SECONDS:.0f}s --ignore-not-found")


def _pause(world: World) -> str:
    """The image of the nodes' sandboxes, which is there whatever registry the cluster uses."""
    names = [
        name for node in world.state.nodes for image in node["status"].get("images", []) for name in image["names"]
    ]
    pause = [name for name in names if "/pause" in name and "@" not in name]
    if not pause:
        raise CannotProbe("no node reports a pause image to start a pod with")
    return str(pause[0])


def _kubectl(world: World, fleet: Fleet, arguments: str, stdin: Manifest | None = None) -> str:
    text = f"{world.prelude}\nK {arguments}"
    script = Script(text, json.dumps(stdin).encode() if stdin else b"", timeout=SECONDS + 30)
    answer = fleet.run({world.state.reader: script})[world.state.reader]
    if isinstance(answer, Unreachable):
        raise CannotProbe(f"{world.state.reader}: {answer.reason}")
    if answer.code != 0:
        raise CannotProbe(f"kubectl {arguments}: {answer.stderr.decode('utf-8', 'replace').strip()[-500:]}")
    return answer.stdout.decode()


def _located(world: World, fleet: Fleet, listed: list[dict[str, Any]]) -> Iterator[Pod]:
    """Finds each pod's container on its node by the pod's uid in the process's cgroup."""
    pods = {pod["spec"]["nodeName"]: pod for pod in listed}
    observed = world.observation.hosts
    scripts = {node: Script(_find_process(pod["metadata"]["uid"])) for node, pod in pods.items() if node in observed}
    for node, answer in fleet.run(scripts).items():
        pid = answer.stdout.decode().strip() if isinstance(answer, Output) else ""
        if not pid.isdigit():
            raise CannotProbe(f"{node}: the process of pod {pods[node]['metadata']['name']} was not found")
        meta, status = pods[node]["metadata"], pods[node]["status"]
        yield Pod(node, meta["namespace"], meta["name"], status["podIP"], int(pid))


def _find_process(uid: str) -> str:
    """cgroupfs writes the uid with dashes, systemd's driver with underscores. Of the pod's two processes, only
    the container's has the Service variables, the sandbox's has none."""
    return f"""
for p in /proc/[0-9]*; do
  grep -qE 'pod({uid}|{uid.replace("-", "_")})' $p/cgroup 2>/dev/null || continue
  tr '\\0' '\\n' <$p/environ 2>/dev/null | grep -q '^KUBERNETES_SERVICE_HOST=' && {{ echo ${{p#/proc/}}; exit 0; }}
done
exit 1"""
