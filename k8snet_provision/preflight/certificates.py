"""The certificates that a host's Kubernetes programs work with: until when each is valid.

The host sends certificates only. A private key in the same file stays there: no line outside of a whole
certificate's block is printed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509

from k8snet_provision.preflight.codes import Code
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.resources.probe import HostSeen, Probe, Unknown

KEY = "preflight:certificates"

AHEAD = timedelta(days=30)
"""How long a certificate must still be valid."""

BY_HAND, BY_ITSELF, UNCHECKED, AUTHORITY = "renewed", "rotated", "self-made", "authority"
"""How a certificate is renewed. The kubelet makes its own serving certificate (`self-made`) where it is given none;
no API server checks that one unless it is told to (--kubelet-certificate-authority)."""

SERVING, SERVED = "kube-apiserver serving", "kube-apiserver as served"
"""What the API server was given as a file, and what it shows to who connects."""

SCRIPT = r"""
set -f
cr=$(printf '\r')
pem() {
  block=
  head -c 1048576 -- "$1" | while IFS= read -r line || [ "$line" ]; do
    line=${line%"$cr"}
    case $line in
      "-----BEGIN CERTIFICATE-----") block=$line ;;
      "-----END CERTIFICATE-----") [ -z "$block" ] || printf '%s\n%s\n' "$block" "$line"; block= ;;
      '' | *[!A-Za-z0-9+/=]*) block= ;;
      *) [ -z "$block" ] || block="$block
$line" ;;
    esac
  done
}
header() { printf '=%s\037%s\037%s\037%s\n' "$1" "$2" "$3" "$4"; }
# HOW WHAT PATH
certificate() {
  [ "$3" ] || return 0
  if [ -r "$3" ] && [ -f "$3" ]; then header "$1" "$2" "$3" ""; pem "$3"
  else header "$1" "$2" "$3" "it cannot be read"; fi
}
# WHAT PATH: the client certificates of a kubeconfig, in it or named by it
kubeconfig() {
  [ "$2" ] || return 0
  [ -r "$2" ] || { header renewed "$1" "$2" "it cannot be read"; return; }
  head -c 1048576 -- "$2" | sed -n 's/.*client-certificate-data"\{0,1\}: *"\{0,1\}\([A-Za-z0-9+\/=]*\).*/\1/p' |
  while read -r data || [ "$data" ]; do
    header renewed "$1" "$2" ""; printf '%s\n' "$data"
  done
  for named in $(head -c 1048576 -- "$2" | sed -n 's/.*client-certificate"\{0,1\}: *"\{0,1\}\([^" ]*\).*/\1/p'); do
    case $named in /*) ;; *) named=${2%/*}/$named ;; esac
    how=renewed; case $named in */kubelet-client-current.pem) how=rotated ;; esac
    certificate "$how" "$1" "$named"
  done
}
for pid in $(pids kube-apiserver); do
  serving=$(flag "$pid" tls-cert-file)
  [ "$serving" ] || serving=$(d=$(flag "$pid" cert-dir); printf '%s' "${d:-/var/run/kubernetes}/apiserver.crt")
  foreign "$pid" "$serving" && continue
  certificate renewed "kube-apiserver serving" "$serving"
  certificate renewed "kube-apiserver client of kubelets" "$(flag "$pid" kubelet-client-certificate)"
  certificate renewed "front-proxy client" "$(flag "$pid" proxy-client-cert-file)"
  certificate renewed "kube-apiserver client of etcd" "$(flag "$pid" etcd-certfile)"
  certificate authority "CA of clients" "$(flag "$pid" client-ca-file)"
  certificate authority "CA of the front proxy" "$(flag "$pid" requestheader-client-ca-file)"
  certificate authority "CA of etcd" "$(flag "$pid" etcd-cafile)"
done
for pid in $(pids etcd); do
  serving=$(etcd_setting "$pid" cert-file)
  [ -z "$serving" ] || foreign "$pid" "$serving" || {
    certificate renewed "etcd server" "$serving"
    certificate renewed "etcd peer" "$(etcd_setting "$pid" peer-cert-file)"
  }
done
for pid in $(pids kubelet); do
  config=$(flag "$pid" kubeconfig)
  [ -z "$config" ] || { foreign "$pid" "$config" && continue; }
  kubeconfig "kubelet client" "$config"
  serving=$(flag "$pid" tls-cert-file); config=$(flag "$pid" config)
  [ "$serving" ] || [ -z "$config" ] || serving=$(yaml "$config" tlsCertFile)
  dir=$(flag "$pid" cert-dir); dir=${dir:-/var/lib/kubelet/pki}
  if [ "$serving" ]; then certificate renewed "kubelet serving" "$serving"
  elif [ -e "$dir/kubelet-server-current.pem" ]; then
    certificate rotated "kubelet serving" "$dir/kubelet-server-current.pem"
  elif [ -e "$dir/kubelet.crt" ]; then certificate self-made "kubelet serving" "$dir/kubelet.crt"; fi
done
for name in kube-controller-manager kube-scheduler kube-proxy; do
  for pid in $(pids "$name"); do
    config=$(flag "$pid" kubeconfig)
    [ -z "$config" ] || foreign "$pid" "$config" || kubeconfig "$name client" "$config"
  done
