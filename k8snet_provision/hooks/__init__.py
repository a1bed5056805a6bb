"""Hooks: commands of the operator, run on this machine before and after a phase."""

from k8snet_provision.hooks.codes import Code
from k8snet_provision.hooks.faults import problems
from k8snet_provision.hooks.local import Local, of

__all__ = ["Code", "Local", "of", "problems"]
