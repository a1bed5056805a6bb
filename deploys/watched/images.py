"""Images that run and are not those of their workload: another name, or another digest than the pinned one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from shlex import quote

from deploys import coredns, ingress_nginx, metallb
from deploys.addon_pods import workload
from deploys.watched.found import found
from k8snet_provision.change import CLUSTER
from k8snet_provision.cluster_state import Pod
from k8snet_provision.drift import Code, Finding, Watch
from k8snet_provision.metallb.contents import NAMESPACE
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import Manifest
from k8snet_provision.resources.probe import Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.images import split

KEY = "watched:images"
KINDS = ("Deployment", "DaemonSet")

ROWS = (
    "go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{$pod := .metadata.uid}}"
    '{{range .spec.containers}}{{$pod}} {{.name}} wants {{.image}}{{"\\n"}}{{end}}'
    '{{range .status.containerStatuses}}{{$pod}} {{.name}} runs {{.imageID}}{{"\\n"}}{{end}}'
    "{{end}}{{end}}"
)


@dataclass(frozen=True)
class Container:
    """Of a Pod: the image it is to run, and the ID under which the runtime runs it (empty before it starts)."""

    image: str
    running: str = ""

    @property
    def digest(self) -> str:
        return self.running.rpartition("@")[2]


def namespaces(cluster: Cluster) -> list[str]:
    """Where the workloads live whose images the topology decides."""
    topology = cluster.topology
    named = [coredns.DEPLOYMENT.namespace] if topology.dns else []
    named += [NAMESPACE] if topology.metallb else []
    return [*named, *([topology.ingress.namespace] if topology.ingress else [])]


def questions(cluster: Cluster, prelude: str) -> Iterable[Probe]:
    asked = [f"K -n {quote(name)} get pods -o {quote(ROWS)} 2>&1 || exit 1" for name in namespaces(cluster)]
    if asked:
        yield Probe(KEY, "\n".join((prelude, *asked)))


def in_cluster(world: World, capability: str) -> Iterator[Finding]:
    """Of one capability's workloads; nothing where the topology leaves its section out."""
    if not namespaces(world.cluster):
        return
    workloads = {
        _key(item): item
        for item in world.state.owned
        if item["kind"] in KINDS and kube_object.owner(item) == capability
    }
    pods, running = world.state.pods, _containers(world.state.said(KEY) or "")
    for pod in pods:
        kind, name = workload(pod)
        its_workload = workloads.get((kind, pod.namespace, name))
        for container, here in running.get(pod.uid, {}).items() if its_workload else ():
            yield from _differs(world, pod, its_workload or {}, container, here)


def _key(item: Manifest) -> tuple[str, str, str]:
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _containers(said: str) -> Mapping[str, Mapping[str, Container]]:
    """By Pod's uid and container's name. Raises Unknown."""
    pods: dict[str, dict[str, Container]] = {}
    for line in filter(None, said.splitlines()):
        words = line.split(" ")
        if len(words) != 4:
            raise Unknown(CLUSTER, "the images that run", f"kubectl answered {line[:200]}")
        uid, name, verb, image = words
        image = "" if image == "<no" else image
        before = pods.setdefault(uid, {}).get(name, Container(""))
        pods[uid][name] = Container(image, before.running) if verb == "wants" else Container(before.image, image)
    return pods


def _differs(world: World, pod: Pod, owner: Manifest, name: str, here: Container) -> Iterator[Finding]:
    """A container that somebody's webhook put beside ours is none of its workload."""
    written = {c["name"]: str(c["image"]) for c in owner["spec"]["template"]["spec"]["containers"]}
    wanted = written.get(name)
    if wanted is None:
        return
    digest = split(wanted)[2]
    if here.image != wanted:
        before, text = here.image, "is to run another image than its workload says"
    elif digest and here.running and digest != here.digest and digest not in _names(world, pod, here.running):
        before, text = here.running, "runs another image than the digest that is pinned"
    else:
        return
    kind, its_name = workload(pod)
    what = f"container {name} of {kind} {pod.namespace}/{its_name}"
    mend = f"kubectl -n {pod.namespace} rollout restart {kind.lower()}/{its_name}"
    yield found(
        world, Code.IMAGE, CLUSTER, kube_object.owner(owner), f"{what} on {pod.node}", text,
        before=f"{before}\n", after=f"{wanted}\n", mend=mend,
    )  # fmt: skip


def _names(world: World, pod: Pod, running: str) -> str:
    """All names of the same image on that node: one may have several digests, of its index and of its manifest."""
    for node in world.state.nodes:
        if node["metadata"]["name"] == pod.node:
            for image in node.get("status", {}).get("images") or ():
                if running in (image.get("names") or ()):
                    return " ".join(image["names"])
    return ""


WATCHES = tuple(
    Watch(name, questions=questions, in_cluster=partial(in_cluster, capability=name))
    for name in (coredns.NAME, metallb.NAME, ingress_nginx.NAME)
)
