"""How kube-proxy is brought into its mode: pods replaced through the API, units restarted, old rules removed."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from k8snet_provision.change import Change, Kind, restarts
from k8snet_provision.edits.yaml_value import get
from k8snet_provision.engine import operations
from k8snet_provision.engine.carry_out import deploy, host_changes, write
from k8snet_provision.kube_proxy import live, options
from k8snet_provision.kube_proxy.install import SYSTEMD, config_text, install
from k8snet_provision.kube_proxy.live import PIDS, Live
from k8snet_provision.kube_proxy.residue import SWEEP
from k8snet_provision.resources.kube_object import Manifest
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology.kube_proxy import KubeProxy

READY_WITHIN = 90
"""Seconds for new pods: they need no image that is not on the node already."""

CLEANUP_WITHIN = 60
"""Seconds for kube-proxy --cleanup; tens of thousands of rules take it some."""


def scheduler(proxy: KubeProxy) -> str | None:
    return proxy.ipvs.scheduler if proxy.ipvs else None


def wanted_text(world: World, host: str) -> str:
    """The host's configuration with the given keys set; raises EditRefused and Unknown."""
    proxy = world.topology.kube_proxy
    if install(world) == SYSTEMD:
        config = live.read(world.host(host)).config
        text, name = (config.content.decode("utf-8", "surrogateescape"), config.path) if config else ("", "")
    else:
        text, name = config_text(world) or "", ""
    return options.edited(text, proxy, name) if proxy and text else text


def why_restart(world: World, host: str) -> str:
    """Why the process must start anew, empty when it works by the wanted configuration; raises Unknown."""
    proxy, here = world.topology.kube_proxy, live.read(world.host(host))
    if proxy is None:
        return ""
    if not here.pid:
        return "it does not run"
    if not here.mode:
        raise Unknown(host, "kube-proxy's live mode", here.why_silent)
    if here.options is None:
        raise Unknown(host, "kube-proxy's live options", "it told its mode and no configuration")
    return "; ".join(options.differences(proxy, {**here.options, "mode": here.mode}))


def mode(text: str) -> str:
    """Of a configuration."""
    return str(get(text, ("mode",), options.KIND) or "iptables")


