"""Packages of the host's distribution, installed without anything being started that is not configured yet."""

from __future__ import annotations

from k8snet_provision.engine.script import Script
from k8snet_provision.engine.shell import DIE, assign, bounded

SECONDS = 300.0  # a slow mirror, and another package manager that has to end first

LINES = {
    "apt-get": "env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "
    '-o Dpkg::Options::=--force-confold --no-install-recommends install -- "$package"',
    "dnf": 'dnf -q -y install -- "$package"',
    "zypper": 'zypper -q -n install -- "$package"',
}
REFRESH = {"apt-get": "apt-get -q -y -o DPkg::Lock::Timeout=120 update", "dnf": "true", "zypper": "true"}

# Debian starts what it installs. A mask of this boot keeps it from that, and is gone even if nothing takes it off.
INSTALL = """
had=; [ -e "$config" ] && had=yes
systemctl mask --runtime -- "$unit.service" >/dev/null 2>&1 || die 1 "$unit cannot be kept from starting"
trap 'systemctl unmask --runtime -- "$unit.service" >/dev/null 2>&1' EXIT
( install_package ) >/dev/null 2>&1 || { refresh >/dev/null 2>&1; install_package >&2; } || exit $?
command -v "$package" >/dev/null || die 1 "$package is installed, but there is no program of that name"
[ "$had" ] || [ ! -e "$config" ] || mv -fT -- "$config" "$config.from-package" || die 1 "$config: cannot be moved aside"
exit 0
"""


def install(package: str, *, manager: str, unit: str, config: str) -> Script:
    """Installs a package whose program has its name. `unit` is not started, and a file `config` that the package
    brings is moved aside, so that nothing but what the plan shows takes effect."""
    values = assign(package=package, unit=unit, config=config)
    functions = f"""install_package() {{ (
{bounded(SECONDS, f"{manager} install {package}", LINES[manager])}) }}
refresh() {{ (
{bounded(SECONDS, f"{manager} update", REFRESH[manager])}) }}
"""
    return Script(values + DIE + functions + INSTALL, timeout=3 * SECONDS)
