"""What a roll-out will take and what will be felt of it: told before, compared after."""

from __future__ import annotations

from k8snet_provision.forecast.actual import Actual, Comparison, compare
from k8snet_provision.forecast.making import Batches, Timed, beginning, of
from k8snet_provision.forecast.model import BEFORE, BEFORE_WITH_ETCD, Forecast, Process, Row, What

__all__ = [
    "BEFORE",
    "BEFORE_WITH_ETCD",
    "Actual",
    "Batches",
    "Comparison",
    "Forecast",
    "Process",
    "Row",
    "Timed",
    "What",
    "beginning",
    "compare",
    "of",
]
