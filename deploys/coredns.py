"""CoreDNS: the cluster's names, answered at the DNS address. kubeadm's Deployment is taken over, not doubled."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import Any

from k8snet_provision.capability import NEVER, Capability, Gate
from k8snet_provision.change import Change
from k8snet_provision.dns_wire import Question, gate_script
from k8snet_provision.engine.carry_out import cluster_changes
from k8snet_provision.resources.kube_object import Manifest, ObjectRef, owned_by
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World
from k8snet_provision.templates import manifests as render_manifests
from k8snet_provision.templates import render
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.dns import Dns
from k8snet_provision.topology.images import resolve

NAME = "coredns"

DEFAULT_IMAGE = "registry.k8s.io/coredns/coredns:v1.14.2"
"""What kubeadm 1.36 installs (`kubeadm config images list`); used where no CoreDNS runs yet."""

DEPLOYMENT = ObjectRef("apps/v1", "Deployment", "coredns", "kube-system")
SERVICE = ObjectRef("v1", "Service", "kube-dns", "kube-system")

CONFIG = ObjectRef("v1", "ConfigMap", "coredns", "kube-system")

OBJECTS = (
    ObjectRef("v1", "ServiceAccount", "coredns", "kube-system"),
    ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRole", "system:coredns"),
    ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "system:coredns"),
    CONFIG,
    DEPLOYMENT,
    SERVICE,
    ObjectRef("policy/v1", "PodDisruptionBudget", "coredns", "kube-system"),
)


def reads(cluster: Cluster) -> Iterable[ObjectRef]:
    return OBJECTS if cluster.topology.dns else ()


def manifests(world: World) -> Iterable[Manifest]:
    """What this phase applies: all objects, but for a Service that has to wait for its range."""
    waits = world.topology.dns is not None and waits_for_range(world)
    return (m for m in objects(world) if not (waits and ObjectRef.of(m) == SERVICE))


def waits_for_range(world: World) -> bool:
    """The Service is not there and no ServiceCIDR holds its address yet: the service range phase makes it."""
    ranges = world.state.service_cidrs
    if ranges is None or world.live(SERVICE) is not None:
        return False
    ready = [cidr for item in ranges if "deletionTimestamp" not in item["metadata"] for cidr in item["spec"]["cidrs"]]
    return not any(world.topology.dns_address in ip_network(cidr) for cidr in ready)


def objects(world: World) -> Iterable[Manifest]:
    """All objects of CoreDNS; nothing where the topology has no `dns`: then it is somebody else's."""
    dns = world.topology.dns
    if dns is None:
        return
    text = corefile(world, dns)
    for manifest in render_manifests(
        "coredns/objects.yaml.j2",
        dns=dns,
        corefile=text,
        corefile_sha256=hashlib.sha256(text.encode()).hexdigest(),
        image=image(world, dns),
        service_address=_service_address(world),
    ):
        yield owned_by(NAME, manifest)


def corefile(world: World, dns: Dns) -> str:
    return render("coredns/Corefile.j2", dns=dns, zone=world.topology.cluster_domain)


def image(world: World, dns: Dns) -> str:
    """The topology's image, otherwise the one that runs: an upgrade of CoreDNS is the operator's decision."""
    if dns.image:
        return resolve(world.topology.images, dns.image)
    live = world.live(DEPLOYMENT)
    return _running_image(live) if live else resolve(world.topology.images, DEFAULT_IMAGE)


def _running_image(deployment: Manifest) -> str:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return str(next((c["image"] for c in containers if c["name"] == "coredns"), DEFAULT_IMAGE))


def _service_address(world: World) -> str:
    """Left out while the Service has another one: an address is immutable, the service range phase moves it."""
    wanted = str(world.topology.dns_address)
    live = world.live(SERVICE)
    return wanted if live is None or live["spec"].get("clusterIP") == wanted else ""


def _is_gone(changes: Sequence[Change]) -> bool:
    """Put back to where there was none."""
    return any(change.name == str(DEPLOYMENT) and change.after is None for change in changes)


def rolled_out(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """A pod that cannot start will not start by waiting: its last word is the answer."""
    if _is_gone(changes):
        return None
    container = ".status.containerStatuses[0]"
    state = f"{{.metadata.name}} {{{container}.restartCount}} {{{container}.state.waiting.reason}}"
    listed = f"'jsonpath={{range .items[*]}}{state}{{\"\\n\"}}{{end}}'"
    return f"""{world.prelude}
K -n kube-system rollout status deployment/coredns --timeout=3s 2>&1 && exit 0
K -n kube-system get pods -l k8s-app=kube-dns -o {listed} | while read -r pod restarts reason; do
  case $reason in
    CrashLoopBackOff) [ "$restarts" -ge 2 ] && K -n kube-system logs "$pod" --tail=1 2>&1 && exit {NEVER} ;;
    *Image*) echo "$pod: $reason"; exit {NEVER} ;;
  esac
done
exit $(( $? == {NEVER} ? {NEVER} : 1 ))"""


ZONE = re.compile(r"^\s*kubernetes\s+([^\s{]+)", re.MULTILINE)
"""The first zone of the Corefile's plugin that answers for the cluster."""


def _brought(changes: Sequence[Change], ref: ObjectRef, *path: str) -> str:
    """The text at a path of an object that the changes make; empty where they do not say."""
    made = [change for change in changes if change.name == str(ref) and change.after is not None]
    found: Any = json.loads(made[-1].details["manifest"]) if made else None
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return str(found or "")


def answers(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """The names that the DNS specification promises for the API's own Service, over UDP and TCP."""
    if _is_gone(changes):
        return None
    written = ZONE.search(_brought(changes, CONFIG, "data", "Corefile"))
    zone = written[1].rstrip(".") if written else world.topology.cluster_domain
    first = world.topology.first_service_address
    questions = (
        Question(f"dns-version.{zone}.", "TXT"),
        Question(f"kubernetes.default.svc.{zone}.", "A" if first.version == 4 else "AAAA", first.packed),
        Question(f"_https._tcp.kubernetes.default.svc.{zone}.", "SRV"),
        Question(f"{first.reverse_pointer}.", "PTR"),
    )
    address = _brought(changes, SERVICE, "spec", "clusterIP") or str(world.topology.dns_address)
    return gate_script(address, questions)


def a_node(world: World) -> str:
    """Cluster addresses answer on nodes only; raises Unknown where none was reached."""
    reached = world.reached(world.cluster.nodes)
    if not reached:
        raise Unknown("cluster", "names", "no node could be reached to ask from")
    return reached[0]


CAPABILITY = Capability(
    name=NAME,
    felt="hardly anything: one Pod at a time is replaced, and begins with an empty cache",
    carry_out=cluster_changes,
    reads=reads,
    manifests=manifests,
    gates=(
        Gate("coredns rolled out", rolled_out, deadline=120),
        Gate("names answered", answers, deadline=30, asked_from=a_node),
    ),
)
