"""Pods that still hold an old address: of the DNS Service in resolv.conf, or of the API in their environment.

Both are given to a Pod when it starts and never again. Those of the cluster's own add-ons start anew; all
others are named, because when a workload restarts is its owner's decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from shlex import quote

from k8snet_provision.capability import Capability, Gate
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.cluster_state import Pod
from k8snet_provision.engine import operations
from k8snet_provision.engine.carry_out import deploy
from k8snet_provision.engine.script import Script
from k8snet_provision.resources.kube_object import ObjectRef
from k8snet_provision.resources.probe import Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

NAME = "addon-pods"

ADDONS = "kube-system"
KUBERNETES = ObjectRef("v1", "Service", "kubernetes", "default")

OWN_KUBECONFIG = frozenset({("DaemonSet", "kube-proxy")})
"""Restarted by its own phase, and it reads the API's address from a kubeconfig, not from its environment."""

RESTARTABLE = ("Deployment", "DaemonSet", "StatefulSet")
SHOWN = 20


@dataclass(frozen=True)
class Holding:
    """What a container was given. `age` is in seconds; `names` are the nameservers of a resolv.conf that
    searches the cluster's zone, none where Pods of that kind ask somebody else."""

    uid: str
    age: int
    api: str
    names: tuple[str, ...]


def probes(cluster: Cluster, host: str) -> Iterable[Probe]:
    """Lines of four kinds, by the process id of a container: "pod PID UID AGE", "api PID KUBERNETES_SERVICE_HOST",
    "search PID" of a resolv.conf that searches a cluster's zone, "name PID NAMESERVER"; last "now EPOCH".

    Pods are found by their cgroup. No other variable of a container's environment is printed, and a
    resolv.conf only where it is a plain file: a container may have made it a link or a pipe.
    A node may run hundreds of containers, so nothing is started for each of them.
    """
    yield Probe("pods:addresses", ADDRESSES)


ADDRESSES = r"""
read -r up _ </proc/uptime; up=${up%%.*}
found=$(grep -HoE -m 1 'pod[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}' \
  /proc/[0-9]*/cgroup 2>/dev/null | sed 's|^/proc/\([0-9]*\)/cgroup:pod|\1 |; y/_/-/' | sort -u)
pod() { [ -z "${20}" ] || printf 'pod %s %s %s\n' "$pid" "$uid" "$((up - ${20} / 100))"; }
set --; resolvs=
while read -r pid uid; do
  [ "$pid" ] || continue
  # What stands before the last parenthesis is a name that the process gave itself, of any characters.
  stat=; { while read -r line || [ "$line" ]; do stat="$stat$line "; done <"/proc/$pid/stat"; } 2>/dev/null
  pod ${stat##*) }
  set -- "$@" "/proc/$pid/environ"
  resolv=/proc/$pid/root/etc/resolv.conf
  [ -f "$resolv" ] && [ ! -L "$resolv" ] && resolvs="$resolvs $resolv"
done <<FOUND
$found
FOUND
if [ $# -gt 0 ] && printf 'a\0' | grep -zq a 2>/dev/null; then
  grep -zHosE '^KUBERNETES_SERVICE_HOST=[0-9A-Za-z.:-]*$' -- "$@" | tr '\0' '\n'
else  # of busybox
  for file in "$@"; do
    tr '\0' '\n' <"$file" 2>/dev/null | grep -E '^KUBERNETES_SERVICE_HOST=[0-9A-Za-z.:-]*$' | sed "s|^|$file:|"
  done
fi | sed -n 's|^/proc/\([0-9]*\)/environ:KUBERNETES_SERVICE_HOST=|api \1 |p'
[ -z "$resolvs" ] || grep -HsE -m 50 '^(search .*\bsvc\.|nameserver +[0-9a-fA-F])' -- $resolvs |
  sed -n 's|^/proc/\([0-9]*\)/root/etc/resolv.conf:search .*|search \1|p
s|^/proc/\([0-9]*\)/root/etc/resolv.conf:nameserver  *\([0-9a-fA-F.:]*\).*|name \1 \2|p'
printf 'now %s\n' "$(date +%s)"
"""


def read(world: World, host: str) -> tuple[int, list[Holding]]:
    """The host's clock (seconds since the epoch), and what its containers hold; raises Unknown."""
    rows = [line.split(" ") for line in (world.host(host).text("pods:addresses") or "").splitlines()]
    now = next((int(row[1]) for row in rows if row[0] == "now" and len(row) == 2), None)
    if now is None:
        raise Unknown(host, "pods:addresses", "the answer was cut short")
    told: dict[tuple[str, str], list[str]] = {}
    for kind, pid, *rest in (row for row in rows if len(row) > 1):
        told.setdefault((kind, pid), []).extend(rest)
    return now, [
        Holding(uid, int(age), (told.get(("api", pid)) or [""])[-1], _names(told, pid))
        for kind, pid, uid, age in (row for row in rows if len(row) == 4)
    ]


def _names(told: Mapping[tuple[str, str], Sequence[str]], pid: str) -> tuple[str, ...]:
    """The resolver asks the first three (resolv.conf(5), MAXNS)."""
    return tuple(told.get(("name", pid), ())[:3]) if ("search", pid) in told else ()


