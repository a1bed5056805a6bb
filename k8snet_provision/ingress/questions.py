"""Requests that show whether a way in serves: hosts and paths of live Ingresses, asked until they are right in a row.

Nothing but bash and coreutils is needed on the host that asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from shlex import quote

from k8snet_provision.capability import NEVER
from k8snet_provision.ingress.doors import Door
from k8snet_provision.resources.kube_object import Manifest

MOST = 5
"""Hosts and paths that are asked, each of another Ingress where there are that many."""

IN_A_ROW = 10
APART = 0.2
"""Seconds between two rounds: 10 of them outlast the second in which nginx gets its first backends."""

WITHIN = 90
"""Seconds for the right answers, which wait for MetalLB's announcement at most."""

BROKEN_FOR = 20
"""Seconds after which a 502, 503 or 504 that nothing contradicts is taken for the application's own."""

NOWHERE = "k8snet-provision.invalid"
"""A host that no Ingress has: the controller's default server answers /healthz there."""

HOST = re.compile(r"[a-z0-9.-]+\Z")
PATH = re.compile(r"/[!-~]*\Z")


@dataclass(frozen=True)
class Question:
    host: str
    path: str


def questions(ingresses: Iterable[Manifest]) -> Sequence[Question]:
    """Of every Ingress its first host and path, then the second ones, up to MOST; each once."""
    by_ingress = [list(_of(item)) for item in ingresses]
    mixed = chain.from_iterable(zip_longest(*by_ingress))
    return list(islice(dict.fromkeys(question for question in mixed if question), MOST))


def _of(item: Manifest) -> Iterable[Question]:
    for rule in item["spec"].get("rules") or ():
        host = rule.get("host", "").replace("*", "k8snet-provision", 1)
        for path in [entry.get("path") or "/" for entry in (rule.get("http") or {}).get("paths") or ()] or ["/"]:
            if HOST.match(host) and PATH.match(path):
                yield Question(host, path)


ASK = r"""
status() {
  timeout 3 bash -c '
    exec 3<>"/dev/tcp/$0/$1" || exit 1
    [ "$2" != proxy ] || printf "PROXY UNKNOWN\r\n" >&3
    printf "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: k8snet-provision\r\nConnection: close\r\n\r\n" "$4" "$3" >&3
    read -r _ code _ <&3 && printf "%s" "${code:-none}"' "$@" 2>/dev/null || printf "none"
}
was() {
  for door in "${old[@]}"; do
    said=$(status $door "$1" "$2")
    [ "$said" = none ] || { printf "%s" "$said"; return; }
  done
}
right() {
  local seen=$1 before=$2 key=$3
  [ "$seen" != none ] || return 1
  if [ "$before" ]; then [ "$seen" = "$before" ]; return; fi
  case $seen in
    502 | 503 | 504) : "${broken[$key]:=$SECONDS}"; [ $((SECONDS - broken[$key])) -ge $broken_for ] ;;
    *) unset "broken[$key]" ;;
  esac
}
one_round() {
  local serving=0
  for door in "${new[@]}"; do
    local at=${door% *}
    at=${at// /:}
    said=$(status $door "$nowhere" /healthz)
    if [ "$said" = none ] && [ "$any" ]; then continue; fi
    saw="http://$at/healthz: $said"
    [ "$said" = 200 ] || return 1
    serving=1
    for i in "${!hosts[@]}"; do
      before=$(was "${hosts[i]}" "${paths[i]}")
      said=$(status $door "${hosts[i]}" "${paths[i]}")
      saw="http://${hosts[i]}${paths[i]} at $at: $said${before:+, the old way in answers $before}"
      right "$said" "$before" "$door $i" || return 1
    done
  done
  [ "$serving" = 1 ] || { saw="no connection to any of: ${new[*]% *}"; return 1; }
}
declare -A broken
row=0 saw=nothing
until [ $row -ge $in_a_row ]; do
  [ $SECONDS -lt $within ] || {
    echo "waited $within s for $in_a_row right answers in a row, had $row; last seen: $saw"; exit $never
  }
  if one_round; then row=$((row + 1)); else row=0; fi
  sleep $apart
done
echo "$row times in a row: $saw"
"""


def script(
    asked: Sequence[Question], new: Sequence[Door], old: Sequence[Door], *, any_door: bool, within: int = WITHIN
) -> str:
    """sh that passes once every door answers rightly IN_A_ROW times.

    Right is what the old doors answer at the same time; without one that answers, anything a proxy says on
    behalf of an application. `any_door`: those without a connection are nodes without a pod, and are left out.
    """
    text = "\n".join(
        (
            f"in_a_row={IN_A_ROW} apart={APART} within={within} broken_for={BROKEN_FOR} never={NEVER}",
            f"nowhere={NOWHERE} any={'yes' if any_door else ''}",
            _array("hosts", [question.host for question in asked]),
            _array("paths", [question.path for question in asked]),
            _array("new", map(str, new)),
            _array("old", map(str, old)),
            ASK,
        )
    )
    return f"""command -v bash >/dev/null 2>&1 || {{ echo "no bash on this host to ask with"; exit {NEVER}; }}
exec bash -c {quote(text)}"""


def _array(name: str, values: Iterable[str]) -> str:
    return f"{name}=({' '.join(map(quote, values))})"
