"""Certificates of the ways in: those that the topology gives the controller, and the webhook's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from cryptography import x509

from deploys.watched.certificates import NAME, ending
from k8snet_provision.change import CLUSTER
from k8snet_provision.drift import Finding, Watch
from k8snet_provision.ingress import observed
from k8snet_provision.ingress.controller import WEBHOOK
from k8snet_provision.preflight.certificates import BY_HAND, Found
from k8snet_provision.resources.probe import Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.certificates import is_text, text
from k8snet_provision.topology.rules_certificates import Place, places

NOW = "watched:now"


def questions(cluster: Cluster, prelude: str) -> Iterable[Probe]:
    if cluster.topology.ingress or cluster.topology.ingresses:
        yield Probe(NOW, "date +%s")
        yield from observed.questions(cluster, prelude)


def in_cluster(world: World) -> Iterator[Finding]:
    """By the clock of the control plane that reads the cluster."""
    ingress = world.topology.ingress
    if not ingress and not world.topology.ingresses:
        return
    assert world.state.version  # where the cluster was not read this says why
    now = _now(world)
    for place in places(world.cluster):
        for one in _given(world, place):
            yield from ending(world, CLUSTER, one, now)
    if ingress and ingress.admission and (kept := observed.webhook_certificate(world)):
        path = f"Secret {ingress.namespace}/{WEBHOOK}"
        for one in _found("the webhook's", path, kept[2]):
            yield from ending(world, CLUSTER, one, now)


def _now(world: World) -> datetime:
    said = (world.state.said(NOW) or "").strip()
    if not said.isdigit():
        raise Unknown(CLUSTER, "the control plane's time", said)
    return datetime.fromtimestamp(int(said), UTC)


def _given(world: World, place: Place) -> list[Found]:
    """Lint has read it before; that it is gone since then is as good as not known."""
    written = place.pair.certificate
    if written is None or place.pair.key is None:
        return []
    where = "in the inventory" if is_text(written) else str(written)
    try:
        return _found(f"{place.who}:", where, text(world.cluster.inventory.path, written))
    except (OSError, ValueError) as error:
        raise Unknown(CLUSTER, f"{place.who}: certificate", str(error)) from None


def _found(what: str, path: str, pem: str) -> list[Found]:
    """The one of the chain that ends first; raises ValueError where there is none."""
    first = min(x509.load_pem_x509_certificates(pem.encode()), key=lambda one: one.not_valid_after_utc)
    return [Found(BY_HAND, what, path, first.not_valid_before_utc, first.not_valid_after_utc)]


WATCH = Watch(NAME, questions=questions, in_cluster=in_cluster)
