"""What has to be done before the controller: labels of the nodes that host_network uses, an unwanted webhook away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from shlex import quote

from deploys.ingress_admission import WEBHOOK_CONFIGURATION
from k8snet_provision import undoing
from k8snet_provision.capability import Capability
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.engine import operations
from k8snet_provision.engine.carry_out import cluster_changes as carry_out_objects
from k8snet_provision.engine.carry_out import deploy
from k8snet_provision.ingress.paths import NODE_LABEL
from k8snet_provision.kube_proxy.install import node
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

NAME = "ingress-nodes"

LABEL = "label"
"""How a Node changes: its label alone. A Node as a whole changes all the time."""


def reads(cluster: Cluster) -> Iterable[ObjectRef]:
    return (WEBHOOK_CONFIGURATION,) if cluster.topology.ingress else ()


def chosen(world: World) -> Mapping[str, Manifest]:
    """The nodes of the hosts in `ingress` where the pattern wants them, by name. Raises Unknown."""
    ingress = world.topology.ingress
    if ingress is None or ingress.pattern != "host_network":
        return {}
    nodes = [node(world, host) for host in world.cluster.ingress]
    return {item["metadata"]["name"]: item for item in nodes if item}


def labelled(item: Manifest) -> bool:
    return str((item["metadata"].get("labels") or {}).get(NODE_LABEL, "")) == "true"


def cluster_changes(world: World) -> Iterable[Change]:
    """Adds labels only: one that is taken away ends a pod that may still serve."""
    ingress = world.topology.ingress
    live = world.live(WEBHOOK_CONFIGURATION) if ingress and not ingress.admission else None
    if live is not None and kube_object.owner(live):
        because = "ingress.admission is off, and a webhook that nobody answers refuses every Ingress"
        yield from kube_object.change(NAME, live, None, because=because)
    for name, item in chosen(world).items():
        if not labelled(item):
            yield label_change(NAME, name, None, f"{NODE_LABEL}: true\n")


def label_change(phase: str, name: str, before: str | None, after: str | None, because: str = "") -> Change:
    """`before` and `after` are the label as a line of text."""
    details = {"how": LABEL, "node": name}
    return Change(phase, CLUSTER, Kind.OBJECT, f"Node {name} label", before, after, details, because=because)


def labels_undone(changes: Iterable[Change]) -> Iterator[Change]:
    for change in changes:
        if change.details.get("how") == LABEL:
            yield replace(change.inverted(), because="")


def undone(changes: Sequence[Change]) -> Iterator[Change]:
    yield from labels_undone(changes)
    yield from undoing.simply(changes)


@deploy("nodes of the ingress")
def roll_out(changes: Sequence[Change], prelude: str = "") -> None:
    objects = [change for change in changes if change.details["how"] != LABEL]
    if objects:
        carry_out_objects(objects, prelude)
    for change in changes:
        if change.details["how"] == LABEL:
            set_label(change, prelude)


def set_label(change: Change, prelude: str) -> None:
    words = f"{quote(NODE_LABEL)}=true --overwrite" if change.after else f"{quote(NODE_LABEL)}-"
    operations.run_script(f"{prelude}\nK label node {quote(change.details['node'])} {words} >&2", name=change.name)


CAPABILITY = Capability(
    name=NAME,
    felt="nothing",
    carry_out=roll_out,
    reads=reads,
    cluster_changes=cluster_changes,
    retires=(),
    undone=undone,
    backwards=True,
)
