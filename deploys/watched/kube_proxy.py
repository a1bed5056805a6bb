"""kube-proxy where the topology leaves it out: its live mode against its own configuration, rules of another mode.

Where the topology has it the plan tells both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deploys.watched.found import found
from k8snet_provision.drift import Code, Finding, Watch
from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.edits.yaml_value import get
from k8snet_provision.kube_proxy import live, residue
from k8snet_provision.kube_proxy.install import CONFIG_MAP, DAEMONSET, config_text
from k8snet_provision.kube_proxy.live import Live
from k8snet_provision.kube_proxy.options import DEFAULT_MODE, KIND
from k8snet_provision.resources.kube_object import ObjectRef
from k8snet_provision.resources.probe import Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

NAME = "kube-proxy"


def probes(cluster: Cluster, host: str) -> Iterator[Probe]:
    if cluster.topology.kube_proxy is None:
        yield live.probe(cluster.topology.control_plane.units.kube_proxy)
        yield residue.probe()


def reads(cluster: Cluster) -> Iterable[ObjectRef]:
    return () if cluster.topology.kube_proxy else (DAEMONSET, CONFIG_MAP)


def on_host(world: World, host: str) -> Iterator[Finding]:
    """Nothing is wanted of one that does not run, or keeps its mode to itself."""
    if world.topology.kube_proxy is not None:
        return
    seen = world.host(host)
    here = live.read(seen)
    if here.mode not in residue.FOREIGN:
        return
    if (configured := _configured(world, host, here)) != here.mode:
        text = "is not the mode of its configuration: it was not started anew since that changed"
        before, after = f"{here.mode}\n", f"{configured}\n"
        mend = _mend(world, host, here)
        yield found(world, Code.PROXY_MODE, host, NAME, "live mode", text, before=before, after=after, mend=mend)
    if left := residue.left_over(residue.read(seen), here.mode, restarts=False):
        text = f"kube-proxy works in mode {here.mode}, and rules of another one may still catch packets"
        before = "".join(f"{line}\n" for line in left)
        mend = f"on {host}: kube-proxy --cleanup, then start kube-proxy anew; or give the topology its kube_proxy"
        what = "packet rules of another mode"
        yield found(world, Code.RULES_LEFT, host, NAME, what, text, before=before, mend=mend)


def _configured(world: World, host: str, here: Live) -> str:
    """The mode that its configuration asks for; the live one where there is none to be read. Raises Unknown."""
    text = here.config.content.decode("utf-8", "surrogateescape") if here.config else None
    if text is None and not here.is_unit:
        text = config_text(world)
    try:
        return str(get(text, ("mode",), KIND) or DEFAULT_MODE) if text is not None else here.mode
    except EditRefused as refused:
        raise Unknown(host, "kube-proxy's configuration", str(refused)) from None


def _mend(world: World, host: str, here: Live) -> str:
    if here.is_unit:
        return f"on {host}: systemctl restart {world.topology.control_plane.units.kube_proxy}"
    return "kubectl -n kube-system rollout restart daemonset/kube-proxy"


WATCH = Watch(NAME, hosts=("kube_node", "kube_control_plane"), probes=probes, reads=reads, on_host=on_host)
