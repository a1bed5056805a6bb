"""Packet rules that a mode of kube-proxy makes, and those of other modes that are still on a host.

The names are those of kube-proxy's proxiers. Chains and sets of the kubelet (KUBE-KUBELET-CANARY,
KUBE-FIREWALL, KUBE-IPTABLES-HINT) and of network plugins (KUBE-ROUTER-*, KUBE-SRC-*) are none of its own.
"""

from __future__ import annotations

import re

from k8snet_provision.kube_proxy.live import PIDS
from k8snet_provision.resources.probe import HostSeen, Probe, Unknown

KEY = "kube-proxy:rules"

SHARED_CHAINS = r"KUBE-(SERVICES|MARK-MASQ|POSTROUTING|FORWARD|PROXY-FIREWALL)"
"""Of the iptables mode and of the ipvs mode."""
IPTABLES_CHAINS = r"KUBE-((SVC|SEP|SVL|EXT|FW|XLB)-[A-Z0-9*]+|NODEPORTS|EXTERNAL-SERVICES|PROXY-CANARY)"
IPVS_CHAINS = r"KUBE-(NODE-PORT|LOAD-BALANCER|SOURCE-RANGES-FIREWALL|IPVS-FILTER|IPVS-OUT-FILTER)"
OWN_CHAINS = f"({SHARED_CHAINS}|{IPTABLES_CHAINS}|{IPVS_CHAINS})"

_SETS = r"(LOOP-BACK|CLUSTER-IP|EXTERNAL-IP|LOAD-BALANCER|NODE-PORT|HEALTH-CHECK-NODE-PORT|IPVS-IPS)[A-Z-]*"
OWN_SETS = f"KUBE-(6-)?{_SETS}"

_IPTABLES = f"chain {IPTABLES_CHAINS}"
_IPVS = f"chain {IPVS_CHAINS}|set {OWN_SETS}|link kube-ipvs0"
_NFTABLES = r"table ip6? kube-proxy"

FOREIGN = {
    "iptables": f"^({_IPVS}|{_NFTABLES})( |$)",
    "ipvs": f"^({_IPTABLES}|{_NFTABLES})( |$)",
    "nftables": f"^(chain {SHARED_CHAINS}|{_IPTABLES}|{_IPVS})( |$)",
}
"""What must not be there in a mode, as an extended regular expression over the probe's lines."""

CLEARED_BY_START = {
    "iptables": f"^({_NFTABLES})( |$)",
    "ipvs": f"^({_NFTABLES})( |$)",
    # The IPv6 sets are missing from the list that kube-proxy's clean-up goes through.
    "nftables": f"^(chain {OWN_CHAINS}|set KUBE-{_SETS}|link kube-ipvs0)( |$)",
}
"""What a start in a mode clears: start-up clean-up only crosses between nftables and the other two."""

TOOL = r"""
proxy=$(kube_proxy_pids | head -n 1)
tool() {
  if command -v "$1" >/dev/null 2>&1; then "$@"
  elif [ "$proxy" ] && [ -d "/proc/$proxy/root" ]; then nsenter -t "$proxy" -m -- "$@" 2>/dev/null
  else return 127
  fi
}
"""
"""sh function `tool PROGRAM...`: what the host lacks is taken from kube-proxy's own container, which shares the
host's network."""

RULES = (
    TOOL
    + r"""
dumps() {
  for family in iptables ip6tables; do
    some=
    for variant in "$family-legacy" "$family-nft"; do tool "$variant-save" 2>/dev/null && some=yes && echo asked; done
    [ "$some" ] || ! tool "$family-save" 2>/dev/null || echo asked
  done
}
rules() {
  chains=$(dumps | sed -n -e 's/^:\(KUBE-[^ ]*\) .*/\1/p' -e '/^asked$/p')
  if [ ! "$chains" ]; then
    [ ! -s /proc/net/ip_tables_names ] && found=$(tool nft list chains 2>/dev/null) ||
      { echo "neither iptables-save nor nft can be run here"; return 1; }
    chains=$(printf '%s\n' "$found" | sed -n 's/^[[:space:]]*chain \(KUBE-[^ ]*\) {.*/\1/p')
  fi
  printf '%s\n' "$chains" | sed -n -e 's/-[A-Z0-9]\{16\}$/-*/' -e 's/^KUBE/chain KUBE/p' | sort | uniq -c |
    awk '{ print $2, $3, $1 }'
  tool nft list tables 2>/dev/null | sed -n 's/^\(table ip6\{0,1\} kube-proxy\).*/\1/p'
  tool ipset list -n 2>/dev/null | sed -n 's/^KUBE-/set KUBE-/p'
  [ -d /sys/class/net/kube-ipvs0 ] && echo "link kube-ipvs0"
  return 0
}
"""
)
"""sh function `rules`: one line for each chain (with how many are alike), table, set and link.

Where no iptables can be run, nft sees the chains of its back end; others show in ip_tables_names.
"""

SWEEP = (
    TOOL
    + r"""
iptables_variants() {
  for family in iptables ip6tables; do
    some=
    for variant in "$family-legacy" "$family-nft"; do
      tool "$variant-save" >/dev/null 2>&1 && some=yes && echo "$variant"
    done
    [ "$some" ] || ! tool "$family-save" >/dev/null 2>&1 || echo "$family"
  done
}
sweep() {
  for variant in $(iptables_variants); do
    for table in $(tool "$variant-save" 2>/dev/null | sed -n 's/^\*//p'); do
      written=$(tool "$variant-save" -t "$table" 2>/dev/null)
      own=$(printf '%s\n' "$written" | sed -n 's/^:\(KUBE-[^ ]*\) .*/\1/p' | grep -xE '"""
    + OWN_CHAINS
    + r"""')
      [ "$own" ] || continue
      { echo "*$table"
        printf '%s\n' "$written" | grep -E -- '-[jg] """
    + OWN_CHAINS
    + r"""( |$)' | sed 's/^-A/-D/'
        printf -- '-F %s\n' $own; printf -- '-X %s\n' $own; echo COMMIT
      } | tool "$variant-restore" -n >&2
    done
  done
  for set in $(tool ipset list -n 2>/dev/null | grep -xE '"""
    + OWN_SETS
    + r"""'); do tool ipset destroy "$set" >&2; done
  [ ! -d /sys/class/net/kube-ipvs0 ] || ip link delete kube-ipvs0 >&2
}
"""
)
"""sh function `sweep`: removes what `kube-proxy --cleanup` leaves: all of the ipvs mode where its container
cannot run modprobe, and the IPv6 sets. Only while no kube-proxy works; one that starts writes all anew."""


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
