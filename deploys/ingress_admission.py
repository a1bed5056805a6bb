"""The admission webhook: the API server asks the controller before it takes an Ingress. Made last, deleted first."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from shlex import quote

from k8snet_provision import undoing
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
        yield certificate_change(NAME, ingress.namespace, why, new=False)
    live = world.live(WEBHOOK_CONFIGURATION)
    if live is not None and believed is not None and why:
        return  # renewing makes the API server believe the new CA as well
    bundle = UNKNOWN_YET if why else base64.b64encode((believed or "").encode()).decode()
    yield from kube_object.change(NAME, live, configuration(ingress, bundle))


def certificate_change(phase: str, namespace: str, why: str, *, new: bool) -> Change:
    text = f"a certificate for {WEBHOOK}.{namespace}.svc and its CA, for {admission.DAYS} days\n"
    details = {"how": "make", "namespace": namespace}
    name = f"Secret {namespace}/{WEBHOOK}"
    before = None if new else f"{why}\n"
    return Change(phase, CLUSTER, Kind.CERTIFICATE, name, before, text, details, because=why)


def secret_gone(phase: str, namespace: str) -> Change:
    """Its key is never read, so the text cannot show it."""
    ref = ObjectRef("v1", "Secret", WEBHOOK, namespace)
    details = {"how": "delete", "manifest": json.dumps(ref.skeleton())}
    return Change(phase, CLUSTER, Kind.OBJECT, str(ref), "the webhook's certificate\n", None, details, secret=True)


def certificates_undone(changes: Iterable[Change]) -> Iterator[Change]:
    """One that was made goes; one that went is made anew. One that was renewed stays: the old one had to go."""
    for change in changes:
        if change.kind is Kind.CERTIFICATE and change.before is None:
            yield secret_gone(change.phase, change.details["namespace"])
        elif change.secret and change.name.endswith(f"/{WEBHOOK}") and change.after is None:
            namespace = change.name.partition(" ")[2].partition("/")[0]
            yield certificate_change(change.phase, namespace, "its key was not kept", new=True)


def make_certificate(change: Change, prelude: str) -> None:
    script = admission.script(change.details["namespace"], prelude)
    operations.run_script(script, name=f"certificate of the webhook in {change.name}")


BUNDLE = r"""
bundle=$(K -n "$namespace" get secret "$secret" -o 'jsonpath={.data.ca\.crt}') || exit 1
[ "$bundle" ] || { echo "Secret $namespace/$secret has no ca.crt" >&2; exit 1; }
"""


def undone(changes: Sequence[Change]) -> Iterator[Change]:
    yield from undoing.simply(changes)
    yield from certificates_undone(changes)


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
    """Nothing is asked where the webhook was put back to not being there."""
    ingress = world.topology.ingress
    if ingress is None or not any(change.after is not None for change in changes):
        return None
    return admission.dry_create(ingress.namespace, ingress.class_name, world.prelude)


CAPABILITY = Capability(
    name=NAME,
    felt="nothing; who writes an Ingress is told of its faults from here on",
    carry_out=roll_out,
    reads=reads,
    cluster_changes=cluster_changes,
    retires=(),
    undone=undone,
    backwards=True,
    gates=(Gate("the webhook asked about an Ingress", answers, deadline=60),),
)
