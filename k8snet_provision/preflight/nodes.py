"""The nodes: Ready, and taking new pods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from k8snet_provision.preflight.codes import Code
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.resources.probe import HostSeen, Probe, Unknown

KEY = "preflight:nodes"

_ROWS = (
    'go-template={{range .items}}{{.metadata.name}}|{{range .status.addresses}}{{if eq .type "InternalIP"}}'
    "{{.address}},{{end}}{{end}}|{{with .spec.unschedulable}}cordoned{{end}}|{{range .status.conditions}}"
    '{{.type}}={{.status}}={{.reason}} {{end}}{{"\\n"}}{{end}}'
)

_PODS = (
    "go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{$place := .metadata.namespace}}"
    '{{range .metadata.ownerReferences}}pod|of|{{.kind}}|{{$place}}|{{.name}}{{"\\n"}}{{end}}{{end}}{{end}}'
)

# The pods of a node that is silent are not available, whatever else is well with what they belong to.
_ASK = """rows=$(K get nodes -o %s 2>&1) || { printf '%%s\\n' "$rows"; exit 1; }
printf '%%s\\n' "$rows" | while IFS='|' read -r name addresses cordoned conditions; do
  printf '%%s|%%s|%%s|%%s\\n' "$name" "$addresses" "$cordoned" "$conditions"
  case " $conditions" in *" Ready=True="*) ;; *) K get pods -A --field-selector "spec.nodeName=$name" -o %s || : ;; esac
done"""

_PRESSED = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


@dataclass(frozen=True)
class Node:
    """`conditions`: (status, reason) by type."""

    name: str
    addresses: tuple[str, ...]
    cordoned: bool
    conditions: Mapping[str, tuple[str, str]]

    @property
    def ready(self) -> bool:
        return self.conditions.get("Ready", ("", ""))[0] == "True"


def probe(prelude: str) -> Probe:
    return Probe(KEY, f"{prelude}\n{_ASK % (quote(_ROWS), quote(_PODS))}")


def read(seen: HostSeen) -> list[Node]:
    """Raises Unknown; a cluster that answers without a single node is not one that was read."""
    rows = [line.split("|") for line in (seen.text(KEY) or "").splitlines()]
    nodes = [_node(*row) for row in rows if len(row) == 4]
    if not nodes:
        raise Unknown("cluster", "nodes", "kubectl named none")
    return nodes


def silenced(seen: HostSeen) -> Counter[str]:
    """How many pods stand on nodes that are not Ready, by "Kind namespace/name" of what they belong to."""
    rows = [line.split("|") for line in (seen.text(KEY) or "").splitlines()]
    return Counter(_owner(*row[2:]) for row in rows if len(row) == 5)


def _owner(kind: str, namespace: str, name: str) -> str:
    """A Deployment's ReplicaSet has its name and a hash of the template (its reference)."""
    if kind == "ReplicaSet":
        kind, name = "Deployment", name.rpartition("-")[0]
    return f"{kind} {namespace}/{name}"


def _node(name: str, addresses: str, cordoned: str, conditions: str) -> Node:
    parts = [(*word.split("="), "", "")[:3] for word in conditions.split()]
    return Node(
        name, tuple(filter(None, addresses.split(","))), bool(cordoned), {part[0]: (part[1], part[2]) for part in parts}
    )


def problems(nodes: Sequence[Node], addresses: Mapping[str, str]) -> Iterator[Problem]:
    """`addresses` of the inventory's hosts, to name a node as its host."""
    hosts = {address: host for host, address in addresses.items()}
    for node in nodes:
        where = next((hosts[item] for item in node.addresses if item in hosts), node.name)
        yield from _of_one(node, where)


def _of_one(node: Node, where: str) -> Iterator[Problem]:
    status, reason = node.conditions.get("Ready", ("", "no condition Ready"))
    if not node.ready:
        hint = "bring it back, or take it out of the cluster: roll-outs wait for its pods"
        found = f"Ready is {status or 'missing'}, {reason}"
        yield Problem(Code.NODE_NOT_READY, f"node {node.name} is not Ready", where, found, "Ready is True", hint)
    pressed = [type_ for type_ in _PRESSED if node.conditions.get(type_, ("", ""))[0] == "True"]
    if node.cordoned or (node.ready and pressed):
        found = ", ".join([*(["cordoned"] if node.cordoned else []), *pressed])
        text, hint = f"node {node.name} takes no new pods", "nothing is stopped by that; kubectl uncordon when it may"
        yield Problem(Code.CORDONED, text, where, found, hint=hint, severity=Severity.WARNING)
