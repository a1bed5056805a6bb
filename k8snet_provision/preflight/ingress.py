"""Whether one ingress controller may go while the plan renews them, and whose requests are lost when not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from k8snet_provision.change import CLUSTER, Action, Change, Kind
from k8snet_provision.ingress.paths import ROWS
from k8snet_provision.preflight.codes import Code
from k8snet_provision.preflight.workloads import Workload
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.resources.probe import HostSeen, Probe
from k8snet_provision.topology.ingress import Ingress

KEY = "preflight:ingresses"

ENOUGH = 2

SHOWN = 10

_ROWS = (
    "go-template={{range .items}}{{or .spec.ingressClassName "
    '(or (index (or .metadata.annotations .metadata) "kubernetes.io/ingress.class") "-")}}|'
    '{{range .spec.rules}}{{or .host "*"}} {{end}}{{"\\n"}}{{end}}'
)


def renewed(changes: Sequence[Change], ingress: Ingress | None) -> frozenset[str]:
    """ "Kind namespace/name" of the controllers whose pods the plan takes away one after another."""
    if ingress is None:
        return frozenset()
    controllers = {f"{row.workload} {ingress.namespace}/{row.name}" for row in ROWS.values()}
    again = [c.name for c in changes if c.kind is Kind.RESTART or (c.kind, c.action) == (Kind.OBJECT, Action.UPDATE)]
    return frozenset(controllers.intersection(again))


def probe(prelude: str) -> Probe:
    return Probe(KEY, f"{prelude}\nK get ingresses.networking.k8s.io -A -o {quote(_ROWS)} 2>&1")


def hosts(seen: HostSeen, ingress: Ingress) -> list[str]:
    """The host names of the Ingresses that the controllers serve; raises Unknown."""
    rows = [line.split("|", 1) for line in (seen.text(KEY) or "").splitlines()]
    classes = {ingress.class_name, *(["-"] if ingress.default_class else [])}
    return sorted({name for row in rows if len(row) == 2 and row[0] in classes for name in row[1].split()})


def problems(workloads: Sequence[Workload], again: frozenset[str], names: Sequence[str]) -> Iterator[Problem]:
    for workload in workloads:
        if workload.place in again and workload.available < ENOUGH and not workload.takes_none_away:
            yield Problem(
                Code.ONE_CONTROLLER,
                f"{workload.place} is renewed, and nobody answers meanwhile",
                CLUSTER,
                found=f"{workload.available} of its controllers available",
                expected=f"at least {ENOUGH}",
                hint=f"requests are lost for {_who(names)}; have a second one, or tell their owners",
                severity=Severity.WARNING,
            )


def _who(names: Sequence[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "no host name, for there is no Ingress") + rest
