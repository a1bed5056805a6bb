"""KubeProxyConfiguration: the keys that the topology gives, set in its text and compared with what is in force."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from k8snet_provision.edits.yaml_value import get, with_value
from k8snet_provision.topology.kube_proxy import KubeProxy

KIND = "KubeProxyConfiguration"
MODES = ("iptables", "ipvs", "nftables")
DEFAULT_MODE = "iptables"
"""On Linux, where none is given."""

HEALTHZ_PORT, METRICS_PORT = 10256, 10249
"""kubernetes.io/docs/reference/networking/ports-and-protocols."""

_NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_DEFAULT_SYNC = "1s"
"""What kube-proxy makes of a minSyncPeriod of 0 in iptables and nftables mode (its v1alpha1 defaults)."""


@lru_cache(maxsize=4096)
def edited(text: str, proxy: KubeProxy, file: str = "") -> str:
    """The configuration's text with the given keys set, every other byte kept; raises EditRefused.

    An edit is proved by reading the text again and again, which takes a tenth of a second: it is kept for
    the many hosts and questions with the same text, and not made where the values are there already.
    """
    return text if _holds(text, proxy) else with_value(text, (), proxy.as_api(), KIND, file)


def _holds(text: str, proxy: KubeProxy) -> bool:
    """True for a single document that has every given value as it is wanted."""
    try:
        data = YAML(typ="safe").load(text)
    except (YAMLError, ValueError):
        return False
    return isinstance(data, dict) and all(
        type(found := _exact(data, path)) is type(value) and found == value for path, value in _leaves(proxy.as_api())
    )


def _exact(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def address(text: str, key: str, port: int) -> str:
    """Where this host reaches `healthzBindAddress` or `metricsBindAddress` of a configuration, as HOST:PORT."""
    value = str(get(text, (key,), KIND) or "")
    return local(value or f"127.0.0.1:{port}", port)


def local(bind: str, port: int) -> str:
    """HOST:PORT under which the host itself reaches a bind address; every address includes the loopback's."""
    host, colon, given = bind.rpartition(":")
    if not colon or bind.endswith("]"):
        host, given = bind, str(port)
    elif ":" in host and not host.startswith("["):  # a bare IPv6 address
        host, given = f"[{bind}]", str(port)
    return f"{ {'0.0.0.0': '127.0.0.1', '[::]': '[::1]', '': '127.0.0.1'}.get(host, host) }:{given}"


def differences(proxy: KubeProxy, live: Mapping[str, Any]) -> Iterator[str]:
    """`key: live -> wanted` for each given key whose value is not in force; `live` is what /configz tells.

    The sections of other modes are left out: kube-proxy does not read them, and /configz does not hold them.
    """
    for path, wanted in _leaves(proxy.as_api()):
        if path[0] in MODES and path[0] != proxy.mode:
            continue
        found = _in_force(live, path, wanted)
        if _canonical(path, found, proxy.mode) != _canonical(path, wanted, proxy.mode):
            yield f"{'.'.join(path)}: {_shown(found)} -> {_shown(wanted)}"


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(part, (*path, key))
    else:
        yield path, value


def _in_force(live: Mapping[str, Any], path: tuple[str, ...], wanted: Any) -> Any:
    """The value at a path of KubeProxyConfiguration.

    Up to Kubernetes 1.35 /configz shows kube-proxy's internal type: Go's names, options of every mode in one
    place, and the node's own addresses in place of `primary`.
    """
    if live.get("kind") == KIND:
        return _lookup(live, path)
    match path:
        case (_, "minSyncPeriod"):
            return _lookup(live, ("MinSyncPeriod",))
        case (_, "masqueradeAll"):
            return _lookup(live, ("Linux", "MasqueradeAll"))
        case ("conntrack", key):
            return _lookup(live, ("Linux", "Conntrack", key))
        case ("nodePortAddresses",) if list(wanted) in ([], ["primary"]):
            found = _lookup(live, path) or []
            return ["primary"] if found and all(net.endswith(("/32", "/128")) for net in found) else found
    return _lookup(live, path)


def _lookup(live: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Whatever the case of the names: `ipvs.strictARP` is `IPVS.StrictARP` in Go."""
    found: Any = live
    for key in path:
        named = {name.lower(): value for name, value in found.items()} if isinstance(found, Mapping) else {}
        found = named.get(key.lower())
    return found


def _canonical(path: tuple[str, ...], value: Any, mode: str) -> Any:
    """The value as kube-proxy uses it: its defaults filled in, durations in nanoseconds, addresses with a port."""
    match path[-1]:
        case "minSyncPeriod":
            return nanoseconds(str(value or "0")) or (nanoseconds(_DEFAULT_SYNC) if mode != "ipvs" else 0)
        case "nodePortAddresses":
            return list(value or (["primary"] if mode == "nftables" else []))
        case "healthzBindAddress":
            return _with_port(str(value or "0.0.0.0"), HEALTHZ_PORT)
        case "metricsBindAddress":
            return _with_port(str(value or "127.0.0.1"), METRICS_PORT)
    return list(value) if isinstance(value, list | tuple) else value


def _with_port(bind: str, port: int) -> str:
    host, colon, _ = bind.rpartition(":")
    bare = not colon or bind.endswith("]") or (":" in host and not host.startswith("["))
    return f"{bind}:{port}" if bare else bind


def nanoseconds(duration: str) -> int:
    """A Go duration such as `1m30s`, `500ms` or `0`."""
    parts = re.findall(r"([0-9.]+)(ns|us|µs|ms|s|m|h)", duration)
    return sum(round(float(number) * _NANOSECONDS[unit]) for number, unit in parts)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(str, value))}]"
    return "unset" if value is None else str(value)
