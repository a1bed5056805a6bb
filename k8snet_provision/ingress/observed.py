"""What a control-plane host says of Ingresses, of other installations, and of the webhook's certificate."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from shlex import quote

from k8snet_provision.ingress.controller import WEBHOOK
from k8snet_provision.resources.kube_object import FIELD_MANAGER, OWNED_LABEL, Manifest
from k8snet_provision.resources.probe import ABSENT_CODE, Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.ingress import Ingress

INGRESSES, FOREIGN, CERTIFICATE = "ingress:ingresses", "ingress:foreign", "ingress:certificate"

FOREIGN_KINDS = (
    "deployments,daemonsets,jobs,services,configmaps,serviceaccounts,roles,rolebindings,clusterroles,"
    "clusterrolebindings,poddisruptionbudgets,networkpolicies,validatingwebhookconfigurations"
)
"""What the release manifests and the Helm chart install."""

FOREIGN_SELECTOR = f"app.kubernetes.io/name=ingress-nginx,{OWNED_LABEL}!={FIELD_MANAGER}"

CLASS_ANNOTATION = "kubernetes.io/ingress.class"


def questions(cluster: Cluster, prelude: str) -> Iterable[Probe]:
    ingress = cluster.topology.ingress
    if ingress is None:
        return
    secret = f"-n {quote(ingress.namespace)} get secret {WEBHOOK}"
    bundle = "'jsonpath={.data.ca\\.crt} {.data.tls\\.crt}'"
    yield Probe(INGRESSES, f"{prelude} K get ingresses -A -o json 2>&1")
    yield Probe(FOREIGN, f"{prelude} K get {FOREIGN_KINDS} -A -l {quote(FOREIGN_SELECTOR)} -o json 2>&1")
    yield Probe(
        CERTIFICATE,
        f"""{prelude} o=$(K {secret} -o {bundle} 2>&1) || {{
  case $o in *"(NotFound)"*) command -v openssl >/dev/null && exit {ABSENT_CODE}; echo "no openssl"; exit 0 ;; esac
  printf '%s' "$o"; exit 1
}}
printf '%s %s' "$(date +%s)" "$o" """,
    )


def _items(world: World, key: str) -> Sequence[Manifest]:
    text = world.state.said(key) or ""
    try:
        items: Sequence[Manifest] = json.loads(text)["items"]
    except (ValueError, TypeError, KeyError):
        raise Unknown("cluster", key, f"kubectl answered no list: {text[:200]}") from None
    return items


def ingresses(world: World) -> Sequence[Manifest]:
    """The live Ingresses that the wanted controller serves. Raises Unknown."""
    ingress = world.topology.ingress
    return [item for item in _items(world, INGRESSES) if ingress and serves(ingress, item)]


def serves(ingress: Ingress, item: Manifest) -> bool:
    """By its class, by the annotation that came before classes, or as one without any."""
    annotation = (item["metadata"].get("annotations") or {}).get(CLASS_ANNOTATION)
    name = item["spec"].get("ingressClassName") or annotation
    return name == ingress.class_name if name else ingress.default_class


def status(item: Manifest) -> list[str]:
    """The addresses in an object's status."""
    entries = item.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    return [entry.get("ip") or entry.get("hostname", "") for entry in entries]


def foreign(world: World) -> Sequence[Manifest]:
    """Objects of an ingress-nginx that is not ours. Raises Unknown."""
    if world.topology.ingress is None:
        return ()
    return [item for item in _items(world, FOREIGN) if not item["metadata"].get("ownerReferences")]


def webhook_certificate(world: World) -> tuple[int, str, str] | None:
    """The host's time in seconds, the CA bundle and the certificate, PEM; None where there is no Secret.

    Raises Unknown.
    """
    words = (world.state.said(CERTIFICATE) or "").split(" ")
    if len(words) != 3:
        return None
    now, bundle, certificate = words
    return int(now), base64.b64decode(bundle).decode(), base64.b64decode(certificate).decode()


def lacks_openssl(world: World) -> bool:
    """Whether a certificate has to be made and the control-plane host has nothing to make it with. Raises Unknown."""
    return (world.state.said(CERTIFICATE) or "") == "no openssl\n"
