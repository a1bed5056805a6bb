"""ingress-nginx: the controller of the wanted way in, brought up beside the one that serves until now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from deploys import ingress_refusals
from deploys.ingress_admission import certificate_change, certificates_undone, make_certificate
from deploys.ingress_ends import take_away
from deploys.ingress_gates import GATES
from k8snet_provision import undoing
from k8snet_provision.capability import Capability
from k8snet_provision.change import Change, Kind
from k8snet_provision.engine import carry_out
from k8snet_provision.ingress import admission, controller, observed, ports
from k8snet_provision.resources.kube_object import Manifest
from k8snet_provision.resources.probe import Probe
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.ingress import Ingress

NAME = "ingress-nginx"


def probes(cluster: Cluster, host: str) -> Iterable[Probe]:
    ingress = cluster.topology.ingress
    if ingress and (wanted := ports.wanted(ingress)) and host in _chosen(cluster, ingress):
        yield ports.probe(wanted)


def _chosen(cluster: Cluster, ingress: Ingress) -> Sequence[str]:
    return cluster.ingress if ingress.pattern == "host_network" else cluster.nodes


def manifests(world: World) -> Iterable[Manifest]:
    return controller.objects(world)


def cluster_changes(world: World) -> Iterable[Change]:
    """The webhook's certificate, where there is none: pods wait for its Secret. Renewing it comes later."""
    ingress = world.topology.ingress
    if ingress and ingress.admission and admission.bundle(world) is None:
        yield certificate_change(NAME, ingress.namespace, admission.why_make(world, ingress), new=True)


@carry_out.deploy("ingress-nginx")
def roll_out(changes: Sequence[Change], prelude: str = "") -> None:
    """The Namespace, then the certificate in it, then what needs both. What goes, where this is undone, goes last."""
    made = [change for change in changes if change.after is not None]
    rooms = [change for change in made if change.name.startswith("Namespace ")]
    certificates = [change for change in made if change.kind is Kind.CERTIFICATE]
    rest = [change for change in made if change not in rooms and change not in certificates]
    carry_out.cluster_changes(rooms, prelude)
    for change in certificates:
        make_certificate(change, prelude)
    carry_out.cluster_changes(rest, prelude)
    take_away([change for change in changes if change.after is None], prelude)


def undone(changes: Sequence[Change]) -> Iterator[Change]:
    yield from undoing.simply(changes)
    yield from certificates_undone(changes)


CAPABILITY = Capability(
    name=NAME,
    felt=(
        "nothing, the old way in serves meanwhile; where its own pods start anew with host_network and no edge before "
        "them, each node is without right answers for about 8 s"
    ),
    carry_out=roll_out,
    probes=probes,
    reads=controller.refs,
    questions=observed.questions,
    manifests=manifests,
    cluster_changes=cluster_changes,
    refusals=ingress_refusals.refusals,
    gates=GATES,
    retires=(),
    undone=undone,
    backwards=True,
)
