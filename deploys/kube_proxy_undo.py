"""What undoes a change of kube-proxy's mode; each change says what kube-proxy worked by before it, and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from deploys.kube_proxy_steps import mode, wanted_text
from k8snet_provision import undoing
from k8snet_provision.change import Change, Kind
from k8snet_provision.edits.yaml_value import get
from k8snet_provision.kube_proxy import live, options
from k8snet_provision.kube_proxy.install import SYSTEMD, config_text, install
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World

TOLD = ("mode", "healthzBindAddress", "metricsBindAddress")
"""The keys of the configuration that gates go by."""


def sides(world: World, host: str) -> dict[str, str]:
    """Details for the changes of a host: what gates go by, before and after. Raises EditRefused and Unknown."""
    return {
        "before_config": told(_text(world, host)),
        "after_config": told(wanted_text(world, host)),
        "before_api": api_address(world),
        "after_api": str(world.topology.first_service_address),
    }


def _text(world: World, host: str) -> str:
    if install(world) != SYSTEMD:
        return config_text(world) or ""
    config = live.read(world.host(host)).config
    return config.content.decode("utf-8", "surrogateescape") if config else ""


def told(text: str) -> str:
    """The configuration, cut down to what gates go by."""
    values = {key: get(text, (key,), options.KIND) for key in TOLD} if text else {}
    return f"kind: {options.KIND}\n" + "".join(f"{key}: {value!r}\n" for key, value in values.items() if value)


def api_address(world: World) -> str:
    """Of the Service default/kubernetes as it is there; empty where that is not known."""
    try:
        services = world.state.services
    except Unknown:
        return ""
    names = ((item["metadata"]["namespace"], item["metadata"]["name"], item["spec"]) for item in services)
    return next((s["clusterIP"] for space, name, s in names if (space, name) == ("default", "kubernetes")), "")


def pods_undone(changes: Sequence[Change]) -> Iterator[Change]:
    """By the old ConfigMap pods start anew once more; what they are called by then is looked up when it is done."""
    for change in changes:
        back = change.inverted()
        yield replace(back, details={**back.details, "pod": ""}, because="its ConfigMap is the one of before")


def undone(changes: Sequence[Change]) -> Iterator[Change]:
    """As usual; and where rules of the old mode were removed, those of the new one are now left over in their turn."""
    yield from undoing.simply(changes)
    yield from _rules(changes)


def _rules(changes: Iterable[Change]) -> Iterator[Change]:
    for change in changes:
        if change.kind is not Kind.RULES or "before_config" not in change.details:
            continue
        modes = {side: mode(change.details[f"{side}_config"]) for side in ("before", "after")}
        if modes["before"] != modes["after"]:
            text, because = f"rules of mode {modes['after']}\n", f"no rules of mode {modes['before']}"
            yield replace(change.inverted(), before=text, after=None, because=because)
