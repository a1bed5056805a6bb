"""TCP ports of a host that have to be free, and who holds those that are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from k8snet_provision.ingress.exposure import HEALTH, HTTP, HTTPS, WEBHOOK_PORT
from k8snet_provision.resources.probe import HostSeen, Probe
from k8snet_provision.topology.ingress import Ingress

KEY = "ingress:ports"

HOST_NETWORK = (HTTP, HTTPS, 8181, 10245, 10246, 10247, HEALTH)
"""What the controller listens on in its pod's network: also the default server, profiling, status and streams."""

LISTENERS = r"""
listeners() {
  if command -v ss >/dev/null 2>&1; then
    ss -Hltnp | awk '{
      port = $4; sub(/.*:/, "", port); name = "?"; pid = "-"
      if (match($0, /\(\("[^"]*",pid=[0-9]+/)) {
        said = substr($0, RSTART + 3, RLENGTH - 3); split(said, part, "\",pid="); name = part[1]; pid = part[2]
      }
      print port, pid, name
    }'
  else
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { split($2, at, ":"); print at[2], $10 }' |
      while read -r hex inode; do
        pid=$(ls -l /proc/[0-9]*/fd 2>/dev/null |
          awk -v s="socket:[$inode]" '/^\/proc/ { split($1, p, "/") } $NF == s { print p[3]; exit }')
        echo "$((0x$hex)) ${pid:--} $(cat "/proc/${pid:--}/comm" 2>/dev/null || echo "?")"
      done
  fi
}
listeners | sort -u | while read -r port pid name; do
  case $ports in *" $port "*) ;; *) continue ;; esac
  id='[0-9a-f]\{8\}[-_][0-9a-f]\{4\}[-_][0-9a-f]\{4\}[-_][0-9a-f]\{4\}[-_][0-9a-f]\{12\}'
  pod=$(sed -n "s/.*pod\($id\).*/\1/p" "/proc/$pid/cgroup" 2>/dev/null | head -n 1 | tr _ -)
  echo "$port ${pod:--} $pid $name"
done
"""
"""A line for each listener of $ports: port, UID of its pod or -, process, program."""


@dataclass(frozen=True)
class Holder:
    """Who listens on a port; `pod` is the UID of its pod, empty for what is no pod."""

    port: int
    pod: str
    pid: str
    program: str

    def __str__(self) -> str:
        return f"{self.port} by {self.program}" + (f" (process {self.pid})" if self.pid != "-" else "")


def wanted(ingress: Ingress) -> Sequence[int]:
    """The ports that the wanted way in takes on a node."""
    if ingress.pattern == "host_network":
        return (*HOST_NETWORK, *((WEBHOOK_PORT,) if ingress.admission else ()))
    ports = ingress.node_port
    return (ports.http, ports.https, ports.health) if ingress.pattern == "node_port" else ()


def probe(ports: Sequence[int]) -> Probe:
    return Probe(KEY, f"ports=' {' '.join(map(str, ports))} '\n{LISTENERS}")


def holders(seen: HostSeen) -> Iterable[Holder]:
    """Each port once. Raises Unknown."""
    lines = (line.split(" ", 3) for line in (seen.text(KEY) or "").splitlines())
    found = {int(port): Holder(int(port), pod.strip("-"), pid, name) for port, pod, pid, name in lines}
    return found.values()