done
"""


SERVED_SCRIPT = r"""
served() {
  why=; said=$(timeout 5 openssl s_client -connect "$1" </dev/null 2>/dev/null | pem /dev/stdin)
  [ "$said" ] || why="no TLS handshake within 5 s"
  command -v openssl >/dev/null || why="openssl is not installed"
  header renewed "kube-apiserver as served" "$1" "$why"; printf '%s\n' "$said"
}
for pid in $(pids kube-apiserver); do
  serving=$(flag "$pid" tls-cert-file)
  [ -z "$serving" ] || { foreign "$pid" "$serving" && continue; }
  address=$(flag "$pid" bind-address); port=$(flag "$pid" secure-port)
  case $address in '' | 0.0.0.0 | ::) address=127.0.0.1 ;; *:*) address="[$address]" ;; esac
  served "$address:${port:-6443}"
done
"""
"""What each API server of the host shows to who connects to its own address, in the words of SCRIPT."""


@dataclass(frozen=True)
class Found:
    """One certificate; `how` it is renewed, `what` it is for, times in UTC."""

    how: str
    what: str
    path: str
    begins: datetime
    ends: datetime
    certificate: x509.Certificate | None = field(default=None, compare=False, repr=False)

    @property
    def ahead(self) -> timedelta:
        """How long before its end it is a problem.

        One that lives for days is renewed by a program, and cannot be valid for a month. The kubelet renews its own
        when 70 to 90 % of their time are over (client-go, util/certificate, jitteryDuration).
        """
        return min(AHEAD, (self.ends - self.begins) / (10 if self.how == BY_ITSELF else 3))


def probe(control_plane: bool, prelude: str) -> Probe:
    """On a control plane the administrator's kubeconfig, through which changes go, is looked at too."""
    if not control_plane:
        return Probe(KEY, SCRIPT)
    find = f'{{ {prelude}\nprintf %s "$c"; }} 2>/dev/null'
    asked = f'{SCRIPT}\nc=$( {find} ) && kubeconfig "administrator" "$c"\n:'
    return Probe(KEY, asked)


def read(seen: HostSeen) -> tuple[list[Found], list[Unknown]]:
    """Each certificate once, and what could not be read of them; raises Unknown where nothing was said."""
    found: dict[tuple[str, datetime], Found] = {}
    unknown: dict[str, Unknown] = {}
    for how, what, path, why, body in _answers(seen.text(KEY) or ""):
        try:
            if why:
                raise ValueError(why)
            one = _found(how, what, path, body)
            found[path, one.ends] = one
        except ValueError as error:
            unknown[path] = Unknown(seen.host, f"{what} certificate {path}", str(error))
    return list(found.values()), list(unknown.values())


def _answers(said: str) -> Iterator[list[str]]:
    """[how, what, path, why it could not be read, what was read of it] of each."""
    answers: list[list[str]] = []
    for line in said.splitlines():
        if line.startswith("=") and line.count("\x1f") == 3:
            answers.append([*line.removeprefix("=").split("\x1f"), ""])
        elif answers:
            answers[-1][-1] += f"{line}\n"
    yield from answers


def _found(how: str, what: str, path: str, body: str) -> Found:
    """Of an authority's bundle the one that ends last, since an old one may stay beside it; else the first one."""
    loaded = _load(body)
    chosen = max(loaded, key=lambda item: item.not_valid_after_utc) if how == AUTHORITY else loaded[0]
    return Found(how, what, path, chosen.not_valid_before_utc, chosen.not_valid_after_utc, chosen)


def _load(body: str) -> list[x509.Certificate]:
    """PEM, or PEM in base64 as a kubeconfig holds it; raises ValueError."""
    try:
        text = body.encode() if body.startswith("-----") else base64.b64decode(body.strip(), validate=True)
        return x509.load_pem_x509_certificates(text)
    except (ValueError, binascii.Error):
        raise ValueError("it holds no certificate in PEM form") from None


def problems(host: str, found: Iterable[Found], now: datetime) -> Iterator[Problem]:
    """Those that are not valid now, or not for long."""
    for one in found:
        text = f"{one.what} certificate {one.path}"
        if now < one.begins:
            yield _problem(Code.EXPIRED, host, one, f"{text} is not valid yet", f"from {_day(one.begins)}")
        elif now >= one.ends:
            yield _problem(Code.EXPIRED, host, one, f"{text} has expired", f"valid until {_day(one.ends)}")
        elif now + one.ahead > one.ends:
            yield _problem(Code.EXPIRES, host, one, f"{text} ends soon", f"valid until {_day(one.ends)}")


def _problem(code: Code, host: str, one: Found, text: str, seen: str) -> Problem:
    days = one.ahead.total_seconds() / 86400
    hint = {
        BY_ITSELF: "the kubelet renews it by itself: see its log, and whether its requests are signed "
        "(kubectl get csr)",
        UNCHECKED: "no API server checks it unless --kubelet-certificate-authority is given; the kubelet makes another "
        "one when it is removed and the kubelet restarted",
    }.get(one.how, "renew it before the change window (kubeadm certs renew, or as it was issued)")
    expected = f"valid now and for {days:.3g} more days"
    severity = Severity.WARNING if one.how == UNCHECKED else Severity.ERROR
    return Problem(code, text, host, seen, expected, hint, severity)


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
