"""When kube-proxy may go on to the next batch: healthy in its mode, Services answer, no other mode's rules."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from deploys.kube_proxy_steps import mode, wanted_text
from deploys.kube_proxy_undo import api_address
from k8snet_provision.capability import Gate
from k8snet_provision.change import Change, Kind
from k8snet_provision.kube_proxy import options, residue
from k8snet_provision.kube_proxy.http import HTTP_GET
from k8snet_provision.seen import World


def _text(world: World, host: str, changes: Sequence[Change]) -> str:
    """The configuration the host has after these changes: of a change that was turned round, the old one."""
    written = [change.after for change in changes if change.kind is Kind.FILE and change.after]
    told = [change.details["after_config"] for change in changes if change.details.get("after_config")]
    return (written or told or [wanted_text(world, host)])[-1]


LAST_WORDS = """
last_words() {
  newest=$(ls -t /var/log/pods/kube-system_kube-proxy-*/kube-proxy/*.log 2>/dev/null | head -n 1)
  if [ "$newest" ]; then tail -n 1 "$newest"; else journalctl "_SYSTEMD_UNIT=$1.service" -n 1 --no-pager -o cat; fi |
    cut -c1-300
}
"""
"""sh function `last_words UNIT`: the last line kube-proxy logged, as the reason why it does not answer."""


def healthy(world: World, host: str, changes: Sequence[Change]) -> str:
    """/healthz answers 200 and /proxyMode is the configuration's."""
    text = _text(world, host, changes)
    healthz = quote(options.address(text, "healthzBindAddress", options.HEALTHZ_PORT))
    metrics = quote(options.address(text, "metricsBindAddress", options.METRICS_PORT))
    unit = quote(world.topology.control_plane.units.kube_proxy)
    return f"""{HTTP_GET}{LAST_WORDS}
fail() {{ echo "no 200 from http://$1 $2; kube-proxy logged: $(last_words {unit})"; exit 1; }}
said=$(http_get {healthz} /healthz) || fail {healthz}/healthz "$said"
mode=$(http_get {metrics} /proxyMode) || fail {metrics}/proxyMode "$mode"
echo "runs in mode $mode"
[ "$mode" = {quote(mode(text))} ]"""


def services_answer(world: World, host: str, changes: Sequence[Change]) -> str:
    """The API's own Service takes connections from this node; where its range moves, at one of its addresses."""
    told = [change.details.get(f"{side}_api", "") for change in changes for side in ("after", "before")]
    known = (*told, str(world.topology.first_service_address), api_address(world))
    addresses = tuple(dict.fromkeys(filter(None, known)))
    tries = "\n".join(f'tcp_answers {address} 443 && {{ echo "{address} answers"; exit 0; }}' for address in addresses)
    return f"""{HTTP_GET}{tries}
echo "no connection to port 443 of "{quote(" or ".join(addresses))}
exit 1"""


def started_clean(world: World, host: str, changes: Sequence[Change]) -> str:
    """What the start itself clears is gone; the rest is removed afterwards, as the plan says."""
    return residue.gone(residue.CLEARED_BY_START[mode(_text(world, host, changes))])


def clean(world: World, host: str, changes: Sequence[Change]) -> str:
    return residue.gone(residue.FOREIGN[mode(_text(world, host, changes))])


HEALTHY = Gate("kube-proxy healthy in its mode", healthy, deadline=60)
SERVICES = Gate("Services answer", services_answer, deadline=30)
STARTED_CLEAN = Gate("no rules of another mode", started_clean, deadline=30)
CLEAN = Gate("no rules of another mode", clean, deadline=30)
