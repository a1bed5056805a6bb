"""What a lab is made of, read from an inventory: the variable `lab`, the hosts, and every name derived from them.

Every name the lab gives to something of the machine (bridge, link, network namespace, cgroup, nspawn
machine, directory) starts with the lab's own name, so several labs live side by side and `lab down`
finds what an interrupted `lab up` left without having been told.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from k8snet_provision.inventory import Inventory, load
from k8snet_provision.problems import Origin, Problem, ProblemsFound

STATE_ROOT = Path("/var/lib/k8snet-provision/lab")
ENDPOINT = "api"  # the lab's own host that carries the API address; never in the inventory
NAME = "[a-z][a-z0-9]{0,5}"  # of a lab; short, since the names of links begin with it
_LINK_LENGTH = 15  # IFNAMSIZ less its terminating zero, linux/if.h


class ProxySettings(BaseModel):
    """How the lab's kube-proxy starts out, before the product changes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["iptables", "nftables"] = "iptables"
    install: Literal["daemonset", "systemd"] = "daemonset"


class LabSettings(BaseModel):
    """The variable `lab` as an operator writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=f"^{NAME}$")]
    network: IPv4Network
    vip: IPv4Address
    pod_cidr: IPv4Network = IPv4Network("10.244.0.0/16")
    service_cidr: IPv4Network = IPv4Network("10.96.0.0/16")
    kube_proxy: ProxySettings = ProxySettings()
    operator_password: str = "operator"


@dataclass(frozen=True)
class Host:
    """One host of the lab; `pods` is its pod network, None for a host that is never a node."""

    name: str
    address: IPv4Address
    groups: frozenset[str]
    pods: IPv4Network | None


@dataclass(frozen=True)
class Lab:
    """A lab to be: its settings, its hosts, and the names derived from them.

    `everyone` are the hosts of the inventory, `hosts` those of them that --limit leaves.
    """

    inventory: Path
    settings: LabSettings
    everyone: tuple[Host, ...]
    hosts: tuple[Host, ...]

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def prefix(self) -> str:
        """What the name of everything this lab makes on the machine begins with."""
        return f"kl{self.name}"

    @property
    def bridge(self) -> str:
        return self.prefix

    @property
    def gateway(self) -> IPv4Address:
        """The machine's own address in the lab's network: the first one."""
        return self.settings.network[1]

    @property
    def state(self) -> Path:
        return STATE_ROOT / self.name

    def directory(self, host: str) -> Path:
        return self.state / "hosts" / host

    def root(self, host: str) -> Path:
        """The host's root directory as seen from the machine."""
        return self.directory(host) / "root"

    def machine(self, host: str) -> str:
        """The host's name on the machine: of its network namespace and of its nspawn machine."""
        return f"{self.prefix}-{host}"

    def link(self, host: str) -> str:
        """The machine's end of the host's cable; a digest stands in for a name that does not fit."""
        plain = self.machine(host)
        if len(plain) <= _LINK_LENGTH:
            return plain
        digest = hashlib.sha256(host.encode()).hexdigest()
        return f"{self.prefix}-{digest}"[:_LINK_LENGTH]

    def host(self, name: str) -> Host:
        return next(host for host in (*self.everyone, self.endpoint()) if host.name == name)

    def group(self, name: str) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if name in host.groups)

    @property
    def nodes(self) -> tuple[Host, ...]:
        """The hosts that have a pod network, whether or not --limit leaves them."""
        return tuple(host for host in self.everyone if host.pods is not None)

    def limited(self, names: Collection[str]) -> Lab:
        """The same lab with these hosts only; every host keeps its address and pod network."""
        return replace(self, hosts=tuple(host for host in self.everyone if host.name in names))

    def endpoint(self) -> Host:
        """The host that carries the API address. It is the lab's own, so what the product does with
        keepalived and HAProxy on the load_balancer hosts never cuts the road to the API."""
        return Host(ENDPOINT, self.settings.vip, frozenset(), None)


