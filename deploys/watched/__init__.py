"""What only a running system shows: the table of watches, which `drift` asks beside what a plan rests on."""

from __future__ import annotations

from deploys.watched import (
    certificates,
    edge,
    flags,
    images,
    ingress_certificates,
    kube_proxy,
    ownership,
    service_range,
)
from k8snet_provision.drift import Watch

WATCHES: tuple[Watch, ...] = (
    *flags.WATCHES,
    kube_proxy.WATCH,
    certificates.WATCH,
    ingress_certificates.WATCH,
    service_range.WATCH,
    edge.WATCH,
    *images.WATCHES,
    *ownership.WATCHES,
)