def reads(cluster: Cluster) -> Iterable[ObjectRef]:
    return (KUBERNETES,)


def stale(world: World) -> dict[Pod, tuple[str, ...]]:
    """The Pods that hold an old address, and which; static Pods have no owner that could start them anew."""
    pods = {pod.uid: pod for pod in world.state.pods if pod.owner_kind != "Node"}
    found: dict[Pod, tuple[str, ...]] = {}
    for host in dict.fromkeys((*world.cluster.nodes, *world.cluster.control_planes)):
        now, holdings = read(world, host)
        for holding in holdings:
            old = tuple(_old(world, holding, now))
            if old and holding.uid in pods:
                pod = pods[holding.uid]
                found[pod] = tuple(dict.fromkeys((*found.get(pod, ()), *old)))
    return found


def _old(world: World, holding: Holding, now: int) -> Iterator[str]:
    dns = str(world.topology.dns_address)
    if holding.names and dns not in holding.names and not any(_link_local(name) for name in holding.names):
        yield f"nameserver {' '.join(holding.names)}"
    if _old_api(world, holding, now):
        yield f"KUBERNETES_SERVICE_HOST={holding.api}"


def _old_api(world: World, holding: Holding, now: int) -> bool:
    """An address the Service had when the Pod started. One that a Pod names itself is its own affair: that
    one differs from the Service's although the Pod started later than the Service was made."""
    wanted = str(world.topology.first_service_address)
    service = world.live(KUBERNETES)
    if not holding.api or holding.api == wanted or service is None:
        return False
    if service["spec"]["clusterIP"] != wanted:
        return bool(holding.api == service["spec"]["clusterIP"])
    made = datetime.fromisoformat(service["metadata"]["creationTimestamp"]).replace(tzinfo=UTC)
    return _is_address(holding.api) and now - holding.age < made.timestamp()


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def _link_local(text: str) -> bool:
    """The address of a DNS cache on the node."""
    return _is_address(text) and bool(ip_address(text).is_link_local)


def workload(pod: Pod) -> tuple[str, str]:
    """(kind, name) of what to restart: a Deployment's Pods belong to a ReplicaSet named after it."""
    if pod.owner_kind == "ReplicaSet":
        return "Deployment", pod.owner.rpartition("-")[0]
    return pod.owner_kind, pod.owner


def ours(world: World, pod: Pod) -> bool:
    """Add-ons of the cluster, and what this tool has made elsewhere."""
    kind, name = workload(pod)
    if kind not in RESTARTABLE or (kind, name) in OWN_KUBECONFIG:
        return False
    made = {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in world.state.owned}
    return pod.namespace == ADDONS or (kind, pod.namespace, name) in made


def cluster_changes(world: World) -> Iterator[Change]:
    found: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for pod, old in stale(world).items():
        if ours(world, pod):
            kind, name = workload(pod)
            key = (kind, pod.namespace, name)
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), *old)))
    for (kind, namespace, name), old in sorted(found.items()):
        yield Change(
            NAME,
            CLUSTER,
            Kind.RESTART,
            f"{kind} {namespace}/{name}",
            "".join(f"{line}\n" for line in sorted(old)),
            "".join(f"{line}\n" for line in sorted({_wanted(world, line) for line in old})),
            {"kind": kind.lower(), "namespace": namespace, "name": name},
            because="its Pods hold an old address",
        )


def _wanted(world: World, line: str) -> str:
    if line.startswith("nameserver "):
        return f"nameserver {world.topology.dns_address}"
    return f"KUBERNETES_SERVICE_HOST={world.topology.first_service_address}"


def notices(world: World) -> Iterator[str]:
    """Pods that this tool does not restart."""
    left = [f"{pod.namespace}/{pod.name}" for pod in stale(world) if not ours(world, pod) and not _own(pod)]
    if left:
        rest = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        yield (
            f"{len(left)} Pods keep an old DNS or API address until they are started anew: "
            + ", ".join(sorted(left)[:SHOWN])
            + rest
        )


def _own(pod: Pod) -> bool:
    return pod.namespace == ADDONS and workload(pod) in OWN_KUBECONFIG


@deploy("add-on pods")
def apply(changes: Sequence[Change], prelude: str = "") -> None:
    for change in changes:
        script = f"{prelude}\nK rollout restart {_place(change)}\n"
        operations.add(f"restart {change.name}", Script(script, timeout=30))


def _place(change: Change) -> str:
    details = change.details
    return f"-n {quote(details['namespace'])} {quote(details['kind'] + '/' + details['name'])}"


def rolled_out(world: World, host: str, changes: Sequence[Change]) -> str:
    waits = [f"K rollout status {_place(change)} --timeout=5s 2>&1 || exit 1" for change in changes]
    return "\n".join((world.prelude, *waits))


CAPABILITY = Capability(
    name=NAME,
    felt="nothing; the add-ons' Pods are replaced",
    carry_out=apply,
    reads=reads,
    probes=probes,
    cluster_changes=cluster_changes,
    notices=notices,
    gates=(Gate("the add-ons' new Pods ready", rolled_out, deadline=180),),
)
