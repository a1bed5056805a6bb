"""The inventory: an Ansible inventory directory read as Ansible reads it, every value with its file and line."""

from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.load import load
from k8snet_provision.inventory.model import Group, Host, Inventory
from k8snet_provision.inventory.values import Map, Secret, Seq
from k8snet_provision.inventory.vault import VaultPassword, password_files

__all__ = [
    "Code",
    "Group",
    "Host",
    "Inventory",
    "Map",
    "Secret",
    "Seq",
    "VaultPassword",
    "load",
    "password_files",
]
