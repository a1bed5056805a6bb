"""Moving clients from one way in to another: who writes the status, what it says, and when the old one is quiet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from shlex import quote
from typing import Protocol

from k8snet_provision.capability import NEVER
from k8snet_provision.engine.shell import assign
from k8snet_provision.ingress.controller import LEASE


class Served(Protocol):
    """Which Ingresses a controller serves: those of its class, and those without any where it is the default."""

    @property
    def class_name(self) -> str: ...
    @property
    def default_class(self) -> bool: ...


STATUS_WITHIN = 90
"""Seconds for the status of Ingresses: the controller looks at the Lease every 7.5 s (its RetryPeriod), and
writes every status again once a minute."""

PODS = (
    "jsonpath={range .items[*]}{.metadata.name} {.metadata.deletionTimestamp}"
    '{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
)
STATUSES = (
    "jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}|{.spec.ingressClassName}|"
    "{.metadata.annotations.kubernetes\\.io/ingress\\.class}|{.status.loadBalancer.ingress[*].ip}"
    '{"\\n"}{end}'
)

HAND_OVER = r"""
ready=$(K -n "$namespace" get pods -l "$selector" -o "$pods" | awk '$2 == "True" { print $1 }')
[ "$ready" ] || { echo "no pod of the new way in is Ready" >&2; exit 1; }
held=$(K -n "$namespace" get lease "$lease" --ignore-not-found -o 'jsonpath={.metadata.name} {.spec.holderIdentity}')
[ "$held" ] || exit 0
for pod in $ready; do [ "$held" != "$lease $pod" ] || exit 0; done
pod=$(printf '%s\n' "$ready" | head -n 1)
K -n "$namespace" patch lease "$lease" --type=merge -p "{\"spec\":{\"holderIdentity\":\"$pod\"}}" >&2
"""
"""client-go's leader election believes what the Lease says: the pod that is named there goes on as the holder, the
old one gives up at its next renewal. Left alone, the old one would hold it until it is gone, and 30 s more."""

SHOWN = r"""
shown() {
  K get ingresses -A -o "$statuses" |
    awk -F '|' -v class="$class" -v classless="$classless" -v wanted="$wanted" '
      { name = $2 ? $2 : $3 }
      (name ? name == class : classless) && $4 {
        n = split($4, has, " "); m = split(wanted, need, " "); same = (n == m)
        for (i in has) { there = 0; for (j in need) if (need[j] == has[i]) there = 1; if (!there) same = 0 }
        if (!same) { print "the status of Ingress " $1 " is " $4; bad = 1 }
      }
      END { exit bad }' | head -n 1
}
"""
"""sh function `shown`: prints the first Ingress of $class whose status is not $wanted (addresses, in any order)."""

WAIT_SHOWN = r"""
ends=$(($(date +%s) + within))
while saw=$(shown) && [ "$saw" ]; do
  [ "$(date +%s)" -lt "$ends" ] || { echo "waited $within s for the new addresses in it; $saw" >&2; exit 1; }
  sleep 0.5
done
"""

COUNT = r"""
count() {
  pods=$(K -n "$1" get pods -l "$2" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}') || return 1
  for pod in $pods; do
    K get --raw "/api/v1/namespaces/$1/pods/$pod:10254/proxy/metrics" >"$work/metrics" 2>"$work/why" ||
      { echo "$pod: $(tail -n 1 "$work/why" | cut -c1-300)" >"$work/silent"; return 1; }
    grep '^nginx_ingress_controller_requests{' "$work/metrics"
  done | awk '{ sum += $NF } END { printf "%.0f\n", sum }'
}
"""
"""sh function `count NAMESPACE SELECTOR`: all requests that these pods have answered."""

QUIET = r"""
work=$(mktemp -d) && trap 'rm -rf -- "$work"' EXIT || exit 1
ends=$(($(date +%s) + deadline)) since=$(date +%s) last=
while :; do
  : >"$work/silent"
  now=$(counts)
  [ ! -s "$work/silent" ] || now="unknown ($(cat "$work/silent"))"
  case $now in unknown*) since=$(date +%s) ;; *) [ "$now" = "$last" ] || since=$(date +%s) ;; esac
  quiet_for=$(($(date +%s) - since))
  [ "$now" != "$last" ] && before=$last && last=$now
  [ "$quiet_for" -lt "$quiet" ] || case $now in unknown*) ;; *)
    echo "no request for $quiet_for s"; exit 0 ;;
  esac
  [ "$(date +%s)" -lt "$ends" ] || {
    echo "the old way in has not been quiet for $quiet s within $deadline s, so it stays: requests $before, then $now"
    exit $never
  }
  sleep 1
done
"""


def hand_over(prelude: str, namespace: str, selector: str) -> str:
    """sh that makes a Ready pod of `selector` the writer of the Ingresses' status."""
    return f"{prelude}\n{assign(namespace=namespace, selector=selector, lease=LEASE, pods=PODS)}{HAND_OVER}"


def wait_for_status(prelude: str, ingress: Served, wanted: Sequence[str]) -> str:
    """sh that waits until every Ingress of the class that has a status has `wanted` in it, and nothing else."""
    return f"{_shown(prelude, ingress, wanted)}{assign(within=str(STATUS_WITHIN))}{WAIT_SHOWN}"


def status_shown(prelude: str, ingress: Served, wanted: Sequence[str]) -> str:
    """The same for a gate: looks once."""
    return f"""{_shown(prelude, ingress, wanted)}
saw=$(shown)
echo "${{saw:-the status of every Ingress is {" ".join(wanted)}}}"
[ -z "$saw" ]"""


def _shown(prelude: str, ingress: Served, wanted: Sequence[str]) -> str:
    values = {"class": ingress.class_name, "classless": "1" if ingress.default_class else ""}
    return f"{prelude}\n{assign(**values, wanted=' '.join(wanted), statuses=STATUSES)}{SHOWN}"


def quiet(prelude: str, pods: Iterable[Mapping[str, str]], seconds: int, deadline: int) -> str:
    """sh that passes once the pods have answered no request for `seconds`; gives up after `deadline` seconds.

    `pods`: namespace and label selector of each old way in.
    """
    asked = "; ".join(f"count {quote(item['namespace'])} {quote(item['selector'])}" for item in pods)
    values = assign(quiet=str(seconds), deadline=str(deadline), never=str(NEVER))
    return f"{prelude}\n{values}{COUNT}\ncounts() {{ {asked}; }}\n{QUIET}"


def waited(seconds: int) -> str:
    """sh for a controller without metrics, whose requests nobody counts: the time itself has to do."""
    return f"""sleep {seconds}
echo "ingress.metrics is off, so requests could not be counted: waited {seconds} s instead"
"""
