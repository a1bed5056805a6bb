"""Before an apply changes anything: are the hosts and the cluster in a state in which that may be begun?"""

from k8snet_provision.preflight.checking import check
from k8snet_provision.preflight.codes import SKIPPABLE, Code, refuse_unskippable, unskippable

__all__ = ["SKIPPABLE", "Code", "check", "refuse_unskippable", "unskippable"]
