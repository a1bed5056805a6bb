"""K8N75x to K8N77x: what is wrong around a look, as against what it finds (codes.py)."""

from __future__ import annotations

from enum import StrEnum


class ProblemCode(StrEnum):
    """The number is stable. A comment says when it is given."""

    NO_SUCH_FORM = "K8N751"  # --report is not KIND=FILE, or a form that there is none of
    NO_PLACE = "K8N752"  # nothing can be written where --report says
    TWO_IN_ONE_PLACE = "K8N753"  # two reports to one file
    REPORT_NOT_WRITTEN = "K8N754"  # a report could not be written in the end; the others were
    MEMORY_DAMAGED = "K8N760"  # what drift kept cannot be read: moved aside, "since" begins anew
    MEMORY_NOT_KEPT = "K8N761"  # what drift keeps cannot be written: the look counts all the same
    EXCEPTION = "K8N762"  # an entry of drift_accepted that is none
    ACCEPT = "K8N763"  # --accept, --until or --reason that cannot be what was meant
    NOT_ACCEPTED = "K8N764"  # the file of the exceptions cannot be edited
    NOT_WRITTEN = "K8N765"  # a file that drift is asked to write
    UNREADABLE = "K8N766"  # something that a look needs, and that its user cannot read
    NOT_INSTALLED = "K8N767"  # what drift install needs is not there: systemd, root, a name
    EVERY = "K8N768"  # --every is no time
    NO_INVENTORY = "K8N770"  # one of several paths is no inventory, and was hardly meant as one
    REPORT_DAMAGED = "K8N771"  # a file given to reports merge is none, or only a part of one
    WITHIN = "K8N772"  # --within of reports merge is no time
