"""The topology: what the operator wants the service network to be, validated into a frozen tree."""

from .cluster import Cluster, Member
from .lint import lint, rows
from .model import Topology
from .reading import name_of, read

__all__ = ["Cluster", "Member", "Topology", "lint", "name_of", "read", "rows"]
