"""Rollback: what runs did is undone, from what is there now, in an order in which each step finds what it needs."""

from k8snet_provision.rollback.carrying_out import carry_out, close
from k8snet_provision.rollback.making import Rollback, make

__all__ = ["Rollback", "carry_out", "close", "make"]
