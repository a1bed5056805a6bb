"""One run per cluster: a file on each control-plane host, and a Lease where the API server answers.

Two runs that reach a common control-plane host see each other's file also while no API server answers; the Lease is
what the cluster's own people see (`kubectl -n kube-system get lease k8snet-provision`). A holder that died is succeeded
when its time has run out, by the clock of the host and of the API server.
"""

from k8snet_provision.run_lock.file import PATH, Holder
from k8snet_provision.run_lock.lock import SECONDS, RunLock, under_way

__all__ = ["PATH", "SECONDS", "Holder", "RunLock", "under_way"]
