"""The admission webhook: the API server asks the controller before it takes an Ingress. Made last, deleted first."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from shlex import quote

from k8snet_provision.capability import Capability, Gate
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.engine import operations
from k8snet_provision.engine.carry_out import deploy, object_script
from k8snet_provision.ingress import admission
from k8snet_provision.ingress.admission import UNKNOWN_YET
from k8snet_provision.ingress.controller import WEBHOOK
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import Manifest, ObjectRef, owned_by
from k8snet_provision.seen import World
from k8snet_provision.templates import manifests as render
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.ingress import Ingress

NAME = "ingress-admission"

WEBHOOK_CONFIGURATION = ObjectRef("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", WEBHOOK)


def reads(cluster: Cluster) -> Iterable[ObjectRef]:
    return (WEBHOOK_CONFIGURATION,) if cluster.topology.ingress else ()


def configuration(ingress: Ingress, bundle: str) -> Manifest:
    """The object; `bundle` is base64, or UNKNOWN_YET."""
    (manifest,) = render("ingress_nginx/webhook.yaml.j2", ingress=ingress, webhook=WEBHOOK, bundle=bundle)
    return owned_by(NAME, manifest)


def cluster_changes(world: World) -> Iterable[Change]:
    """Not among the phase's manifests: its CA is not known before the run that makes it."""
    ingress = world.topology.ingress
    if ingress is None or not ingress.admission:
        return
    believed = admission.bundle(world)
    why = admission.why_make(world, ingress)
    if why and believed is not None:
        yield certificate_change(NAME, ingress, why, new=False)
    live = world.live(WEBHOOK_CONFIGURATION)
    if live is not None and believed is not None and why:
        return  # renewing makes the API server believe the new CA as well
    bundle = UNKNOWN_YET if why else base64.b64encode((believed or "").encode()).decode()
    yield from kube_object.change(NAME, live, configuration(ingress, bundle))


def certificate_change(phase: str, ingress: Ingress, why: str, *, new: bool) -> Change:
    text = f"a certificate for {WEBHOOK}.{ingress.namespace}.svc and its CA, for {admission.DAYS} days\n"
    details = {"how": "make", "namespace": ingress.namespace}
    name = f"Secret {ingress.namespace}/{WEBHOOK}"
    before = None if new else f"{why}\n"
    return Change(phase, CLUSTER, Kind.CERTIFICATE, name, before, text, details, because=why)


def make_certificate(change: Change, prelude: str) -> None:
    script = admission.script(change.details["namespace"], prelude)
    operations.run_script(script, name=f"certificate of the webhook in {change.name}")


BUNDLE = r"""
bundle=$(K -n "$namespace" get secret "$secret" -o 'jsonpath={.data.ca\.crt}') || exit 1
[ "$bundle" ] || { echo "Secret $namespace/$secret has no ca.crt" >&2; exit 1; }
"""


@deploy("admission webhook")
def roll_out(changes: Sequence[Change], prelude: str = "") -> None:
    for change in changes:
        if change.kind is Kind.CERTIFICATE:
            make_certificate(change, prelude)
        else:
            _configure(change, prelude)


def _configure(change: Change, prelude: str) -> None:
    """Its CA comes from the Secret, where this run may just have put it."""
    manifest = change.details["manifest"]
    if UNKNOWN_YET not in manifest:  # also when it is put back: deleted, of which only the name is sent
        operations.run_script(f"{prelude}\n{object_script(change)}", manifest.encode(), name=change.name)
        return
    service = json.loads(manifest)["webhooks"][0]["clientConfig"]["service"]
    script = f"""{prelude}
namespace={quote(service["namespace"])} secret={WEBHOOK}
{BUNDLE}
sed "s|{UNKNOWN_YET}|$bundle|" | {{
{object_script(change)}
}}"""
    operations.run_script(script, manifest.encode(), name=change.name)


def answers(world: World, host: str, changes: Sequence[Change]) -> str | None:
    ingress = world.topology.ingress
    return admission.dry_create(ingress.namespace, ingress.class_name, world.prelude) if ingress else None


CAPABILITY = Capability(
    name=NAME,
    felt="nothing; who writes an Ingress is told of its faults from here on",
    carry_out=roll_out,
    reads=reads,
    cluster_changes=cluster_changes,
    retires=(),
    gates=(Gate("the webhook asked about an Ingress", answers, deadline=60),),
)
