"""How the service range gets into use: the steps on the control plane, and the check that it is."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from shlex import quote

from k8snet_provision.change import Action, Change
from k8snet_provision.engine import operations
from k8snet_provision.engine.carry_out import BACKUPS, deploy, object_script
from k8snet_provision.engine.script import Script
from k8snet_provision.engine.shell import assign
from k8snet_provision.resources.kube_object import BY_APISERVER, FIELD_MANAGER, OWNED_LABEL, RECREATE, Manifest

NAME = "service-range"

SERVICE_CIDRS = "networking.k8s.io/v1"
TEMPORARY = "k8snet-provision"
"""What the name of a ServiceCIDR begins with that holds a range while the one named `kubernetes` is replaced."""

CONTROLLER = 120
"""Seconds for what the ServiceCIDR controller does. It takes ten for each deletion, and where the only API server was
away while it restarted, it looks again after up to a minute (client-go's back-off)."""

WAIT_FOR = """
wait_for() {
  limit=$1; what=$2; shift 2; ends=$(($(date +%s) + limit))
  until "$@"; do
    [ "$(date +%s)" -lt "$ends" ] || { echo "waited $limit s for $what; last seen: $saw" >&2; exit 1; }
    sleep 0.3
  done
}
ready() {
  saw=$(K get servicecidr "$1" -o 'jsonpath={.spec.cidrs[*]} \
{.status.conditions[?(@.type=="Ready")].status}{.metadata.deletionTimestamp}' 2>&1)
  [ "$saw" = "$2 True" ]
}
"""

GUARD = r"""
separator=$(printf '\037')
for p in /proc/[0-9]*/cmdline; do
  IFS= read -r line <"$p" 2>/dev/null
  case $line in *kube-apiserver*service*cluster*ip*range*) ;; *) continue ;; esac
  argv=$(tr '\0' '\037' <"$p")
  first=${argv%%"$separator"*}
  [ "${first##*/}" = kube-apiserver ] || continue
  seen=1; case $argv in *"range=$range$separator"* | *"range$separator$range$separator"*) carried=1 ;; esac
done
[ -z "$seen" ] || [ "$carried" ] ||
  { echo "the apiserver of this host does not run with $range yet: apply kube-apiserver first" >&2; exit 1; }
"""
"""Without the flag the apiserver would make the old range again as soon as it is deleted."""

HOLD = f"""
ready kubernetes "$cidrs" && exit 0
staying() {{
  saw=$(K get servicecidr "$temporary" -o 'jsonpath={{.metadata.deletionTimestamp}}' --ignore-not-found 2>&1) &&
    [ -z "$saw" ]
}}
wait_for {CONTROLLER} "ServiceCIDR $temporary of an earlier run to be gone" staying
K apply --server-side --field-manager="$manager" -f - || exit 1
wait_for {CONTROLLER} "ServiceCIDR $temporary to be ready" ready "$temporary" "$cidrs"
gone=$(K get servicecidr kubernetes -o 'jsonpath={{.metadata.deletionTimestamp}}' --ignore-not-found) || exit 1
[ "$gone" ] || K delete servicecidr kubernetes --wait=false --ignore-not-found
"""

MOVE = """
(umask 077; mkdir -p "$backups"; K get service -n "$namespace" "$service" --ignore-not-found -o yaml \
  >"$backups/service-$namespace-$service.yaml") || exit 1
made() { saw=$(printf '%s' "$manifest" | K create --field-manager="$manager" -f - 2>&1); }
manifest=$(cat)
K delete service -n "$namespace" "$service" --ignore-not-found || exit 1
wait_for 30 "Service $namespace/$service to be made" made
"""

REMAKE = """
K delete service -n default kubernetes --ignore-not-found || exit 1
address() { saw=$(K get service -n default kubernetes -o 'jsonpath={.spec.clusterIP}' 2>&1); [ "$saw" = "$1" ]; }
wait_for 60 "Service default/kubernetes at $address" address "$address"
"""

RELEASE = f"""
wait_for {CONTROLLER} "ServiceCIDR kubernetes with $cidrs" ready kubernetes "$cidrs"
K delete servicecidr -l "$ours" --wait=false --ignore-not-found
"""
"""All that were made to hold a range: of a run that was cut short half way there is one for each direction."""


@deploy("service range")
def apply(changes: Sequence[Change], prelude: str = "") -> None:
    """A temporary range, the Services moved into it, the cluster's own range, then what kubeadm keeps of it."""
    moving = [change for change in changes if change.details["how"] in (BY_APISERVER, RECREATE)]
    for change in moving:
        _move(change, prelude)
    if cidr := next((change for change in moving if change.name == "ServiceCIDR kubernetes"), None):
        ours = f"{OWNED_LABEL}={FIELD_MANAGER}"
        _step("ServiceCIDR kubernetes made anew", prelude, RELEASE, cidrs=_cidrs(cidr), ours=ours)
    for change in changes:
        if change not in moving:
            script = f"{prelude}\n{object_script(change)}"
            operations.run_script(script, stdin=change.details["manifest"].encode(), name=change.name)


def _move(change: Change, prelude: str) -> None:
    manifest = json.loads(change.details["manifest"])
    text = change.details["manifest"].encode()
    if change.name == "ServiceCIDR kubernetes":
        ranges = manifest["spec"]["cidrs"]
        hold = json.dumps(service_cidr(holder(ranges), ranges)).encode()
        values = {"range": ",".join(ranges), "cidrs": " ".join(ranges), "temporary": holder(ranges)}
        _step("the new range held", prelude, GUARD + HOLD, hold, **values)
    elif change.details["how"] == RECREATE:
        meta = manifest["metadata"]
        unmoved = _unmoved(change) if change.action is Action.UPDATE and "before_version" in change.details else ""
        _step(change.name, prelude, unmoved + MOVE, text, namespace=meta["namespace"], service=meta["name"])
    else:
        _step(change.name, prelude, REMAKE, address=manifest["spec"]["clusterIP"])


def _unmoved(change: Change) -> str:
    key, _, value = change.details["before_version"].partition("=")
    return f"""
now=$(K get service -n "$namespace" "$service" -o 'jsonpath={{.metadata.{key}}}') || exit 1
[ "$now" = {quote(value)} ] || {{ echo "changed since it was observed" >&2; exit 1; }}
"""


def _cidrs(change: Change) -> str:
    return " ".join(json.loads(change.details["manifest"])["spec"]["cidrs"])


def _step(name: str, prelude: str, text: str, stdin: bytes = b"", **values: str) -> None:
    values |= {"manager": FIELD_MANAGER, "backups": BACKUPS}
    operations.add(name, Script(f"{assign(**values)}{prelude}\n{WAIT_FOR}\n{text}", stdin, timeout=3 * CONTROLLER))


def holder(cidrs: Sequence[str]) -> str:
    """The name of what holds a range meanwhile. One for each range: a ServiceCIDR cannot be given another one, and goes
    only when no Service needs it any more, so a run that goes back half way needs its own beside it."""
    return "-".join([TEMPORARY, *(re.sub("[.:/]", "-", cidr) for cidr in cidrs)])


def is_holder(item: Manifest) -> bool:
    name = item["metadata"]["name"]
    return bool(name == TEMPORARY or name.startswith(f"{TEMPORARY}-"))


def service_cidr(name: str, cidrs: Sequence[str]) -> Manifest:
    meta = {"name": name} | ({} if name == "kubernetes" else {"labels": {OWNED_LABEL: FIELD_MANAGER}})
    return {"apiVersion": SERVICE_CIDRS, "kind": "ServiceCIDR", "metadata": meta, "spec": {"cidrs": list(cidrs)}}


def api_service() -> Manifest:
    """Service default/kubernetes as the apiserver makes it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {"ports": [{"name": "https", "port": 443, "protocol": "TCP"}], "type": "ClusterIP"},
    }


def dns_service() -> Manifest:
    """Service kube-dns as kubeadm makes it; for a cluster in which it was lost."""
    ports = (("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"), ("metrics", 9153, "TCP"))
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": {
                "k8s-app": "kube-dns",
                "kubernetes.io/cluster-service": "true",
                "kubernetes.io/name": "CoreDNS",
            },
            "annotations": {"prometheus.io/port": "9153", "prometheus.io/scrape": "true"},
        },
        "spec": {
            "ports": [{"name": n, "port": p, "protocol": protocol, "targetPort": p} for n, p, protocol in ports],
            "selector": {"k8s-app": "kube-dns"},
            "type": "ClusterIP",
        },
    }


def in_use(prelude: str, *, cidrs: Sequence[str], first: str, dns: str, free: Sequence[str]) -> str:
    """sh that passes once Services get addresses of the range: as seen, and as a dry run of one would."""
    lines = [
        f"{prelude}\n{WAIT_FOR}",
        f'ready kubernetes {quote(" ".join(cidrs))} || {{ echo "ServiceCIDR kubernetes: $saw"; exit 1; }}',
        _at("default", "kubernetes", first),
        *([_at("kube-system", "kube-dns", dns)] if dns else []),
    ]
    for address in free:
        name = f"{FIELD_MANAGER}-try"
        lines.append(
            f"said=$(K -n default create service clusterip {name} --clusterip={quote(address)} --tcp=80 "
            f'--dry-run=server 2>&1) || case $said in *already?allocated*) ;; *) echo "$said"; exit 1 ;; esac'
        )
    return "\n".join(lines)


def _at(namespace: str, name: str, address: str) -> str:
    return f"""now=$(K get service -n {namespace} {name} -o 'jsonpath={{.spec.clusterIP}}' 2>&1)
[ "$now" = {quote(address)} ] || {{ echo "Service {namespace}/{name} is at $now"; exit 1; }}"""
