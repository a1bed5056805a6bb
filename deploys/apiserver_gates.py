"""When an apiserver may be left for the next one: its process has the new flags, answers, and is trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from shlex import quote

from deploys import control_plane
from deploys.control_plane import APISERVER, CONTROLLER_MANAGER
from k8snet_provision.change import Change, Kind
from k8snet_provision.seen import World

HEALTH = {APISERVER: ("6443", "readyz"), CONTROLLER_MANAGER: ("10257", "healthz")}
"""Secure port when no flag names one, and the path that says whether the program works."""

FUNCTIONS = r"""
say() { printf '%s\n' "$*"; }
separator=$(printf '\037')
carries() {
  for p in /proc/[0-9]*/cmdline; do
    IFS= read -r line <"$p" 2>/dev/null
    case $line in *"$1"*) ;; *) continue ;; esac
    argv=$(tr '\0' '\037' <"$p" 2>/dev/null) || continue
    first=${argv%%"$separator"*}
    [ "${first##*/}" = "$1" ] && as_wanted && return 0
  done
  return 1
}
absent() {
  log=$(ls -t /var/log/pods/*_"$1"-*/"$1"/*.log 2>/dev/null | head -n 1)
  [ "$log" ] && why=$(grep 'err=' "$log" | tail -n 1 | sed 's/.*err=//' | cut -c -300)
  say "no $1 runs with $2${why:+; its log ends with: $why}"
}
healthy() {
  code=$(curl -sk -m 5 -o /dev/null -w '%{http_code}' "$1" 2>/dev/null)
  [ "$code" = 200 ] && return 0
  say "$1 answers ${code:-nothing}"
  case $code in 401 | 403 | '') return 2 ;; esac
  return 1
}
"""
"""`absent` says why, where a static pod's log does. `healthy` returns 2 where the answer says nothing: no curl on
the host, or no answer to strangers."""


BY_ITS_NAME = r"""
said=$(K get --raw /readyz 2>&1) && exit 0
echo "kubectl has no answer by its own address yet: $said"; exit 1
"""
"""A load balancer before it takes a moment longer to see that it is back, and what comes next goes through that."""


def carries_flags(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """sh that passes once every changed program runs with its flags and says that it works."""
    wanted: dict[str, Mapping[str, str | None]] = {}
    for change in changes:
        if "program" in change.details:
            wanted[change.details["program"]] = json.loads(change.details["after_flags"])
    checks = [_check(world, host, program, flags) for program, flags in wanted.items()]
    return "\n".join((FUNCTIONS, *checks)) if checks else None


def _check(world: World, host: str, program: str, flags: Mapping[str, str | None]) -> str:
    given = [(flag, value) for flag, value in flags.items() if value is not None]
    shown = " ".join([*(f"--{f}={v}" for f, v in given), *(f"no --{f}" for f, v in flags.items() if v is None)])
    tests = [f"case $separator$argv in {_patterns(flag, value)}) ;; *) return 1 ;; esac" for flag, value in given]
    absent = [flag for flag, value in flags.items() if value is None]
    tests += [f"case $separator$argv in {_any_value(flag)}) return 1 ;; esac" for flag in absent]
    lines = [
        "as_wanted() {",
        *(tests or ["return 0"]),
        "}",
        f"carries {quote(program)} || {{ absent {quote(program)} {quote(shown)}; exit 1; }}",
    ]
    url, path = health_url(world, host, program), HEALTH[program][1]
    if program == APISERVER:
        # Where strangers get no answer, the administrator asks this very apiserver, under a name it always has.
        ask = f"( {world.prelude}\nK --server={quote(url)} --tls-server-name=kubernetes get --raw /{path} 2>&1 )"
        lines.append(f"healthy {quote(f'{url}/{path}')} || {{ [ $? = 2 ] && {ask}; }} || exit 1")
        lines.append(f"if ( {world.prelude} ) >/dev/null; then\n( {world.prelude}\n{BY_ITS_NAME} ) || exit 1\nfi")
    else:
        lines.append(f"healthy {quote(f'{url}/{path}')} || [ $? = 2 ] || exit 1")
    return "\n".join(lines)


def _patterns(flag: str, value: str) -> str:
    """The ways in which pflag takes a flag, as patterns of case."""
    names = (flag, flag.replace("-", "_"))
    ways = [f'"$separator"{quote(f"--{n}={value}")}"$separator"' for n in names]
    ways += [f'"$separator"{quote(f"--{n}")}"$separator"{quote(value)}"$separator"' for n in names]
    return " | ".join(f"*{way}*" for way in ways)


def _any_value(flag: str) -> str:
    """The same for a flag with whatever value."""
    names = (flag, flag.replace("-", "_"))
    return " | ".join(f'*"$separator"{quote(f"--{name}")}{end}*' for name in names for end in ("=", '"$separator"'))


def health_url(world: World, host: str, program: str) -> str:
    """https://ADDRESS:PORT of a program, from the host itself."""
    found = control_plane.read(world, host).program(program)
    given = found.running("bind-address") if found else None
    address = "127.0.0.1" if given in (None, "", "0.0.0.0", "::") else str(given)
    port = (found.running("secure-port") if found else None) or HEALTH[program][0]
    return f"https://[{address}]:{port}" if ":" in address else f"https://{address}:{port}"


def certificate_served(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """sh that passes once the apiserver shows the certificate of the file that was changed."""
    changed = [change.name for change in changes if change.kind is Kind.CERTIFICATE]
    if not changed:
        return None
    place = health_url(world, host, APISERVER).removeprefix("https://")
    return f"""
shown=$(timeout 5 openssl s_client -connect {quote(place)} </dev/null 2>/dev/null |
  openssl x509 -noout -fingerprint -sha256 2>&1)
wanted=$(openssl x509 -in {quote(changed[-1])} -noout -fingerprint -sha256 2>&1)
[ "$shown" = "$wanted" ] || {{ echo "{place} shows $shown, not $wanted"; exit 1; }}
"""
