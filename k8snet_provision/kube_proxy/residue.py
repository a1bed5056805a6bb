"""Packet rules that a mode of kube-proxy makes, and those of other modes that are still on a host.

The kubelet's own chains (KUBE-KUBELET-CANARY, KUBE-FIREWALL, KUBE-IPTABLES-HINT) are none of kube-proxy's.
"""

from __future__ import annotations

import re

from k8snet_provision.kube_proxy.live import PIDS
from k8snet_provision.resources.probe import HostSeen, Probe, Unknown

KEY = "kube-proxy:rules"

SHARED = r"^chain KUBE-(SERVICES|MARK-MASQ|POSTROUTING|FORWARD|PROXY-FIREWALL) "
"""Chains of both the iptables and the ipvs mode."""
IPTABLES = r"^chain KUBE-((SVC|SEP|SVL|EXT|FW|XLB)-|(NODEPORTS|EXTERNAL-SERVICES|PROXY-CANARY) )"
IPVS_CHAINS = r"^chain KUBE-(NODE-PORT|LOAD-BALANCER|SOURCE-RANGES-FIREWALL|IPVS-FILTER|IPVS-OUT-FILTER) "
IPVS = f"^link |^set |{IPVS_CHAINS}"
NFTABLES = r"^table "

FOREIGN = {
    "iptables": f"{IPVS}|{NFTABLES}",
    "ipvs": f"{IPTABLES}|{NFTABLES}",
    "nftables": f"{SHARED}|{IPTABLES}|{IPVS}",
}
"""What must not be there in a mode, as an extended regular expression over the probe's lines."""

CLEARED_BY_START = {
    "iptables": NFTABLES,
    "ipvs": NFTABLES,
    # The IPv6 sets are missing from the list that kube-proxy's clean-up goes through.
    "nftables": f"{SHARED}|{IPTABLES}|^link |^set KUBE-[^6]|{IPVS_CHAINS}",
}
"""What a start in a mode clears: start-up clean-up only crosses between nftables and the other two."""

RULES = r"""
proxy=$(kube_proxy_pids | head -n 1)
tool() {
  if command -v "$1" >/dev/null 2>&1; then "$@"
  elif [ "$proxy" ] && [ -d "/proc/$proxy/root" ]; then nsenter -t "$proxy" -m -- "$@" 2>/dev/null
  else return 127
  fi
}
rules() {
  chains= ; asked=
  for save in iptables-save iptables-legacy-save iptables-nft-save ip6tables-save ip6tables-legacy-save \
    ip6tables-nft-save; do
    if answer=$(tool "$save" 2>/dev/null); then
      asked=yes
      chains="$chains
$(printf '%s\n' "$answer" | sed -n 's/^:\(KUBE-[^ ]*\) .*/\1/p')"
    fi
  done
  if [ ! "$asked" ] && [ ! -s /proc/net/ip_tables_names ] && answer=$(tool nft list chains 2>/dev/null); then
    asked=yes
    chains=$(printf '%s\n' "$answer" | sed -n 's/^[[:space:]]*chain \(KUBE-[^ ]*\) {.*/\1/p')
  fi
  [ "$asked" ] || { echo "neither iptables-save nor nft can be run here"; return 1; }
  printf '%s\n' "$chains" | sed -n -e 's/-[A-Z0-9]\{16\}$/-*/' -e 's/^KUBE/chain KUBE/p' | sort | uniq -c |
    awk '{ print $2, $3, $1 }'
  tables=$(tool nft list tables 2>/dev/null) && printf '%s\n' "$tables" | grep -E '^table ip6? kube-proxy *$'
  sets=$(tool ipset list -n 2>/dev/null) && printf '%s\n' "$sets" | sed -n 's/^KUBE-/set KUBE-/p'
  [ -d /sys/class/net/kube-ipvs0 ] && echo "link kube-ipvs0"
  return 0
}
"""
"""sh function `rules`: one line for each chain (with how many are alike), table, set and link of kube-proxy.

Tools that the host lacks are taken from kube-proxy's own container, which shares the host's network. nft alone
sees the chains of iptables-nft; that there are others shows in ip_tables_names.
"""


def probe() -> Probe:
    return Probe(KEY, f"{PIDS}{RULES}rules")


def read(seen: HostSeen) -> tuple[str, ...]:
    """The probe's lines; raises Unknown."""
    text = seen.text(KEY)
    if text is None:
        raise Unknown(seen.host, KEY, "it gave no answer")
    return tuple(text.splitlines())


def left_over(lines: tuple[str, ...], mode: str, *, restarts: bool) -> tuple[str, ...]:
    """The rules of other modes that stay; what a start clears is no matter where kube-proxy starts anew anyway."""
    found = tuple(line for line in lines if re.search(FOREIGN[mode], line))
    return tuple(line for line in found if not re.search(CLEARED_BY_START[mode], line)) if restarts else found


def gone(pattern: str) -> str:
    """sh that exits 0 when no line matches the extended regular expression."""
    return f"""{PIDS}{RULES}
found=$(rules) || {{ echo "$found"; exit 1; }}
left=$(printf '%s\\n' "$found" | grep -E '{pattern}') || {{ echo "none left"; exit 0; }}
printf '%s\\n' "$left" | sed 's/^/still there: /' | head -n 1
exit 1"""
