"""When MetalLB may go on: its pods run, its webhook answers, its pools are accepted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from shlex import quote

from k8snet_provision.capability import NEVER, Gate
from k8snet_provision.change import Change
from k8snet_provision.metallb.contents import CONTROLLER, NAMESPACE, SPEAKER
from k8snet_provision.seen import World

POD_ROWS = (
    "go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{$pod := .metadata.name}}"
    "{{range .status.containerStatuses}}{{$pod}} {{.restartCount}} {{with .state.waiting}}{{.reason}}{{end}}"
    '{{"\\n"}}{{end}}{{end}}{{end}}'
)

POOL = f"IPAddressPool {NAMESPACE}/"

TRIED_OUT = {
    "apiVersion": "metallb.io/v1beta1",
    "kind": "IPAddressPool",
    "metadata": {"name": "k8snet-provision-tried-out", "namespace": NAMESPACE},
    "spec": {"addresses": ["192.0.2.1-192.0.2.1"], "autoAssign": False},
}
"""Never kept: the server is asked what it would say of it."""


def _is_gone(changes: Sequence[Change]) -> bool:
    """Put back to where MetalLB was not there yet."""
    return any(change.name in (str(CONTROLLER), str(SPEAKER)) and change.after is None for change in changes)


def rolled_out(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """A pod that cannot start will not start by waiting: its last word is the answer."""
    if _is_gone(changes):
        return None
    return f"""{world.prelude}
status() {{ K -n {NAMESPACE} rollout status "$1" --timeout=3s 2>&1; }}
status deployment/{CONTROLLER.name} && status daemonset/{SPEAKER.name} && exit 0
K -n {NAMESPACE} get pods -l app=metallb -o {quote(POD_ROWS)} | while read -r pod restarts reason; do
  case $reason in
    CrashLoopBackOff) [ "$restarts" -ge 2 ] && K -n {NAMESPACE} logs "$pod" --tail=1 2>&1 && exit {NEVER} ;;
    *Image*) echo "$pod: $reason"; exit {NEVER} ;;
  esac
done
exit $(( $? == {NEVER} ? {NEVER} : 1 ))"""


def webhook_answers(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """A refusal is an answer too: only the webhook itself can give one."""
    if _is_gone(changes):
        return None
    return f"""{world.prelude}
said=$(printf '%s' {quote(json.dumps(TRIED_OUT))} | K create --dry-run=server -f - 2>&1) && {{ echo "$said"; exit 0; }}
echo "$said"
case $said in *"denied the request"*) exit 0 ;; esac; exit 1"""


def accepted(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """The controller counts the addresses of each pool that it took over."""
    made = [change.name for change in changes if change.name.startswith(POOL) and change.after is not None]
    if not made:
        return None
    names = " ".join(quote(name.removeprefix(POOL)) for name in made)
    counts = "'jsonpath={.status.availableIPv4}{.status.assignedIPv4}{.status.availableIPv6}{.status.assignedIPv6}'"
    return f"""{world.prelude}
for pool in {names}; do
  counts=$(K -n {NAMESPACE} get ipaddresspools.metallb.io "$pool" -o {counts} 2>&1)
  case $counts in ""|0000|*[!0-9]*)
    echo "MetalLB has not taken over the pool $pool: ${{counts:-no status yet}}"; exit 1 ;;
  esac
done
echo "MetalLB took over: {names}" """


ROLLED_OUT = Gate("MetalLB rolled out", rolled_out, deadline=180)
WEBHOOK = Gate("MetalLB's webhook answers", webhook_answers, deadline=60)
ACCEPTED = Gate("MetalLB took over its pools", accepted, deadline=60)
