"""What only a running system shows: the table of watches, which `drift` asks beside what a plan rests on."""

from __future__ import annotations

from k8snet_provision.drift import Watch

WATCHES: tuple[Watch, ...] = ()