def read(directory: Path, limit: Collection[str] = ()) -> Lab:
    """The lab that an inventory directory describes. Raises ProblemsFound with all that is wrong."""
    inventory = load(directory, vault_passwords=None)  # what is vaulted is not about the lab
    if not inventory.hosts:
        raise ProblemsFound([Problem("K8N501", "the inventory has no hosts", Origin(str(directory)))])
    settings = _settings(inventory)
    hosts, problems = _hosts(inventory, settings)
    problems += [
        Problem("K8N504", f"--limit names {name}, which the inventory does not have", str(directory))
        for name in limit
        if name not in inventory.hosts
    ]
    if problems:
        raise ProblemsFound(problems)
    lab = Lab(directory.resolve(), settings, hosts, hosts)
    return lab.limited(limit) if limit else lab


def _settings(inventory: Inventory) -> LabSettings:
    any_host = next(iter(inventory.hosts))
    try:
        value, origin = inventory.rendered(any_host, "lab"), inventory.origin(any_host, "lab")
    except KeyError:
        text = "the inventory has no variable `lab`, so it describes no lab"
        hint = "`k8snet-provision lab clone inventory/lab DIRECTORY` makes an inventory that does"
        raise ProblemsFound([Problem("K8N502", text, Origin(str(inventory.path)), hint=hint)]) from None
    try:
        settings = LabSettings.model_validate(value)
    except ValidationError as error:
        raise ProblemsFound(_problem(detail, origin) for detail in error.errors()) from None
    if settings.network.num_addresses < 8 or settings.vip not in settings.network:
        text = "lab.vip must be an address of lab.network, which has at least eight"
        raise ProblemsFound([Problem("K8N502", text, origin, f"{settings.vip} and {settings.network}")])
    return settings


def _problem(detail: Mapping[str, Any], origin: Origin) -> Problem:
    key = ".".join(["lab", *map(str, detail["loc"])])
    return Problem("K8N502", f"{key}: {detail['msg']}", origin, found=repr(detail["input"]))


def _hosts(inventory: Inventory, settings: LabSettings) -> tuple[tuple[Host, ...], list[Problem]]:
    pods = settings.pod_cidr.subnets(new_prefix=max(24, settings.pod_cidr.prefixlen))
    next(pods, None)  # the first is left free, so that the n-th node has the n-th network
    own = (settings.network[0], settings.network[1])
    hosts, problems = [], []
    for name, host in inventory.hosts.items():
        address = _address(inventory, name)
        if address not in settings.network or address in own:
            expected = f"an address of {settings.network} other than the machine's own {own[1]}"
            problems.append(
                Problem(
                    "K8N503",
                    "ansible_host is unusable",
                    host.origin,
                    str(address) if int(address) else "nothing",
                    expected,
                )
            )
        node = {"kube_control_plane", "kube_node"} & set(host.groups)
        pod_network = next(pods, None) if node else None
        hosts.append(Host(name, address, frozenset(host.groups), pod_network))
    return tuple(hosts), problems + _duplicates(hosts, settings.vip)


def _address(inventory: Inventory, host: str) -> IPv4Address:
    """Its ansible_host; 0.0.0.0 where that is missing or no IPv4 address."""
    try:
        return IPv4Address(str(inventory.rendered(host, "ansible_host")))
    except (KeyError, ValueError):
        return IPv4Address(0)


def _duplicates(hosts: Collection[Host], vip: IPv4Address) -> list[Problem]:
    taken: dict[IPv4Address, str] = {vip: "lab.vip"}
    problems = []
    for host in hosts:
        if host.address in taken and int(host.address):
            text = f"{host.address} is already the address of {taken[host.address]}"
            problems.append(Problem("K8N503", text, host.name))
        taken.setdefault(host.address, host.name)
        if host.name == ENDPOINT or not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,40}[a-z0-9])?", host.name):
            text = f"{host.name!r} can not be the name of a lab host"
            problems.append(Problem("K8N503", text, host.name, expected="lower-case letters, digits and dashes"))
    return problems
