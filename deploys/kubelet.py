"""kubelet: the DNS address and the zone that new Pods are given in their resolv.conf."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from shlex import quote

from deploys.kubelet_config import node_local, with_dns
from deploys.service_range_changes import KUBE_DNS
from deploys.service_range_changes import NAME as SERVICE_RANGE
from k8snet_provision.capability import Capability, Gate
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.edits import yaml_value
from k8snet_provision.edits.flag_words import effective
from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.engine.carry_out import host_changes as carry_out
from k8snet_provision.problems import Problem
from k8snet_provision.resources import file
from k8snet_provision.resources.file import SEND_FILE, File, unpack
from k8snet_provision.resources.kube_object import ObjectRef
from k8snet_provision.resources.probe import ABSENT_CODE, Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

NAME = "kubelet"

BY_FLAG = "K8N277"
NOT_EDITABLE = "K8N278"
NOT_THERE_YET = "K8N314"

DEFAULT_CONFIG = "/var/lib/kubelet/config.yaml"
"""Where kubeadm puts it (kubeadm implementation details)."""

FLAGS = ("cluster-dns", "cluster-domain")
"""They win over the file (kubelet's reference), so with them an edit of the file would change nothing."""


def reads(cluster: Cluster) -> Iterable[ObjectRef]:
    yield KUBE_DNS


def probes(cluster: Cluster, host: str) -> Iterable[Probe]:
    """argv of the kubelet, seconds since it started and since its file changed, then the file.

    The kernel counts a process's start in hundredths of a second since boot (proc(5), starttime).
    """
    unit = quote(f"{cluster.topology.control_plane.units.kubelet}.service")
    yield Probe(
        "kubelet",
        f"""{SEND_FILE}
for p in /proc/[0-9]*; do
  IFS= read -r line <"$p/cmdline" 2>/dev/null
  case $line in *kubelet*) ;; *) continue ;; esac
  argv=$(tr '\\0' '\\n' <"$p/cmdline")
  first=$(printf '%s\\n' "$argv" | head -n 1)
  [ "${{first##*/}}" = kubelet ] && break
  argv=
done
if [ -z "$argv" ]; then
  [ "$(systemctl is-enabled -- {unit})" = enabled ] && [ -e {DEFAULT_CONFIG} ] || exit {ABSENT_CODE}
else
  started=$(sed 's/.*) //' "$p/stat" | cut -d ' ' -f 20)
  read -r up _ </proc/uptime
  printf 'age=%s\\n' "$((${{up%%.*}} - started / 100))"
fi
config=$(printf '%s\\n' "$argv" | sed -n '/^--config$/{{n;p;}}; s/^--config=//p' | tail -n 1)
[ "$config" ] || config={DEFAULT_CONFIG}
printf 'untouched=%s\\nargv=%s\\n\\n' "$(($(date +%s) - $(stat -L -c %Y -- "$config")))" \\
  "$(printf '%s' "$argv" | tr '\\n' '\\037')"
send_file "$config" || {{ [ $? -ne {ABSENT_CODE} ] || echo "$config is not there"; exit 1; }}
""",
    )


def read(world: World, host: str) -> tuple[dict[str, str], File] | None:
    """What the kubelet was seen to be, and its configuration; None on a host without one. Raises Unknown."""
    seen = world.host(host)
    data = seen.data("kubelet")
    if data is None:
        return None
    head, _, rest = data.partition(b"\n\n")
    values = dict(line.split("=", 1) for line in head.decode("utf-8", "replace").splitlines())
    return values, unpack(host, rest)[0]


def host_changes(world: World, host: str) -> Iterator[Change]:
    found = read(world, host)
    if found is None:
        return
    try:
        yield from _changes(world, host, *found)
    except EditRefused:
        return


def _changes(world: World, host: str, values: dict[str, str], config: File) -> list[Change]:
    unit = world.topology.control_plane.units.kubelet
    edited = with_dns(world.topology, _text(config)).encode("utf-8", "surrogateescape")
    changes = list(file.change(NAME, host, config, replace(config, content=edited), restarts=(unit,)))
    if changes or not _older_than_its_file(values):
        return changes
    because = "does not run" if "age" not in values else "its configuration changed after it started"
    return [Change(NAME, host, Kind.RESTART, unit, f"{because}\n", "runs with its configuration\n", because=because)]


def _older_than_its_file(values: dict[str, str]) -> bool:
    """One second of both is rounding."""
    return "age" not in values or int(values["age"]) > int(values["untouched"]) + 1


def _text(config: File) -> str:
    return config.content.decode("utf-8", "surrogateescape")


def refusals(world: World) -> Iterator[Problem]:
    yield from _names_not_there_yet(world)
    members = dict.fromkeys((*world.cluster.nodes, *world.cluster.control_planes))
    for host in world.reached(tuple(members)):
        try:
            found = read(world, host)
            if found:
                yield from _problems(world, host, *found)
        except Unknown:
            continue


def _names_not_there_yet(world: World) -> Iterator[Problem]:
    """A kubelet must not hand out a DNS address that this run leaves without a Service."""
    service = None if world.concerns(SERVICE_RANGE) else world.live(KUBE_DNS)
    now, wanted = (service or {}).get("spec", {}).get("clusterIP"), str(world.topology.dns_address)
    if service and now != wanted:
        yield Problem(
            NOT_THERE_YET,
            "Service kube-system/kube-dns is not at the address that kubelets would hand out",
            CLUSTER,
            found=str(now),
            expected=wanted,
            hint=f"apply without --limit and --tags first, or include {SERVICE_RANGE} and every control plane",
        )


def _problems(world: World, host: str, values: dict[str, str], config: File) -> Iterator[Problem]:
    argv = values.get("argv", "").split("\x1f")
    for flag in FLAGS:
        given = effective(argv, flag)
        if given is not None:
            yield Problem(
                BY_FLAG,
                f"the kubelet is given --{flag}, which wins over its configuration file",
                host,
                found=given,
                hint=f"remove the flag from the kubelet's unit; {config.path} says the same",
            )
    try:
        with_dns(world.topology, _text(config))
    except EditRefused as refused:
        place = f"{config.path}:{refused.line}" if refused.line else config.path
        yield Problem(NOT_EDITABLE, refused.text, host, found=place, hint=refused.hint)


def notices(world: World) -> Iterator[str]:
    for host in world.reached(world.cluster.nodes):
        found = read(world, host)
        with suppress(EditRefused):  # a reason to refuse everything, and told there
            if found and node_local(yaml_value.get(_text(found[1]), ("clusterDNS",))):
                yield f"{host}: Pods ask a DNS cache on their node; its own upstream address is not managed"


def gate(world: World, host: str, changes: Sequence[Change]) -> str:
    """sh that passes once the kubelet runs, says that it works and, where kubectl is there, its node is Ready.

    Its port is that of the file after the changes; of changes that were turned round, of the old file.
    """
    written = [change.after for change in changes if change.kind is Kind.FILE and change.after]
    found = None if written else read(world, host)
    text = written[-1] if written else _text(found[1]) if found else ""
    port = yaml_value.get(text, ("healthzPort",), default=10248)
    address = yaml_value.get(text, ("healthzBindAddress",), default="127.0.0.1")
    unit = quote(world.topology.control_plane.units.kubelet)
    url = f"http://[{address}]:{port}/healthz" if ":" in str(address) else f"http://{address}:{port}/healthz"
    checks = [f"""state=$(systemctl is-active -- {unit}); [ "$state" = active ] || {{ echo "$state"; exit 1; }}"""]
    if port:
        checks.append(f"""
if command -v curl >/dev/null; then
  code=$(curl -s -m 5 -o /dev/null -w '%{{http_code}}' {quote(url)})
  [ "$code" = 200 ] || {{ echo "/healthz answers $code"; exit 1; }}
fi""")
    return "\n".join((*checks, _node_ready(world, host)))


def _node_ready(world: World, host: str) -> str:
    """Asked with the kubelet's own kubeconfig, which may see its own node."""
    name = node_name(world, host)
    return f"""
if command -v kubectl >/dev/null && [ -r /etc/kubernetes/kubelet.conf ]; then
  ready=$(kubectl --kubeconfig /etc/kubernetes/kubelet.conf --request-timeout=5s get node {quote(name)} \\
    -o 'jsonpath={{.status.conditions[?(@.type=="Ready")].status}}' 2>&1)
  [ "$ready" = True ] || {{ echo "node {name}: Ready is $ready"; exit 1; }}
fi
"""


def node_name(world: World, host: str) -> str:
    """The name of the host's Node: by its address, else the host's own name."""
    address = world.cluster.addresses[host]
    for node in world.state.nodes:
        if any(found["address"] == address for found in node.get("status", {}).get("addresses", ())):
            return str(node["metadata"]["name"])
    return host


CAPABILITY = Capability(
    name=NAME,
    felt="nothing; Pods go on without their kubelet; kubectl logs and exec wait for about a second",
    carry_out=carry_out,
    probes=probes,
    reads=reads,
    host_changes=host_changes,
    refusals=refusals,
    notices=notices,
    gates=(Gate("kubelet healthy and its node Ready", gate, deadline=60),),
)
