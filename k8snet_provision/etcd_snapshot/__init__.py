"""A snapshot of etcd before the control plane changes: verified on a control-plane host, kept with the run."""

from k8snet_provision.etcd_snapshot.codes import SKIPPABLE, Code
from k8snet_provision.etcd_snapshot.restoring import restore_hint
from k8snet_provision.etcd_snapshot.snapshot import Member, Snapshot
from k8snet_provision.etcd_snapshot.taking import needed, take

__all__ = ["SKIPPABLE", "Code", "Member", "Snapshot", "needed", "restore_hint", "take"]