def selector(daemonset: Manifest) -> str:
    labels = daemonset["spec"]["selector"].get("matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def validator(here: Live) -> str:
    """kube-proxy itself reads and checks the staged file; it writes defaults to nowhere and ends."""
    return f'timeout 20 {quote(here.program)} --config="$1" --write-config-to=/dev/null' if here.program else ""


REPLACE = """
pods=$(while read -r node pod mode; do
  [ "$pod" != - ] || pod=$(K -n kube-system get pods -l {selector} --field-selector "spec.nodeName=$node" \
    -o 'jsonpath={{.items[0].metadata.name}}' </dev/null) ||
    {{ echo "kube-proxy's pod on $node cannot be looked up" >&2; exit 1; }}
  printf '%s %s %s\\n' "$node" "$pod" "$mode"
done) || exit 1
delete() {{
  K -n kube-system delete pod --ignore-not-found --wait=false $(printf '%s\\n' "$pods" | cut -d' ' -f2) >&2
}}
outdated() {{
  printf '%s\\n' "$pods" | while read -r node old mode; do
    pod=$(printf '%s\\n' "$now" |
      awk -v n="$node" -v o="$old" '$1 == n && $2 != o && $3 == "True" {{ print $2; exit }}')
    said=$(K -n kube-system logs --limit-bytes=65536 "$pod" </dev/null 2>/dev/null |
      sed -n 's/.*Using \\([a-z]*\\) Proxier.*/\\1/p' | tail -n 1)
    [ -z "$mode" ] || [ -z "$said" ] || [ "$said" = "$mode" ] || printf '%s %s %s\\n' "$node" "$pod" "$mode"
  done
}}
delete || exit 1
ends=$(($(date +%s) + {seconds}))
while :; do
  now=$(K -n kube-system get pods -l {selector} -o \
    'jsonpath={{range .items[*]}}{{.spec.nodeName}} {{.metadata.name}} \
{{.status.conditions[?(@.type=="Ready")].status}} {{.status.containerStatuses[0].state.waiting.reason}}\
{{"\\n"}}{{end}}')
  missing=$(printf '%s\\n--\\n%s\\n' "$now" "$pods" | awk '
    $1 == "--" {{ wanted = 1; next }}
    !wanted {{ seen[$1] = seen[$1] " " $2 ":" $3 $4; if ($3 == "True") ready[$1] = ready[$1] " " $2; next }}
    {{ others = ready[$1]; sub(" " $2 "( |$)", " ", others); if (others !~ /[^ ]/) print $1 ":" seen[$1] }}')
  if [ -z "$missing" ]; then
    missing=$(outdated)
    [ "$missing" ] || exit 0
    pods=$missing
    delete || exit 1
    sleep 5
  fi
  [ "$(date +%s)" -lt "$ends" ] || break
  sleep 0.3
done
echo "waited {seconds} s for new kube-proxy pods to be Ready; last seen: $missing" | tr '\\n' ' ' >&2
exit 1
"""
"""sh that reads "NODE POD MODE" lines. A kubelet that could not reach the API for a while gives new pods the ConfigMap
as it last saw it, for up to a minute: a pod that says it works in another mode is replaced once more."""


@deploy("kube-proxy pods")
def replace_pods(changes: Sequence[Change], prelude: str = "") -> None:
    """Deletes the pods of a batch and waits for their successors on the same nodes. Runs on a control plane.

    A restart of the container alone would read the old configuration: the kubelet refreshes a mounted
    ConfigMap only within its sync period. A pod without a name ("-") is the one that is there by then.
    """
    by_selector: dict[str, list[str]] = {}
    for change in changes:
        text = change.details.get("after_config")
        line = f"{change.details['node']} {change.details['pod'] or '-'} {mode(text) if text else ''}\n"
        by_selector.setdefault(change.details["selector"], []).append(line)
    for labels, lines in by_selector.items():
        script = prelude + REPLACE.format(selector=quote(labels), seconds=READY_WITHIN)
        operations.run_script(script, "".join(lines).encode(), name="replace pods", timeout=READY_WITHIN + 30)


CLEAN = f"""
clean() {{
  timeout -k 5 {CLEANUP_WITHIN} "$@" --cleanup >&2 || echo "kube-proxy --cleanup ended with status $?" >&2
  sweep
}}
"""
"""sh function `clean PROGRAM...`. What is left is no error here: the gate looks for it, and says what it is."""

FUNCTIONS = PIDS + SWEEP + CLEAN

CLEAN_UNIT = """
trap 'systemctl start -- {unit}' EXIT
timeout 60 systemctl stop -- {unit} || exit 1
clean {program}
"""

CLEAN_CONTAINER = """
pid=$(kube_proxy_pids | head -n 1)
[ "$pid" ] || { echo "kube-proxy does not run here" >&2; exit 1; }
program=$(readlink "/proc/$pid/exe")
trap 'kill -KILL "$pid"' EXIT
kill -STOP "$pid"
clean nsenter -t "$pid" -m -- "$program"
"""


@deploy("kube-proxy")
def roll_out(changes: Sequence[Change], prelude: str = "") -> None:
    """Files and restarts of a host; old rules go while no kube-proxy works on them."""
    rules = [change for change in changes if change.kind is Kind.RULES]
    if not rules:
        host_changes(changes, prelude)
        return
    for change in changes:
        if change.kind is Kind.FILE:
            write(change)
    if restarts(changes):
        operations.daemon_reload()
    operations.run_script(
        clean_script(rules[0]), name="remove packet rules of another mode", timeout=CLEANUP_WITHIN + 150
    )


def clean_script(change: Change) -> str:
    """sh that removes all of kube-proxy's rules and lets it start anew: as a unit, or as a container's process.

    The container's process is stopped in the sense of SIGSTOP while a second one cleans up in its root: it
    cannot write rules back, and its files stay there. The kubelet starts the killed container at once.
    """
    unit = change.details["unit"]
    if not unit:
        return FUNCTIONS + CLEAN_CONTAINER
    return FUNCTIONS + CLEAN_UNIT.format(unit=quote(f"{unit}.service"), program=quote(change.details["program"]))
