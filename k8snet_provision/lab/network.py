"""The lab's network on the machine: one bridge; every host hangs on it by one cable."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

from k8snet_provision.lab.settings import Lab

_SECONDS = 10
# systemd, containerd and kubelet of several hosts share these; a distribution gives 128 instances.
_INOTIFY = {"max_user_instances": 8192, "max_user_watches": 1048576}


# Hosts can not load modules themselves. Where a machine has them built in there is nothing to load.
# The last two are what kube-proxy's ipvs mode needs with the scheduler it takes by itself.
_MODULES = ("overlay", "br_netfilter", "nf_conntrack", "nf_tables", "vxlan", "ip_vs", "ip_vs_rr")


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=_SECONDS, check=True)
    return done.stdout


def _known(*arguments: str) -> list[dict[str, Any]]:
    return list(json.loads(_ip("-j", *arguments) or "[]"))


def plug_up(lab: Lab) -> None:
    """Make the bridge with the machine's address on it; load modules and raise limits that hosts share."""
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "--quiet", "--all", *_MODULES], capture_output=True, timeout=_SECONDS)
    if lab.bridge not in links():
        _ip("link", "add", lab.bridge, "type", "bridge")
        _ip("address", "add", f"{lab.gateway}/{lab.settings.network.prefixlen}", "dev", lab.bridge)
    _ip("link", "set", lab.bridge, "up")
    for name, wanted in _INOTIFY.items():
        file = Path("/proc/sys/fs/inotify", name)
        if int(file.read_text()) < wanted:
            file.write_text(str(wanted))


def plug_down(lab: Lab) -> None:
    """Remove every link and namespace that has this lab's name, remembered or not."""
    for namespace in _mine(lab, namespaces()):
        unplug(namespace, "")
    for link in _mine(lab, links()):
        unplug("", link)


def mac(lab: Lab, host: str) -> str:
    """The host's hardware address: the same after a reboot, so that neighbours need not learn a new one."""
    digest = hashlib.sha256(lab.machine(host).encode()).hexdigest()
    return ":".join(["02", *(digest[i : i + 2] for i in range(0, 10, 2))])


def links() -> frozenset[str]:
    return frozenset(path.name for path in Path("/sys/class/net").iterdir())


def namespaces() -> frozenset[str]:
    directory = Path("/run/netns")
    return frozenset(path.name for path in directory.iterdir()) if directory.is_dir() else frozenset()


def _mine(lab: Lab, names: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(n for n in names if n == lab.prefix or n.startswith(f"{lab.prefix}-")))


def unplug(namespace: str, link: str) -> None:
    """Remove a host's cable and namespace, as far as they are there."""
    if link in links():
        subprocess.run(["ip", "link", "del", link], capture_output=True, timeout=_SECONDS)
    if namespace in namespaces():
        subprocess.run(["ip", "netns", "del", namespace], capture_output=True, timeout=_SECONDS)


def cut(link: str) -> None:
    """Take the carrier away, as losing power does: the namespace would go on answering for a while."""
    subprocess.run(["ip", "link", "set", link, "down"], capture_output=True, timeout=_SECONDS)


def users_of(network: IPv4Network, own: str) -> tuple[str, ...]:
    """What on this machine other than the link `own` has an address or a route inside the network."""
    found = []
    for link in _known("address"):
        for address in link.get("addr_info", ()):
            if address["family"] != "inet" or link["ifname"] == own:
                continue
            if IPv4Interface(f"{address['local']}/{address['prefixlen']}").network.overlaps(network):
                found.append(f"{link['ifname']} has {address['local']}/{address['prefixlen']}")
    for route in _known("-4", "route"):
        if route["dst"] != "default" and route.get("dev") != own and IPv4Network(route["dst"]).overlaps(network):
            found.append(f"{route.get('dev', 'a route')} leads to {route['dst']}")
    return tuple(dict.fromkeys(found))
