"""Pods to prove things from: one on every node, in a namespace that is deleted afterwards.

They run the pause image that every node has, and no tool: what is asked "inside a pod" is asked by the
node's own programs in the pod's network namespace, with the pod's resolv.conf, token and environment. So
verify pulls no image and works in clusters that reach no registry.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from testinfra.host import Host

from k8snet_provision.engine.fleet import Fleet, Output, Script
from k8snet_provision.seen import World
from k8snet_provision.templates import manifests
from k8snet_provision.verification.cluster import SECONDS, CannotProbe, create, kubectl


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


def on_every_node(world: World, fleet: Fleet, namespace: str) -> dict[str, Pod]:
    """One pod per node by node name, in a namespace that is made for it; raises CannotProbe."""
    zone = world.topology.cluster_domain
    create(world, fleet, manifests("verification/pods.yaml.j2", namespace=namespace, image=_pause(world), zone=zone))
    kubectl(world, fleet, f"-n {namespace} rollout status daemonset/probe --timeout={SECONDS:.0f}s")
    listed = json.loads(kubectl(world, fleet, f"-n {namespace} get pods -l app=probe -o json"))["items"]
    return {pod.node: pod for pod in _located(world, fleet, listed)}


def _pause(world: World) -> str:
    """The image of the nodes' sandboxes, which is there whatever registry the cluster uses."""
    names = [
        name for node in world.state.nodes for image in node["status"].get("images", []) for name in image["names"]
    ]
    pause = [name for name in names if "/pause" in name and "@" not in name]
    if not pause:
        raise CannotProbe("no node reports a pause image to start a pod with")
    return str(pause[0])


def _located(world: World, fleet: Fleet, listed: list[dict[str, Any]]) -> Iterator[Pod]:
    """Finds each pod's container on its node by the pod's uid in the process's cgroup."""
    pods = {pod["spec"]["nodeName"]: pod for pod in listed}
    observed = world.observation.hosts
    scripts = {node: Script(find_process(pod["metadata"]["uid"])) for node, pod in pods.items() if node in observed}
    for node, answer in fleet.run(scripts).items():
        pid = answer.stdout.decode().strip() if isinstance(answer, Output) else ""
        if not pid.isdigit():
            raise CannotProbe(f"{node}: the process of pod {pods[node]['metadata']['name']} was not found")
        meta, status = pods[node]["metadata"], pods[node]["status"]
        yield Pod(node, meta["namespace"], meta["name"], status["podIP"], int(pid))


def find_process(uid: str) -> str:
    """sh that prints the pid of a pod's container.

    cgroupfs writes the uid with dashes, systemd's driver with underscores. Of the pod's two processes, only the
    container's has the Service variables, the sandbox's has none.
    """
    return f"""
for p in /proc/[0-9]*; do
  grep -qE 'pod({uid}|{uid.replace("-", "_")})' $p/cgroup 2>/dev/null || continue
  tr '\\0' '\\n' <$p/environ 2>/dev/null | grep -q '^KUBERNETES_SERVICE_HOST=' && {{ echo ${{p#/proc/}}; exit 0; }}
done
exit 1"""
