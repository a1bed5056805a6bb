"""Drift: what is no longer as the topology wants it, or does not work as it says. Findings, never changes."""

from .codes import RULES, Code, Rule
from .finding import Finding, Severity
from .picture import Place
from .report import Acceptance, Accepted, Report, Shard
from .watch import Watch

__all__ = [
    "RULES",
    "Acceptance",
    "Accepted",
    "Code",
    "Finding",
    "Place",
    "Report",
    "Rule",
    "Severity",
    "Shard",
    "Watch",
]
