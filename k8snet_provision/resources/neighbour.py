"""Who answers for an address on the host's own network segment: ARP and neighbour discovery, by the kernel.

Nothing but `ip` and bash is needed: a datagram to the discard port makes the kernel ask, and what it learned is
read from its neighbour table. An entry from before is dropped first, for it may be of a machine long gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from k8snet_provision.resources.probe import HostSeen, Probe, Unknown

IPAddress = IPv4Address | IPv6Address

HERE = "here"
"""In place of a MAC: the host itself has the address."""

SECONDS = 1.0
"""How long an answer is waited for; one on the same segment comes within milliseconds."""

KEY = "neighbours"

ASK = r"""
command -v ip >/dev/null || { echo "ip (iproute2) is not installed"; exit 1; }
command -v bash >/dev/null || { echo "bash is not installed"; exit 1; }
asked=
for a in $addresses; do
  if [ "$(ip -o addr show to "$a" 2>/dev/null)" ]; then printf '%s here\n' "$a"; continue; fi
  route=$(ip -o route get "$a" 2>/dev/null) || continue
  case $route in *" via "*) continue ;; esac
  ip neigh del "$a" dev "$(printf '%s\n' "$route" | sed 's/.* dev \([^ ]*\).*/\1/')" 2>/dev/null
  asked="$asked $a"
done
[ "$asked" ] || exit 0
bash -c 'for a; do echo >"/dev/udp/$a/9"; done' knock $asked 2>/dev/null
for turn in $(seq 20); do
  open=
  for a in $asked; do
    case $(ip neigh show to "$a") in *lladdr* | *FAILED*) ;; *) open=yes; break ;; esac
  done
  [ "$open" ] || break
  sleep "$pause"
done
for a in $asked; do ip neigh show to "$a" | sed -n 's/^\([^ ]*\) .*lladdr \([^ ]*\) .*/\1 \2/p'; done
"""


def probe(addresses: Sequence[IPAddress], key: str = KEY) -> Probe:
    """Asks for all of them at once; addresses behind a gateway are left out, for nobody here can answer for them."""
    words = " ".join(map(str, addresses))
    return Probe(key, f"addresses='{words}'; pause={SECONDS / 20:g}\n{ASK}")


def read(seen: HostSeen, key: str = KEY) -> Mapping[IPAddress, str]:
    """MAC, or HERE, by address; addresses nobody answers for are not in it. Raises Unknown."""
    rows = [line.split() for line in (seen.text(key) or "").splitlines()]
    try:
        return {ip_address(address): mac.lower() for address, mac in rows}
    except ValueError:
        raise Unknown(seen.host, key, "the answer cannot be read") from None
