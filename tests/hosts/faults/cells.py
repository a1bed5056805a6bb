"""The table: which fault strikes which phase. `make test` runs the chosen cells, `make nightly` all."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tests.hosts.faults import faults, subjects
from tests.hosts.faults.faults import Fault
from tests.hosts.faults.moments import STEP, STEP_DONE
from tests.hosts.faults.subjects import Subject, on_units

ALL = os.environ.get("K8SNET_FAULTS") == "all"


@dataclass(frozen=True)
class Cell:
    """`back`: the run is rolled back as the fault left it; otherwise resumed, and then rolled back."""

    subject: Subject
    fault: Fault
    back: bool = False

    @property
    def what(self) -> str:
        return f"{self.fault.name} {self.fault.at.name}{', rolled back' if self.back else ''}"

    @property
    def name(self) -> str:
        return f"{self.subject.name} x {self.what}"


OWN = "/var/lib/k8snet-provision"

ANYWHERE = (
    *faults.KILLS,
    faults.POWER_OFF,
    faults.CUT,
    faults.CUT_SHORTLY,
    faults.SSHD,
    faults.disk_full(OWN),
)
"""Faults that can befall every phase."""

KUBEADM = (
    subjects.STATIC_POD,
    subjects.RANGE,
    subjects.CONFIG,
    subjects.PODS,
    subjects.COREDNS,
    subjects.KUBELET,
    subjects.SERVICES,
)

UNITS = (subjects.UNIT, on_units(subjects.PODS), on_units(subjects.COREDNS))
"""On three control planes and two nodes: what is left when one of several is struck."""

WHOLE = (
    *(Cell(subject, fault) for subject in KUBEADM for fault in ANYWHERE),
    *(Cell(subject, faults.OTHERS_CHANGE) for subject in (subjects.CONFIG, subjects.COREDNS, subjects.SERVICES)),
    *(Cell(subject, faults.NEVER_READY) for subject in (subjects.RANGE, subjects.PODS, subjects.COREDNS)),
    *(Cell(subject, fault) for subject in UNITS for fault in ANYWHERE),
    *(Cell(subject, fault) for subject in (subjects.PROXY_UNIT, subjects.EDGE) for fault in ANYWHERE),
    Cell(subjects.UNIT, faults.disk_full("/etc/systemd/system")),
    Cell(subjects.UNIT, faults.REFUSES_NEW),
    *(Cell(subject, faults.killed(at), back=True) for subject in (*KUBEADM, *UNITS) for at in (STEP, STEP_DONE)),
    *(Cell(subject, faults.killed(STEP_DONE), back=True) for subject in (subjects.PROXY_UNIT, subjects.EDGE)),
)

CHOSEN = (
    Cell(subjects.STATIC_POD, faults.killed(STEP)),
    Cell(subjects.CONFIG, faults.OTHERS_CHANGE),
    Cell(subjects.PODS, faults.CUT_SHORTLY),
    Cell(subjects.KUBELET, faults.POWER_OFF),
    Cell(subjects.UNIT, faults.killed(STEP_DONE), back=True),
    Cell(subjects.UNIT, faults.REFUSES_NEW),
    Cell(on_units(subjects.COREDNS), faults.SSHD),
    Cell(subjects.UNIT, faults.disk_full("/etc/systemd/system")),
)

CELLS = WHOLE if ALL else CHOSEN
