"""The admission webhook's own CA and certificate: made on a control-plane host, whose key nobody else sees.

Every certificate has a CA of its own, whose key is thrown away. A renewed one keeps the CA before it in the
bundle, because the controller's pods go on with the old certificate until the kubelet has brought the new one.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from shlex import quote

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from k8snet_provision.engine.shell import assign
from k8snet_provision.ingress import observed
from k8snet_provision.ingress.controller import WEBHOOK
from k8snet_provision.ingress.paths import OWNER
from k8snet_provision.resources.kube_object import CAPABILITY_LABEL, FIELD_MANAGER, GENERATED_LABEL, OWNED_LABEL
from k8snet_provision.seen import World
from k8snet_provision.topology.ingress import Ingress

DAYS = 1095
"""A certificate's life; its last third is when it is renewed."""

UNKNOWN_YET = "the CA that this run makes"

MAKE = r"""
work=$(mktemp -d) && trap 'rm -rf -- "$work"' EXIT && umask 077 && cd "$work" || exit 1
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>log || { cat log >&2; exit 1; }; }
try() { "$@" >log 2>&1 || { cat log >&2; exit 1; }; }
key ca.key; key tls.key
try openssl req -x509 -new -key ca.key -out ca.crt -days "$days" -subj "/CN=ingress-nginx webhook CA" \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
try openssl req -new -key tls.key -out tls.csr -subj "/CN=ingress-nginx webhook"
printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$name" >extensions
try openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -set_serial "0x01$(openssl rand -hex 15)" -days "$days" \
  -out tls.crt -extfile extensions
K -n "$namespace" get secret "$secret" --ignore-not-found -o 'jsonpath={.data.ca\.crt}' >before || exit 1
base64 -d <before | awk '/BEGIN CERTIFICATE/ && n++ { exit } { print }' >old.crt
cat ca.crt old.crt >bundle.crt
"""
"""sh that makes ca.crt, tls.crt and tls.key in $work, and bundle.crt of the new CA and the one before it."""

STORE = r"""
printf '{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/tls","metadata":{"name":"%s","namespace":"%s",
"labels":%s},"data":{"ca.crt":"%s","tls.crt":"%s","tls.key":"%s"}}' "$secret" "$namespace" "$labels" \
  "$(base64 -w 0 bundle.crt)" "$(base64 -w 0 tls.crt)" "$(base64 -w 0 tls.key)" |
  K apply --server-side --force-conflicts --field-manager="$manager" -f - >&2
"""

TRUST = r"""
K get validatingwebhookconfiguration "$secret" -o name >/dev/null 2>&1 && {
  printf '[{"op":"replace","path":"/webhooks/0/clientConfig/caBundle","value":"%s"}]' "$(base64 -w 0 bundle.crt)" >patch
  K patch validatingwebhookconfiguration "$secret" --type=json --field-manager="$manager" --patch-file patch >&2 ||
    exit 1
}
"""
"""The API server believes both CAs before a pod can show the new certificate."""

LABELS = f'{{"{OWNED_LABEL}":"{FIELD_MANAGER}","{CAPABILITY_LABEL}":"{OWNER}","{GENERATED_LABEL}":"true"}}'


def script(namespace: str, prelude: str) -> str:
    """sh for a control-plane host that makes a certificate and keeps it in the Secret, there or renewed."""
    values = assign(
        namespace=namespace,
        secret=WEBHOOK,
        name=f"{WEBHOOK}.{namespace}.svc",
        days=str(DAYS),
        labels=LABELS,
        manager=FIELD_MANAGER,
    )
    return f"{prelude}\n{values}{MAKE}{TRUST}{STORE}"


def bundle(world: World) -> str | None:
    """The CAs that the API server has to believe; None where the Secret is not there. Raises Unknown."""
    found = observed.webhook_certificate(world)
    return found[1] if found else None


def why_make(world: World, ingress: Ingress) -> str:
    """Why a certificate has to be made; empty while the one there will do. Raises Unknown."""
    found = observed.webhook_certificate(world)
    if found is None:
        return "there is none"
    now, authorities, text = found
    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
        believed = x509.load_pem_x509_certificates(authorities.encode())
    except ValueError:
        return "the one there cannot be read"
    if not _names(certificate, f"{WEBHOOK}.{ingress.namespace}.svc"):
        return "the one there is for another name"
    if not any(_issued(authority, certificate) for authority in believed):
        return "the one there is not of the CA beside it"
    ends = certificate.not_valid_after_utc
    life = ends - certificate.not_valid_before_utc
    seen = datetime.datetime.fromtimestamp(now, datetime.UTC)
    return f"the one there ends on {ends:%Y-%m-%d}" if ends - seen < life / 3 else ""


def _names(certificate: x509.Certificate, name: str) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return name in found.get_values_for_type(x509.DNSName)


def _issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def dry_create(namespace: str, class_name: str, prelude: str) -> str:
    """sh that passes when the API server can ask the webhook about an Ingress; nothing is created."""
    words: Sequence[str] = (
        "K -n", quote(namespace), "create ingress k8snet-provision-try", f"--class={quote(class_name)}",
        "'--rule=k8snet-provision.invalid/*=none:80' --dry-run=server",
    )  # fmt: skip
    return f"{prelude}\n{' '.join(words)} 2>&1"
