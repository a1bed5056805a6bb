"""Clients move from the old way in to the new one, both of which serve; the old one then has to go quiet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from k8snet_provision import undoing
from k8snet_provision.capability import Capability, Gate
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.engine import operations
from k8snet_provision.engine.carry_out import cluster_changes as carry_out_objects
from k8snet_provision.engine.carry_out import deploy
from k8snet_provision.engine.here import run_here
from k8snet_provision.ingress import controller, foreign, observed, traffic
from k8snet_provision.ingress.doors import adopted_addresses, status_addresses, status_of
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
    name = "requests from outside"
    text = "".join(_line(way, found) for way, found in before.items())
    details = {"how": "move", "told": json.dumps(told), **_details(world, ingress)}
    yield Change(NAME, CLUSTER, Kind.TRAFFIC, name, text, _line(ingress.pattern, wanted), details)


def _place(item: Mapping[str, Mapping[str, str]]) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def _rules(item: Mapping[str, Mapping[str, list[dict[str, str]]]]) -> list[dict[str, str]]:
    return item["spec"].get("rules") or []


def _line(way: str, found: Sequence[str]) -> str:
    return f"{way}: {', '.join(found) or 'no address known'}\n"


def _details(world: World, ingress: Ingress) -> dict[str, str]:
    """Both sides as what carrying it out and waiting for it need: pods, and the addresses of the status."""
    ways = {"before": old(world), "after": (ingress.pattern,)}
    pods = {
        side: [{"namespace": ingress.namespace, "selector": _selector(controller.labels(pattern))} for pattern in found]
        for side, found in ways.items()
    }
    adopted = foreign.workloads(world) if ingress.adopt else ()
    for item in adopted:
        labels = item["spec"]["selector"].get("matchLabels") or {}
        pods["before"].append({"namespace": item["metadata"]["namespace"], "selector": _selector(labels)})
    return {
        "class": ingress.class_name,
        "classless": "yes" if ingress.default_class else "",
        "quiet": str(ingress.switch.quiet),
        "deadline": str(ingress.switch.deadline),
        "repoint": json.dumps(ingress.switch.repoint),
        **{f"{side}_pods": json.dumps(found) for side, found in pods.items()},
        "before_counted": "yes" if all(_has_metrics(item) for item in live(world).values()) else "",
        "after_counted": "yes" if ingress.metrics else "",
        # An adopted installation writes it by itself, and who writes it first is not known.
        "before_status": "" if adopted or len(ways["before"]) != 1 else json.dumps(status_of(world, ways["before"][0])),
        "after_status": json.dumps(status_addresses(world)),
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
        for way in json.loads(details["after_pods"])[:1]:
            script = traffic.hand_over(prelude, way["namespace"], way["selector"])
            operations.run_script(script, name="the new way in writes the Ingress status")
        if details["after_status"]:
            status = traffic.wait_for_status(prelude, _class(details), json.loads(details["after_status"]))
            within = traffic.STATUS_WITHIN + 30
            operations.run_script(status, name="new addresses in the Ingress status", timeout=within)
        if words := json.loads(details["repoint"]):
            run_here(words, details["told"].encode(), timeout=REPOINT_WITHIN)


@dataclass(frozen=True)
class Class:
    """Of the Ingresses whose traffic moves."""

    class_name: str
    default_class: bool


def _class(details: Mapping[str, str]) -> Class:
    return Class(details["class"], bool(details["classless"]))


def undone(changes: Sequence[Change]) -> Iterator[Change]:
    """Who was allowed to write the status is again; then clients go where they went, once that is seen to serve."""
    yield from undoing.simply(changes)
    for change in changes:
        if change.kind is Kind.TRAFFIC:
            back = change.inverted()
            told = json.loads(back.details["told"])
            turned = json.dumps({**told, "from": told["to"], "to": told["from"]})
            yield replace(back, details={**back.details, "told": turned})


def _move(changes: Sequence[Change]) -> Mapping[str, str] | None:
    """None where a failed batch is put back: then clients go where they went."""
    return next((change.details for change in changes if change.kind is Kind.TRAFFIC), None)


def status_shown(world: World, host: str, changes: Sequence[Change]) -> str | None:
    details = _move(changes)
    if details is None or not details["after_status"]:
        return None
    return traffic.status_shown(world.prelude, _class(details), json.loads(details["after_status"]))


def quiet(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """Requests that the pods of the way in that is left still answer; an adopted one is counted like ours."""
    details = _move(changes)
    if details is None:
        return None
    seconds = int(details["quiet"])
    if not details["before_counted"]:
        return traffic.waited(seconds)
    return traffic.quiet(world.prelude, json.loads(details["before_pods"]), seconds, int(details["deadline"]))


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
    undone=undone,
    backwards=True,
    waits=quiet_for,
    gates=(
        Gate("the new addresses in the Ingress status", status_shown, deadline=traffic.STATUS_WITHIN),
        Gate("the old way in quiet", quiet, deadline=LONGEST),
        Gate("the new addresses still in the Ingress status", status_shown, deadline=traffic.STATUS_WITHIN),
    ),
)
