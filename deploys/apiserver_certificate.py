"""The apiserver's serving certificate holds the address that Pods call it by: the first one of the range.

It is issued on the host from the cluster's CA with the key that is there; no key leaves the host or is copied.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from k8snet_provision.change import Change, Kind
from k8snet_provision.engine.carry_out import BACKUPS
from k8snet_provision.engine.script import Script
from k8snet_provision.engine.shell import CONFLICT, DIE, STAGE, assign
from k8snet_provision.problems import Problem
from k8snet_provision.resources import certificate
from k8snet_provision.resources.certificate import Certificate
from k8snet_provision.seen import World

NOT_GIVEN = "K8N273"
NO_AUTHORITY = "K8N274"
NO_OPENSSL = "K8N275"
STRANGE_NAME = "K8N276"

_NAME = re.compile(
    r"(DNS:[A-Za-z0-9*_.-]+|IP:[0-9a-fA-F.:]+|URI:[A-Za-z0-9:/?#@!&'()*+;=._~%-]+|email:[A-Za-z0-9@._+-]+)\Z"
)


def names(world: World) -> tuple[str, ...]:
    """What Pods call the API by (kubeadm's implementation details list the same)."""
    domain = world.topology.cluster_domain
    return (
        "DNS:kubernetes",
        "DNS:kubernetes.default",
        "DNS:kubernetes.default.svc",
        f"DNS:kubernetes.default.svc.{domain}",
        f"IP:{world.topology.first_service_address}",
    )


def changes(world: World, phase: str, host: str) -> Iterator[Change]:
    found = certificate.read(world.host(host))
    if found is not None:
        missing = certificate.missing(found, names(world))
        yield from certificate.change(phase, host, found, missing, because="issued on the host by the cluster's CA")


def problems(world: World, host: str) -> Iterator[Problem]:
    """Why the certificate cannot be issued, where it has to be."""
    found = certificate.read(world.host(host))
    if found is None:
        yield Problem(
            NOT_GIVEN,
            "the apiserver is not given its serving certificate, so it cannot be made to hold the new address",
            host,
            expected="--tls-cert-file and --tls-private-key-file on kube-apiserver",
        )
    elif certificate.missing(found, names(world)):
        yield from _cannot_issue(host, found)


def _cannot_issue(host: str, found: Certificate) -> Iterator[Problem]:
    path = found.file.path
    if found.authority is None:
        yield Problem(
            NO_AUTHORITY,
            f"the CA that issued {path} is not on this host",
            host,
            found=found.issuer,
            expected="its ca.crt and ca.key beside the certificate",
            hint="have the certificate issued where the CA is, with the names that are missing, and run diff again",
        )
    elif not found.authority.key or not found.key:
        lacking = found.key and found.authority.certificate
        yield Problem(
            NO_AUTHORITY,
            f"the private key of {lacking or path} is not on this host",
            host,
            hint="put the key there for this run, or have the certificate issued elsewhere",
        )
    if not found.openssl:
        yield Problem(NO_OPENSSL, f"openssl is needed to issue {path} and is not on this host", host)
    for name in found.names:
        if not _NAME.match(name):
            yield Problem(STRANGE_NAME, f"{path} holds a name that cannot be carried over", host, found=name)


KEEP = f"""(mkdir -p -- {BACKUPS} && chmod 700 -- {BACKUPS} && cp -p -- "$crt" {BACKUPS}/"${{crt##*/}}-${{now%% *}}") ||
  die 1 "$crt: cannot be backed up"
"""
"""sh that keeps the certificate by its digest, as it is; its key stays where it is and is never replaced."""

ISSUE = (
    DIE
    + STAGE
    + f"""
umask 077
work=$(stage_in "${{crt%/*}}") || die 1 "$crt: nothing can be staged beside it"
trap 'rm -rf -- "$work"' EXIT
trap 'exit 129' HUP INT TERM
cat >"$work/extensions"
now=$(sha256sum <"$crt") || die 1 "$crt: cannot be read"
[ -z "$seen" ] || [ "${{now%% *}}" = "$seen" ] || die {CONFLICT} "$crt: changed since it was observed"
tell() {{ "$@" </dev/null 2>"$work/said" || die 1 "$crt: $(tail -n 3 "$work/said" | tr '\\n' ' ')"; }}
tell openssl x509 -x509toreq -in "$crt" -signkey "$key" -out "$work/request"
tell openssl x509 -req -in "$work/request" -CA "$authority" -CAkey "$authority_key" -passin pass: \\
  -set_serial "0x$(od -An -N15 -tx1 /dev/urandom | tr -d ' \\n' | sed 's/^./4/')" \\
  -days "$days" -sha256 -extfile "$work/extensions" -out "$work/new"
tell openssl verify -CAfile "$authority" "$work/new"
[ "$(openssl x509 -in "$work/new" -noout -pubkey)" = "$(openssl x509 -in "$crt" -noout -pubkey)" ] ||
  die 1 "$crt: the key in $key is not the certificate's"
awk '/-----BEGIN CERTIFICATE-----/ {{ n++ }} n > 1' "$crt" >>"$work/new"
chown --reference="$crt" -- "$work/new" && chmod --reference="$crt" -- "$work/new" || die 1 "$crt: owner not set"
{KEEP}
sync -- "$work/new"
mv -fT -- "$work/new" "$crt" || die 1 "$crt: cannot be replaced"
"""
)

RESTORE = (
    DIE
    + STAGE
    + f"""
umask 077
now=$(sha256sum <"$crt") || die 1 "$crt: cannot be read"
[ "${{now%% *}}" != "$kept" ] || exit 0
from={BACKUPS}/"${{crt##*/}}-$kept"
work=$(stage_in "${{crt%/*}}") || die 1 "$crt: nothing can be staged beside it"
trap 'rm -rf -- "$work"' EXIT
trap 'exit 129' HUP INT TERM
cp -p -- "$from" "$work/new" && was=$(sha256sum <"$work/new") && [ "${{was%% *}}" = "$kept" ] ||
  die 1 "$from: the certificate that was kept there is not to be had"
[ "$(openssl x509 -in "$work/new" -noout -pubkey)" = "$(openssl x509 -in "$crt" -noout -pubkey)" ] ||
  die 1 "$crt: its key is another by now"
{KEEP}
sync -- "$work/new"
mv -fT -- "$work/new" "$crt" || die 1 "$crt: cannot be replaced"
"""
)


def issue(change: Change) -> Script:
    """The step that replaces the certificate by one with the names after the change, at once and whole.

    The running apiserver sees the new file and serves it without a restart.
    """
    details = change.details
    values = assign(
        crt=change.name,
        key=details["key"],
        authority=details["authority"],
        authority_key=details["authority_key"],
        days=details["days"],
        seen=details.get("before_sha256", ""),
    )
    return Script(values + ISSUE, stdin=extensions(details["after_names"], details["usages"]).encode(), timeout=60)


def undone(changes: Iterable[Change]) -> Iterator[Change]:
    """The certificate as it was, byte for byte."""
    for change in changes:
        if change.kind is Kind.CERTIFICATE and ("before_sha256" in change.details or is_kept(change)):
            yield replace(
                change.inverted(), because="" if is_kept(change) else "kept on the host since it was replaced"
            )


def is_kept(change: Change) -> bool:
    """Whether what the change brings lies on the host already."""
    return "after_sha256" in change.details


def restore(change: Change) -> Script:
    """The step that brings back the certificate that was replaced; the running apiserver serves it at once."""
    return Script(assign(crt=change.name, kept=change.details["after_sha256"]) + RESTORE, timeout=60)


def extensions(names: str, usages: str) -> str:
    """openssl's extension file (x509v3_config); names are matched by a strict pattern before."""
    lines = [
        "basicConstraints=critical,CA:FALSE",
        "keyUsage=critical,digitalSignature,keyEncipherment",
        f"extendedKeyUsage={usages}",
        "authorityKeyIdentifier=keyid",
        "subjectAltName=@names",
        "[names]",
    ]
    for index, name in enumerate(names.split(",")):
        kind, _, value = name.partition(":")
        lines.append(f"{kind}.{index}={value}")
    return "\n".join((*lines, ""))
