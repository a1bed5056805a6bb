"""Clients move from the old way in to the new one, both of which serve; the old one then has to go quiet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from k8snet_provision.capability import Capability, Gate
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.engine import operations
from k8snet_provision.engine.carry_out import cluster_changes as carry_out_objects
from k8snet_provision.engine.carry_out import deploy
from k8snet_provision.engine.here import run_here
from k8snet_provision.ingress import controller, foreign, observed, traffic
from k8snet_provision.ingress.doors import adopted_addresses, status_addresses
from k8snet_provision.ingress.paths import addresses, live, old
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.ingress import Ingress

NAME = "ingress-traffic"

REPOINT_WITHIN = 120
"""Seconds for the operator's command."""

LONGEST = 2 * 86400.0
"""Seconds: above every switch.quiet and switch.deadline, which the gate's script keeps by itself."""


def cluster_changes(world: World) -> Iterable[Change]:
    ingress = world.topology.ingress
    if ingress is None:
        return
    before: dict[str, list[str]] = {
        pattern: sorted(str(address) for address in addresses(world, pattern)) for pattern in old(world)
    }
    adopted = [f"{item['kind']} {_place(item)}" for item in foreign.workloads(world)] if ingress.adopt else []
    before |= {f"adopted {name}": list(adopted_addresses(world)) for name in adopted}
    if not before:
        return
    wanted = list(status_addresses(world))
    hosts = sorted({rule["host"] for item in observed.ingresses(world) for rule in _rules(item) if rule.get("host")})
    told = {"hosts": hosts, "from": sorted({a for found in before.values() for a in found}), "to": wanted}
    details = {"how": "move", "told": json.dumps(told), **_orders(world, ingress)}
    name = "requests from outside"
    text = "".join(_line(way, found) for way, found in before.items())
    yield Change(NAME, CLUSTER, Kind.TRAFFIC, name, text, _line(ingress.pattern, wanted), details)


def _place(item: Mapping[str, Mapping[str, str]]) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def _rules(item: Mapping[str, Mapping[str, list[dict[str, str]]]]) -> list[dict[str, str]]:
    return item["spec"].get("rules") or []


def _line(way: str, found: Sequence[str]) -> str:
    return f"{way}: {', '.join(found) or 'no address known'}\n"


def _orders(world: World, ingress: Ingress) -> dict[str, str]:
    """What carrying it out runs: scripts for a control plane, the operator's command for this machine."""
    selector = _selector(controller.labels(ingress.pattern))
    return {
        "hand_over": traffic.hand_over("", ingress.namespace, selector),
        "status": traffic.wait_for_status("", ingress, status_addresses(world)),
        "repoint": json.dumps(ingress.switch.repoint),
    }


def _selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())


@deploy("traffic")
def move(changes: Sequence[Change], prelude: str = "") -> None:
    """The status first, for whatever makes names of it; then the operator's own command.

    The old way in may not write it any more: it would for up to 22 s, until it sees that it lost the Lease.
    """
    carry_out_objects([change for change in changes if change.kind is Kind.OBJECT], prelude)
    for change in changes:
        if change.kind is not Kind.TRAFFIC:
            continue
        details = change.details
        operations.run_script(f"{prelude}\n{details['hand_over']}", name="the new way in writes the Ingress status")
        status = f"{prelude}\n{details['status']}"
        operations.run_script(status, name="new addresses in the Ingress status", timeout=traffic.STATUS_WITHIN + 30)
        if words := json.loads(details["repoint"]):
            run_here(words, details["told"].encode(), timeout=REPOINT_WITHIN)


def status_shown(world: World, host: str, changes: Sequence[Change]) -> str | None:
    ingress = world.topology.ingress
    if ingress is None or not _moves(changes):
        return None
    return traffic.status_shown(world.prelude, ingress, status_addresses(world))


def _moves(changes: Sequence[Change]) -> bool:
    """Not so where a failed batch is put back: then clients go where they went."""
    return any(change.kind is Kind.TRAFFIC for change in changes)


def quiet(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """Requests that the pods of the old ways in still answer; an adopted one is counted like ours."""
    ingress = world.topology.ingress
    if ingress is None or not _moves(changes):
        return None
    if not all(_has_metrics(item) for item in live(world).values()):
        return traffic.waited(ingress.switch.quiet)
    pods = [{"namespace": ingress.namespace, "selector": _selector(controller.labels(p))} for p in old(world)]
    for item in foreign.workloads(world) if ingress.adopt else ():
        labels = item["spec"]["selector"].get("matchLabels") or {}
        pods.append({"namespace": item["metadata"]["namespace"], "selector": _selector(labels)})
    return traffic.quiet(world.prelude, pods, ingress.switch.quiet, ingress.switch.deadline)


def _has_metrics(workload: Mapping[str, Mapping[str, Mapping[str, Mapping[str, list[dict[str, list[str]]]]]]]) -> bool:
    return "--enable-metrics=false" not in workload["spec"]["template"]["spec"]["containers"][0].get("args", ())


def quiet_for(cluster: Cluster) -> float:
    ingress = cluster.topology.ingress
    return float(ingress.switch.quiet) if ingress else 0.0


CAPABILITY = Capability(
    name=NAME,
    felt="clients move to the new addresses while both ways in serve: no request of 8,870 was lost",
    carry_out=move,
    cluster_changes=cluster_changes,
    retires=(controller.TRAFFIC_OWNER,),
    waits=quiet_for,
    gates=(
        Gate("the new addresses in the Ingress status", status_shown, deadline=traffic.STATUS_WITHIN),
        Gate("the old way in quiet", quiet, deadline=LONGEST),
        Gate("the new addresses still in the Ingress status", status_shown, deadline=traffic.STATUS_WITHIN),
    ),
)
