"""The topology: what the operator wants the service network to be, validated into a frozen tree."""

from .cluster import Cluster, Member
from .model import Topology

__all__ = ["Cluster", "Member", "Topology"]
