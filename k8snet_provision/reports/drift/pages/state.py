"""How something stands: the worst that was found on it, or that it was not seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from k8snet_provision.drift import Severity


class State(StrEnum):
    """Each has a colour and a sign of its own in the page. The order is from worst to best."""

    CRITICAL = "critical"
    WARNING = "warning"
    UNKNOWN = "unknown"
    INFO = "info"
    OK = "ok"
    NOT_JUDGED = "none"
    """Nothing looks at it: clients, for one."""


SEVERITIES = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


@dataclass
class Tally:
    """What counts for one host, one place or everything. `unasked` are hosts that this look left out; `objects_unasked`
    says that it left out the cluster's objects."""

    judged: bool = True
    severities: Counter[Severity] = field(default_factory=Counter)
    accepted: int = 0
    unseen: int = 0
    unasked: int = 0
    objects_unasked: bool = False

    @property
    def state(self) -> State:
        for state, there in (
            (State.CRITICAL, self.severities[Severity.CRITICAL]),
            (State.WARNING, self.severities[Severity.WARNING]),
            (State.UNKNOWN, self.unseen or self.unasked or self.objects_unasked),
            (State.INFO, self.severities[Severity.INFO]),
            (State.OK, self.judged),
        ):
            if there:
                return state
        return State.NOT_JUDGED

    @property
    def words(self) -> str:
        """What the state is made of; of what was not seen it is never said that it is in sync."""
        counts = [f"{self.severities[severity]} {severity}" for severity in SEVERITIES if self.severities[severity]]
        counts += [f"{self.unseen} not observed"] if self.unseen else []
        counts += [numbered(self.unasked, "host") + " not looked at"] if self.unasked else []
        counts += ["objects not looked at"] if self.objects_unasked else []
        counts += [] if counts or not self.judged else ["in sync"]
        counts += [f"{self.accepted} accepted"] if self.accepted else []
        return ", ".join(counts)


def numbered(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
