"""When a way in serves: its pods are the new ones and Ready, and real hosts are answered through it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from shlex import quote

from k8snet_provision.capability import NEVER, Gate
from k8snet_provision.change import Change, Kind
from k8snet_provision.ingress import controller, observed
from k8snet_provision.ingress.doors import doors, old_doors, outside, outside_of_any, reached
from k8snet_provision.ingress.paths import PATTERN_LABEL, ROWS, beside
from k8snet_provision.ingress.questions import WITHIN, questions, script
from k8snet_provision.resources.kube_object import ObjectRef
from k8snet_provision.seen import World
from k8snet_provision.topology.ingress import Pattern

WORKLOADS = ("Deployment", "DaemonSet")

ROLLED_OUT_WITHIN = 300
"""Seconds for the pods of one way in: an image of 100 MB comes, and each pod is watched for some seconds."""

POD_STATES = (
    "jsonpath={range .items[*]}{.metadata.name}|{.metadata.annotations.k8snet-provision/template-sha256}|"
    "{.status.containerStatuses[0].restartCount}|{.status.containerStatuses[0].state.waiting.reason}|"
    "{.status.containerStatuses[0].state.waiting.message}|"
    '{.status.conditions[?(@.type=="PodScheduled")].message}{"\\n"}{end}'
)

ROLLED_OUT = f"""
K -n "$namespace" rollout status "$workload" --timeout=2s 2>&1 && exit 0
wanted=$(K -n "$namespace" get "$workload" -o "$revision")
K -n "$namespace" get pods -l "$selector" -o "$states" 2>&1 |
  while IFS='|' read -r pod revision restarts reason message unscheduled; do
    [ "$revision" = "$wanted" ] || continue
    case $reason in
      CrashLoopBackOff)
        [ "$restarts" -ge 2 ] || continue
        echo "$pod: $reason: $(K -n "$namespace" logs "$pod" --previous --tail=1 2>&1)"; exit {NEVER} ;;
      *Image* | CreateContainer*) echo "$pod: $reason: $message"; exit {NEVER} ;;
    esac
    [ -z "$unscheduled" ] || echo "$pod: $unscheduled"
  done
[ $? != {NEVER} ] || exit {NEVER}
exit 1"""


@dataclass(frozen=True)
class Made:
    """The way in that changes bring about; `port` is its node port for HTTP."""

    pattern: Pattern
    namespace: str
    port: int


def made(world: World, changes: Sequence[Change]) -> Made | None:
    """By the objects that are made or changed; None where some only go, or nothing is asked for.

    Of changes that were turned round that is the way in of before.
    """
    ingress = world.topology.ingress
    objects = [
        json.loads(change.details["manifest"])
        for change in changes
        if change.kind is Kind.OBJECT and change.after is not None and "manifest" in change.details
    ]
    found = [item for item in objects if (item["metadata"].get("labels") or {}).get(PATTERN_LABEL) in ROWS]
    workloads = [item for item in found if item["kind"] in WORKLOADS]
    if workloads:
        meta = workloads[-1]["metadata"]
        pattern = meta["labels"][PATTERN_LABEL]
        ports = [port for item in found if item["kind"] == "Service" for port in item["spec"].get("ports") or ()]
        given = [port["nodePort"] for port in ports if port.get("name") == "http" and "nodePort" in port]
        return Made(pattern, meta["namespace"], (given or [ingress.node_port.http if ingress else 0])[-1])
    gone = any(change.after is None and change.name.startswith(WORKLOADS) for change in changes)
    if ingress is None or gone or not objects:
        return None
    return Made(ingress.pattern, ingress.namespace, ingress.node_port.http)


def rolled_out(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """A pod that cannot start will not start by waiting: its last word is the answer."""
    way = made(world, changes)
    if way is None:
        return None
    row = ROWS[way.pattern]
    selector = ",".join(f"{key}={value}" for key, value in controller.labels(row.pattern).items())
    revision = "jsonpath={.spec.template.metadata.annotations." + controller.REVISION.replace(".", "\\.") + "}"
    return f"""{world.prelude}
namespace={quote(way.namespace)} workload={row.workload.lower()}/{row.name} selector={quote(selector)}
revision={quote(revision)} states={quote(POD_STATES)}
{ROLLED_OUT}"""


def right_answers(world: World, host: str, changes: Sequence[Change]) -> str | None:
    way = made(world, changes)
    if way is None:
        return None
    wanted = world.topology.ingress
    new = doors(world, way.pattern, way.port)
    others = (
        old_doors(world) if wanted and wanted.pattern == way.pattern else reached(world, beside(world, way.pattern))
    )
    return script(questions(observed.ingresses(world)), new, others, any_door=way.pattern == "node_port")


def shows_service(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """MetalLB gives the address; why it does not is in the Service's events."""
    way = made(world, changes)
    if way is None or way.pattern != "load_balancer":
        return None
    ref = ObjectRef("v1", "Service", ROWS["load_balancer"].name, way.namespace)
    place = f"-n {quote(ref.namespace)}"
    events = f"--field-selector involvedObject.kind=Service,involvedObject.name={ref.name}"
    return f"""{world.prelude}
now=$(K {place} get service {ref.name} -o 'jsonpath={{.status.loadBalancer.ingress[*].ip}}' 2>&1)
[ "$now" ] && {{ echo "Service {ref.name} has $now"; exit 0; }}
said=$(K {place} get events {events} -o 'jsonpath={{.items[-1:].message}}' 2>/dev/null)
echo "Service {ref.name} has no address${{said:+: $said}}"
exit 1"""


def _gates(asked_from: Callable[[World], str]) -> tuple[Gate, ...]:
    return (
        Gate("the controller rolled out", rolled_out, deadline=ROLLED_OUT_WITHIN),
        Gate("the Service's address", shows_service, deadline=60),
        Gate("right answers through the new way in", right_answers, deadline=WITHIN + 30, asked_from=asked_from),
    )


GATES = _gates(outside)
MADE_AGAIN = _gates(outside_of_any)
"""The same for a way in that is not the topology's: one that comes back where its end is undone."""
