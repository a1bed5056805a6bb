"""The old way in goes, once nobody uses it: its pods finish what they have begun, then its other objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from deploys.ingress_admission import certificates_undone, make_certificate, secret_gone
from deploys.ingress_ends import take_away
from deploys.ingress_gates import MADE_AGAIN
from deploys.ingress_nodes import LABEL, chosen, label_change, labelled, labels_undone, set_label
from k8snet_provision import undoing
from k8snet_provision.capability import Capability
from k8snet_provision.change import Change, Kind
from k8snet_provision.engine.carry_out import cluster_changes as carry_out_objects
from k8snet_provision.engine.carry_out import deploy
from k8snet_provision.ingress import admission, foreign
from k8snet_provision.ingress.paths import NODE_LABEL, OWNER
from k8snet_provision.resources import kube_object
from k8snet_provision.seen import World

NAME = "ingress-retired"


def cluster_changes(world: World) -> Iterable[Change]:
    """Beside what the phase prunes: what was adopted, labels of nodes, the certificate of a webhook switched off."""
    ingress = world.topology.ingress
    if ingress is None:
        return
    for item in foreign.adopted(world):
        yield from kube_object.change(NAME, item, None, because="adopted: ours serves instead")
    kept = chosen(world)
    for item in world.state.nodes:
        name = item["metadata"]["name"]
        if name not in kept and labelled(item):
            yield label_change(NAME, name, f"{NODE_LABEL}: true\n", None, because="no longer chosen")
    if not ingress.admission and admission.bundle(world) is not None:
        yield secret_gone(NAME, ingress.namespace)


@deploy("retired ways in")
def roll_out(changes: Sequence[Change], prelude: str = "") -> None:
    """Labels last: without them pods end at once. What comes back where this is undone: labels first, webhooks last."""
    objects = [change for change in changes if change.kind is Kind.OBJECT and change.details["how"] != LABEL]
    labels = [change for change in changes if change.details["how"] == LABEL]
    made = [change for change in objects if change.after is not None]
    for change in labels:
        if change.after is not None:
            set_label(change, prelude)
    for change in changes:
        if change.kind is Kind.CERTIFICATE:
            make_certificate(change, prelude)
    webhooks = [change for change in made if change.name.startswith("ValidatingWebhookConfiguration ")]
    carry_out_objects([change for change in made if change not in webhooks], prelude)
    carry_out_objects(webhooks, prelude)
    take_away([change for change in objects if change.after is None], prelude)
    for change in labels:
        if change.after is None:
            set_label(change, prelude)


def undone(changes: Sequence[Change]) -> Iterator[Change]:
    """What was there comes back as it was; a webhook's certificate, whose key nobody saw, is made anew."""
    yield from labels_undone(changes)
    yield from certificates_undone(changes)
    yield from undoing.simply(changes)


CAPABILITY = Capability(
    name=NAME,
    felt="nothing where names were followed: the old addresses answer no more",
    carry_out=roll_out,
    cluster_changes=cluster_changes,
    retires=(OWNER,),
    gates=MADE_AGAIN,
    puts_back=False,
    undone=undone,
    backwards=True,
)
