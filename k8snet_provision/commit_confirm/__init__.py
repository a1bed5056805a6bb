"""Commit-confirm: unless a run is confirmed in time its hosts go back by themselves, whatever became of the operator.

Before each batch its hosts are given what undoes it (`undo`, `arming`), with a timer of systemd (`host`,
`going_back`); a confirmation takes both away (`confirming`).
"""

from k8snet_provision.commit_confirm.arming import CommitConfirm
from k8snet_provision.commit_confirm.codes import Code
from k8snet_provision.commit_confirm.confirming import (
    PROBE,
    Confirmation,
    Told,
    awaiting,
    confirm,
    goes_back,
    in_the_way,
    look,
    told_by,
    unknown,
    waits,
)
from k8snet_provision.commit_confirm.refusals import refusals
from k8snet_provision.commit_confirm.window import in_words, seconds

__all__ = [
    "PROBE",
    "Code",
    "CommitConfirm",
    "Confirmation",
    "Told",
    "awaiting",
    "confirm",
    "goes_back",
    "in_the_way",
    "in_words",
    "look",
    "refusals",
    "seconds",
    "told_by",
    "unknown",
    "waits",
]
