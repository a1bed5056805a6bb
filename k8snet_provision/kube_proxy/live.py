"""What runs on a host: kube-proxy's process, its unit if it is one, and the configuration in force."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from shlex import quote
from typing import Any

from k8snet_provision.kube_proxy.http import HTTP_GET
from k8snet_provision.kube_proxy.options import METRICS_PORT, local
from k8snet_provision.resources.file import SEND_FILE, File, unpack
from k8snet_provision.resources.probe import HostSeen, Probe, Unknown

KEY = "kube-proxy"

PIDS = r"""
PATH=$PATH:/usr/sbin:/sbin
us=$(printf '\037')
kube_proxy_pids() {
  for p in /proc/[0-9]*; do
    IFS= read -r line <"$p/cmdline" 2>/dev/null
    case $line in *kube-proxy*) ;; *) continue ;; esac
    argv=$(tr '\0' '\037' <"$p/cmdline") || continue
    first=${argv%%"$us"*}
    [ "${first##*/}" = kube-proxy ] && echo "${p#/proc/}"
  done
}
"""
"""sh function `kube_proxy_pids`: by argv[0], whether the process is of a unit or in a container of this host."""


@dataclass(frozen=True)
class Live:
    """`unit` is systemd's ActiveState, empty where there is no such unit; `pid` is 0 where nothing runs.

    `config_path` is of the running process, in its own view of the file system; `config` its content where
    kube-proxy is a unit. `mode` and `options` are what the process itself tells; empty where it was not asked
    or did not answer, with the reason in `why_silent`.
    """

    unit: str = ""
    enabled: str = ""
    pids: tuple[int, ...] = ()
    pid: int = 0
    program: str = ""
    config_path: str = ""
    config: File | None = None
    mode: str = ""
    options: Mapping[str, Any] | None = None
    why_silent: str = ""

    @property
    def is_unit(self) -> bool:
        """systemd runs it, or would at the next boot: a unit file alone may be a leftover."""
        return self.unit not in ("", "inactive") or self.enabled in ("enabled", "enabled-runtime")


def probe(unit: str, metrics: str = "") -> Probe:
    """`metrics` is the wanted bind address: tried beside the one in the configuration and the default."""
    default = f"127.0.0.1:{METRICS_PORT}"
    addresses = [local(metrics, METRICS_PORT), default] if metrics else [default]
    return Probe(KEY, _SCRIPT.format(unit=quote(f"{unit}.service"), addresses=" ".join(map(quote, addresses))))


_FIND = r"""
show=$(systemctl show -p LoadState,ActiveState,UnitFileState,MainPID,ExecStart -- {unit} 2>/dev/null)
value() {{ printf '%s\n' "$show" | sed -n "s/^$1=//p" | head -n 1; }}
start=$(value ExecStart)
main=$(value MainPID); pids=$(kube_proxy_pids); config=; argv=
[ "${{main:-0}}" -gt 0 ] && pid=$main || {{ main=0; pid=$(printf '%s\n' "$pids" | head -n 1); }}
if [ "$pid" ]; then
  argv=$(tr '\0' '\037' <"/proc/$pid/cmdline")
  program=$(readlink "/proc/$pid/exe")
  set -f; IFS=$us; set -- $argv; unset IFS; set +f
  while [ $# -gt 0 ]; do
    case $1 in --config=*) config=${{1#*=}} ;; --config) config=$2 ;; esac
    shift
  done
else
  config=$(printf '%s\n' "$start" | sed -n 's/.*--config[= ]\([^ ;]*\).*/\1/p')
  program=$(printf '%s\n' "$start" | sed -n 's/.*{{ path=\([^ ;]*\).*/\1/p')
fi
root=; [ "$pid" ] && [ "$pid" != "$main" ] && root=/proc/$pid/root
"""

_ASK = r"""
metrics() {{
  sed -n "s/^metricsBindAddress:[ \"']*\([^ \"'#]*\).*/\1/p" "$root$config" 2>/dev/null |
    sed -e 's/^0\.0\.0\.0/127.0.0.1/' -e 's/^\[::\]/[::1]/' -e '/]$/s/$/:10249/' -e '/:/!s/$/:10249/'
}}
mode=; why=
if [ "$pid" ]; then
  for at in $(metrics) {addresses}; do
    mode=$(http_get "$at" /proxyMode) && break
    why="no answer from http://$at/proxyMode${{mode:+: $mode}}"; mode=
  done
fi
"""

_TELL = r"""
[ "$(value LoadState)" = loaded ] && printf 'unit=%s\nenabled=%s\n' "$(value ActiveState)" "$(value UnitFileState)"
printf 'pid=%s\npids=%s\nprogram=%s\nconfig=%s\n' "$pid" "$(echo $pids)" "$program" "$config"
if [ "$mode" ]; then
  printf 'mode=%s\nconfigz=' "$mode"; http_get "$at" /configz; echo
elif [ "$pid" ]; then
  printf 'why=%s\n' "$why"
fi
echo
if [ -z "$root" ] && [ "$config" ]; then send_file "$config" || [ $? = 4 ]; fi
"""

_SCRIPT = (
    f"{HTTP_GET}{PIDS}{SEND_FILE}".replace("{", "{{").replace("}", "}}")
    + _FIND
    + _ASK
    + _TELL.replace("{", "{{").replace("}", "}}")
)


def read(seen: HostSeen) -> Live:
    """What was seen; raises Unknown."""
    return _parsed(seen.host, seen.data(KEY) or b"")


@lru_cache(maxsize=2048)
def _parsed(host: str, data: bytes) -> Live:
    """Kept, because every question about a host begins with it."""
    head, _, rest = data.partition(b"\n\n")
    values = dict(line.split("=", 1) for line in head.decode("utf-8", "replace").splitlines() if "=" in line)
    files = unpack(host, rest)
    return Live(
        unit=values.get("unit", ""),
        enabled=values.get("enabled", ""),
        pids=tuple(map(int, values.get("pids", "").split())),
        pid=int(values.get("pid") or 0),
        program=values.get("program", ""),
        config_path=values.get("config", ""),
        config=files[0] if files else None,
        mode=values.get("mode", ""),
        options=_configz(host, values.get("configz", "")),
        why_silent=values.get("why", ""),
    )


def _configz(host: str, text: str) -> Mapping[str, Any] | None:
    """The one configuration in /configz's answer, None where there is none."""
    if not text:
        return None
    try:
        found = json.loads(text)
        options = next(iter(found.values()))
    except (ValueError, AttributeError, StopIteration):
        raise Unknown(host, KEY, f"/configz answered no configuration: {text[:200]}") from None
    return options if isinstance(options, dict) else None
