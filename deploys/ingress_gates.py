"""When a way in serves: its pods are the new ones and Ready, and real hosts are answered through it."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from k8snet_provision.capability import NEVER, Gate
from k8snet_provision.change import Change
from k8snet_provision.ingress import controller, observed
from k8snet_provision.ingress.doors import new_doors, old_doors, outside
from k8snet_provision.ingress.paths import ROWS
from k8snet_provision.ingress.questions import WITHIN, questions, script
from k8snet_provision.resources.kube_object import ObjectRef
from k8snet_provision.seen import World

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


def rolled_out(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """A pod that cannot start will not start by waiting: its last word is the answer."""
    ingress = world.topology.ingress
    if ingress is None:
        return None
    row = ROWS[ingress.pattern]
    selector = ",".join(f"{key}={value}" for key, value in controller.labels(row.pattern).items())
    revision = "jsonpath={.spec.template.metadata.annotations." + controller.REVISION.replace(".", "\\.") + "}"
    return f"""{world.prelude}
namespace={quote(ingress.namespace)} workload={row.workload.lower()}/{row.name} selector={quote(selector)}
revision={quote(revision)} states={quote(POD_STATES)}
{ROLLED_OUT}"""


def right_answers(world: World, host: str, changes: Sequence[Change]) -> str | None:
    ingress = world.topology.ingress
    if ingress is None:
        return None
    asked = questions(observed.ingresses(world))
    return script(asked, new_doors(world, ingress), old_doors(world), any_door=ingress.pattern == "node_port")


def shows_service(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """MetalLB gives the address; why it does not is in the Service's events."""
    ingress = world.topology.ingress
    if ingress is None or ingress.pattern != "load_balancer":
        return None
    ref = ObjectRef("v1", "Service", ROWS["load_balancer"].name, ingress.namespace)
    place = f"-n {quote(ref.namespace)}"
    events = f"--field-selector involvedObject.kind=Service,involvedObject.name={ref.name}"
    return f"""{world.prelude}
now=$(K {place} get service {ref.name} -o 'jsonpath={{.status.loadBalancer.ingress[*].ip}}' 2>&1)
[ "$now" ] && {{ echo "Service {ref.name} has $now"; exit 0; }}
said=$(K {place} get events {events} -o 'jsonpath={{.items[-1:].message}}' 2>/dev/null)
echo "Service {ref.name} has no address${{said:+: $said}}"
exit 1"""


GATES = (
    Gate("the controller rolled out", rolled_out, deadline=ROLLED_OUT_WITHIN),
    Gate("the Service's address", shows_service, deadline=60),
    Gate("right answers through the new way in", right_answers, deadline=WITHIN + 30, asked_from=outside),
)
