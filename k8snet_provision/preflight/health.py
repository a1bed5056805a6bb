"""Whether a control plane works: its API server is ready, and every member of etcd that it relies on is healthy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from k8snet_provision.change import CLUSTER
from k8snet_provision.preflight.codes import Code
from k8snet_provision.problems import Problem
from k8snet_provision.resources.probe import HostSeen, Probe, Unknown

APISERVER, ETCD = "preflight:apiserver", "preflight:etcd"

READY = "ok"

_OURS = """
ours=
for pid in $(pids kube-apiserver); do
  serving=$(flag "$pid" tls-cert-file)
  [ "$serving" ] && foreign "$pid" "$serving" || ours=$pid
done
"""

_APISERVER = """
[ "$ours" ] || { echo "no kube-apiserver runs"; exit; }
address=$(flag "$ours" bind-address); port=$(flag "$ours" secure-port)
case $address in '' | 0.0.0.0 | ::) address=127.0.0.1 ;; *:*) address="[$address]" ;; esac
url=https://$address:${port:-6443}
if command -v curl >/dev/null 2>&1; then
  said=$(curl --noproxy '*' -skS -m 5 -w '\\n%{http_code}' "$url/readyz?verbose" 2>&1); code=${said##*
}
  case $code in
    200) echo ok; exit ;;
    401 | 403) ;;
    *) printf '%s' "${said%???}"; exit ;;
  esac
fi
"""
"""curl asks as a stranger; where strangers get no answer, or there is no curl, kubectl asks."""

_BY_KUBECTL = """
said=$(K --server="$url" --tls-server-name=kubernetes get --raw '/readyz?verbose' 2>&1) && { echo ok; exit; }
printf '%s' "$said"
"""

_ETCD = """
[ "$ours" ] || exit 4
crt=$(flag "$ours" etcd-certfile); key=$(flag "$ours" etcd-keyfile); ca=$(flag "$ours" etcd-cafile)
ask() {
  said= code=127
  if command -v curl >/dev/null 2>&1; then
    said=$(curl --noproxy '*' -sS -m 3 ${ca:+--cacert "$ca"} ${crt:+--cert "$crt" --key "$key"} "$1/health" 2>&1)
    code=$?
  fi
  # Refused, or silent for 3 s: it would be to kubectl, too. All else may be curl's own trouble with the certificate.
  case $code,$said in 7,* | 28,* | *'"health"'*) ;; *)
    if [ "$k" ]; then
      said=$(timeout 5 "$k" --kubeconfig /dev/null --server "$1" ${ca:+--certificate-authority "$ca"} \
        ${crt:+--client-certificate "$crt" --client-key "$key"} --request-timeout=4s get --raw /health 2>&1)
    elif [ -z "$said" ]; then said="there is neither curl nor kubectl to ask it"; fi ;;
  esac
  printf '%s\\037%s\\n' "$1" "$(printf '%s' "$said" | tr '\\n' ' ')"
}
servers=$(flag "$ours" etcd-servers | tr ',' '\\n')
[ "$servers" ] || { echo "kube-apiserver is given no --etcd-servers"; exit 1; }
# shellcheck disable=SC2046
for url in $servers; do ask "$url" & done
wait
"""
"""A member answers /health with its own view: of the cluster's leader and of alarms."""


def probes(prelude: str) -> tuple[Probe, Probe]:
    """`prelude` is the sh that defines kubectl as K; etcd is asked without a kubeconfig, with the API server's own
    certificate: no key leaves its file."""
    find = f'k=$( {{ {prelude}\nprintf %s "$k"; }} 2>/dev/null ) || k=\n'
    return Probe(APISERVER, f"{_OURS}{_APISERVER}{prelude}{_BY_KUBECTL}"), Probe(ETCD, f"{_OURS}{find}{_ETCD}")


def apiserver_problems(seen: HostSeen) -> Iterator[Problem]:
    """Raises Unknown."""
    said = (seen.text(APISERVER) or "").strip()
    if said == READY:
        return
    failed = [line.removeprefix("[-]") for line in said.splitlines() if line.startswith("[-]")]
    found = "; ".join(failed) or " ".join(said.split())[-300:] or "no answer"
    hint = "see its log: a run changes one API server after another, and the others must carry the cluster meanwhile"
    yield Problem(Code.APISERVER, "the API server is not ready", seen.host, found, "/readyz answers ok", hint)


@dataclass(frozen=True)
class Answer:
    """What one member of etcd said to one control plane; `why` is empty where it is healthy."""

    url: str
    asker: str
    why: str


def answers(seen: HostSeen) -> list[Answer]:
    """None where no API server runs; raises Unknown."""
    lines = [line.split("\x1f", 1) for line in (seen.text(ETCD) or "").splitlines()]
    return [Answer(line[0], seen.host, _why(line[1])) for line in lines if len(line) == 2]


def _why(said: str) -> str:
    try:
        answer = json.loads(said)
        if answer["health"] in ("true", True):
            return ""
        return str(answer.get("reason") or "it says that it is not healthy")
    except (ValueError, KeyError, TypeError, AttributeError):
        return " ".join(said.split())[-200:] or "no answer"


def etcd_problems(found: Sequence[Answer], addresses: Mapping[str, str]) -> Iterator[Problem]:
    """One for each member; where only some control planes do not reach it, it is they that are named."""
    hosts = {address: host for host, address in addresses.items()}
    for url in dict.fromkeys(answer.url for answer in found):
        asked = [answer for answer in found if answer.url == url]
        failed = [answer for answer in asked if answer.why]
        address = urlsplit(url).hostname or ""
        local = address in ("127.0.0.1", "::1", "localhost")
        if failed and len(failed) == len(asked) and not local:
            yield _unhealthy(hosts.get(address, CLUSTER), url, failed[0].why)
        else:
            yield from (_unhealthy(answer.asker, url, answer.why) for answer in failed)


def _unhealthy(where: str, url: str, why: str) -> Problem:
    text = f"etcd at {url} is not healthy"
    hint = "without it the loss of one more member may stop the cluster: see its log and `etcdctl endpoint health`"
    return Problem(Code.ETCD, text, where, why, "/health answers true", hint)


def silent(found: Sequence[Answer]) -> Unknown | None:
    """Nobody could be asked about etcd at all."""
    return None if found else Unknown(CLUSTER, "etcd", "no API server runs whose etcd could be asked")
