"""The cluster: its hosts by role, and the topology they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from k8snet_provision.problems import Origin

from .agreement import VARIABLE, origin
from .model import Topology

if TYPE_CHECKING:
    from k8snet_provision.inventory import Inventory


@dataclass(frozen=True)
class Member:
    """A host of the cluster; `roles` are the names of its groups among GROUPS."""

    name: str
    address: str
    roles: tuple[str, ...]


# kubespray's names for the first three; every other group is the operator's own.
GROUPS = ("kube_control_plane", "etcd", "kube_node", "load_balancer", "ingress")

# Ansible's names for the address; the last one that is set wins.
ADDRESS_VARIABLES = ("ansible_host", "ansible_ssh_host")


@dataclass(frozen=True)
class Cluster:
    """What is wanted and where. Host names are in the inventory's order; `name` is its directory's name."""

    name: str
    topology: Topology
    members: tuple[Member, ...]
    inventory: Inventory = field(repr=False, compare=False)
    reference: str = field(default="", repr=False, compare=False)
    """The host whose `topology` was read; the others' equal it."""

    def origin(self, *keys: str | int) -> Origin:
        """Where a value of the topology was written; of a default, where its nearest parent was."""
        return origin(self.inventory, self.reference, VARIABLE, *keys)

    def wrote(self, *keys: str | int) -> Any:
        """A value of the topology as it was written, sound or not; None where nothing was, or a template was."""
        value: Any = self.inventory.hosts[self.reference].vars.get(VARIABLE)
        for key in keys:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def host_origin(self, name: str) -> Origin:
        """Where a host's address was written, or the host itself."""
        written = self.inventory.hosts[name].vars
        variable = [variable for variable in ADDRESS_VARIABLES if variable in written][-1:]
        return origin(self.inventory, name, *variable)

    def having(self, role: str) -> tuple[str, ...]:
        """Names of the hosts in a group."""
        return tuple(member.name for member in self.members if role in member.roles)

    @property
    def control_planes(self) -> tuple[str, ...]:
        """Hosts of kube_control_plane."""
        return self.having("kube_control_plane")

    @property
    def etcd(self) -> tuple[str, ...]:
        """Hosts of etcd."""
        return self.having("etcd")

    @property
    def nodes(self) -> tuple[str, ...]:
        """Hosts of kube_node."""
        return self.having("kube_node")

    @property
    def load_balancers(self) -> tuple[str, ...]:
        """Hosts of load_balancer."""
        return self.having("load_balancer")

    @property
    def ingress(self) -> tuple[str, ...]:
        """Hosts of ingress."""
        return self.having("ingress")

    @property
    def addresses(self) -> Mapping[str, str]:
        """Each host's address: its `ansible_host`, otherwise its name."""
        return {member.name: member.address for member in self.members}
