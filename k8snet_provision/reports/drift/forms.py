"""The forms that a report is written to files in, one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from k8snet_provision.drift.looks import Looks
from k8snet_provision.reports.drift import json, junit, page, prometheus, sarif


@dataclass(frozen=True)
class Form:
    """`text` makes the whole file. `mode` is the file's, where somebody else's program must be able to read it."""

    text: Callable[[Looks], str]
    mode: int | None = None


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "html": Form(page.text),
        "json": Form(json.text),
        "junit": Form(junit.text),
        "prometheus": Form(prometheus.text, mode=0o644),  # node_exporter is a user of its own
        "sarif": Form(sarif.text),
    }
)
