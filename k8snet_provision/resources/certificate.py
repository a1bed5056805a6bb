"""The apiserver's serving certificate: the names it holds, the CA that issued it, and the change to other names.

The text of a change is what a person would compare: issuer, subject and names. Expiry and serial number are
left out, so a renewed certificate with the same names is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from shlex import quote

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID

from k8snet_provision.change import Change, Kind
from k8snet_provision.resources.file import SEND_FILE, File, unpack
from k8snet_provision.resources.probe import ABSENT_CODE, HostSeen, Probe, Unknown

KEY = "certificate:kube-apiserver"

NAME_KINDS: dict[type[x509.GeneralName], str] = {
    x509.DNSName: "DNS",
    x509.IPAddress: "IP",
    x509.UniformResourceIdentifier: "URI",
    x509.RFC822Name: "email",
}
"""openssl's words for what a subject alternative name can be."""


@dataclass(frozen=True)
class Authority:
    """A CA on the host; `key` is empty where its private key is not there."""

    certificate: str
    key: str


@dataclass(frozen=True)
class Certificate:
    """`names` are sorted, as `DNS:kubernetes` and `IP:10.96.0.1`; `days` is the period it was issued for.

    `authority` is the CA on the host that issued it, None when there is none; `openssl` says whether the
    host can issue another. `usages` are openssl's words for the extended key usages.
    """

    file: File
    key: str
    issuer: str
    subject: str
    names: tuple[str, ...]
    usages: tuple[str, ...]
    days: int
    authority: Authority | None
    openssl: bool


FLAGS = """
words() {
  for p in /proc/[0-9]*/cmdline; do
    IFS= read -r line <"$p" 2>/dev/null
    case $line in *"$1"*) ;; *) continue ;; esac
    argv=$(tr '\\0' '\\n' <"$p") || continue
    first=$(printf '%s\\n' "$argv" | head -n 1)
    [ "${first##*/}" = "$1" ] && { printf '%s\\n' "$argv"; return; }
  done
  { systemctl cat -- "$2"; cat -- "$3"; } 2>/dev/null | tr " \\"'\\\\\\\\" '\\n\\n\\n\\n'
}
flag() { printf '%s\\n' "$1" | sed -n "/^--$2\\$/{n;p;}; s/^--$2=//p" | tail -n 1; }
"""
"""sh functions: `words PROGRAM UNIT MANIFEST`, its command line word by word, and `flag WORDS NAME`."""


def probe(apiserver: tuple[str, str], controller_manager: tuple[str, str]) -> Probe:
    """Each program's (unit, manifest): its flags are read from the running process, else from these.

    A CA is looked for beside the certificate and where the controller manager signs. Private keys are only
    tested for being there: they are never read.
    """

    def flags(program: str, sources: tuple[str, str]) -> str:
        return f"$(words {program} {quote(sources[0] + '.service')} {quote(sources[1])})"

    return Probe(
        KEY,
        f"""{SEND_FILE}{FLAGS}api={flags("kube-apiserver", apiserver)}
manager={flags("kube-controller-manager", controller_manager)}
crt=$(flag "$api" tls-cert-file)
[ "$crt" ] || exit {ABSENT_CODE}
dir=${{crt%/*}}
printf 'openssl=%s\\nkey=%s\\n' "$(command -v openssl)" "$(flag "$api" tls-private-key-file)"
authorities=
authority() {{
  [ "$1" ] && [ -f "$1" ] || return 0
  authorities="$authorities$1
"
  key=$2; [ -s "$key" ] || key=
  printf 'authority=%s\\037%s\\n' "$1" "$key"
}}
authority "$(flag "$manager" cluster-signing-cert-file)" "$(flag "$manager" cluster-signing-key-file)"
authority "$dir/ca.crt" "$dir/ca.key"
authority "$dir/ca.pem" "$dir/ca-key.pem"
authority "$(flag "$api" client-ca-file)" ""
echo
send_file "$crt" || exit $?
printf '%s' "$authorities" | while IFS= read -r ca; do send_file "$ca" || exit 1; done
""",
    )


def read(seen: HostSeen) -> Certificate | None:
    """The certificate, None where the apiserver names none; raises Unknown."""
    data = seen.data(KEY)
    if data is None:
        return None
    head, _, rest = data.partition(b"\n\n")
    values = [line.split("=", 1) for line in head.decode("utf-8", "replace").splitlines()]
    serving, *authorities = unpack(seen.host, rest)
    leaf = _first(seen.host, serving)
    keys: dict[str, str] = {}
    for name, value in values:
        if name == "authority":
            path, key = value.split("\x1f")
            keys[path] = keys.get(path) or key
    issued = [found.path for found in authorities if _issued(_first(seen.host, found), leaf)]
    best = next((path for path in issued if keys.get(path)), issued[0] if issued else None)
    return Certificate(
        file=serving,
        key=dict(values).get("key", ""),
        issuer=leaf.issuer.rfc4514_string(),
        subject=leaf.subject.rfc4514_string(),
        names=names_of(leaf),
        usages=tuple(_usages(leaf)),
        days=max(1, (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days),
        authority=Authority(best, keys.get(best, "")) if best else None,
        openssl=bool(dict(values).get("openssl")),
    )


def _first(host: str, found: File) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(found.content)[0]
    except ValueError as error:
        raise Unknown(host, found.path, f"it is no certificate in PEM form: {error}") from None


def _issued(authority: x509.Certificate, leaf: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def names_of(leaf: x509.Certificate) -> tuple[str, ...]:
    """The names it is for, as `DNS:kubernetes`, sorted."""
    return tuple(sorted(_names(leaf)))


def _names(leaf: x509.Certificate) -> Iterator[str]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    for name in found:
        yield f"{NAME_KINDS.get(type(name), 'other')}:{name.value}"


def _usages(leaf: x509.Certificate) -> Iterator[str]:
    yield "serverAuth"
    try:
        found = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if ExtendedKeyUsageOID.CLIENT_AUTH in found:
        yield "clientAuth"


def text(certificate: Certificate, names: Iterable[str]) -> str:
    return "\n".join((f"issuer: {certificate.issuer}", f"subject: {certificate.subject}", *sorted(names), ""))


def change(phase: str, host: str, found: Certificate, missing: Iterable[str], because: str) -> Iterator[Change]:
    """The certificate with the missing names added, if any are missing; all names it has are kept."""
    wanted = tuple(sorted({*found.names, *missing}))
    if wanted == found.names or found.authority is None:
        return
    details = {
        "key": found.key,
        "authority": found.authority.certificate,
        "authority_key": found.authority.key,
        "days": str(found.days),
        "usages": ",".join(found.usages),
        "before_names": ",".join(found.names),
        "after_names": ",".join(wanted),
        "before_sha256": found.file.sha256,
    }
    yield Change(
        phase,
        host,
        Kind.CERTIFICATE,
        found.file.path,
        text(found, found.names),
        text(found, wanted),
        details,
        because=because,
    )


def missing(found: Certificate, names: Iterable[str]) -> tuple[str, ...]:
    """Those of `names` that the certificate does not hold; addresses are compared as addresses."""
    held = {_canonical(name) for name in found.names}
    return tuple(name for name in names if _canonical(name) not in held)


def _canonical(name: str) -> str:
    kind, _, value = name.partition(":")
    return f"IP:{ip_address(value)}" if kind == "IP" else name
