"""Whatever a file holds, an edit gives a text or one refusal, never another error."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from k8snet_provision.edits import static_pod, systemd_unit
from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.edits.yaml_removal import without
from k8snet_provision.edits.yaml_value import get, with_value

from .test_static_pod import MANIFEST
from .test_systemd_argv import noisy_unit
from .test_systemd_unit import FRAGMENT, service
from .test_yaml_value import CLUSTER, KUBELET

PIECES = [
    *"\n \t:-[]{}#&*!|>'\"%@`,?=\\$;\r\0\x85\ufeff\udcffä",
    "- ",
    "\n  ",
    ": ",
    "---\n",
    "<<: *a",
    "!!int ",
    "&a ",
    "1e9",
]


def broken(chance: random.Random, text: str) -> str:
    for _ in range(chance.randint(1, 4)):
        begin = chance.randint(0, len(text))
        text = text[:begin] + chance.choice(PIECES) + text[begin + chance.choice((0, 0, 1, 5, 40)) :]
    return text


def path(chance: random.Random) -> tuple[str, ...]:
    return chance.choice(
        [("networking", "serviceSubnet"), ("clusterDNS",), ("logging", "x", "y"), ("kind",), ("proxy", "a")]
    )


EDITS: dict[str, Callable[[random.Random], object]] = {
    "a unit": lambda chance: systemd_unit.with_flags(
        service(broken(chance, FRAGMENT), None, broken(chance, "A='b'\n")), {"x": chance.choice(PIECES)}
    ),
    "a noisy unit": lambda chance: systemd_unit.with_flags(noisy_unit(chance), {"x": chance.choice(PIECES)}),
    "a manifest": lambda chance: static_pod.with_flags(
        broken(chance, MANIFEST), "kube-apiserver", {"tls-cipher-suites": chance.choice(PIECES), "x": "y"}
    ),
    "a value": lambda chance: with_value(
        broken(chance, chance.choice((CLUSTER, KUBELET))), path(chance), chance.choice([*PIECES, 1, ["a", "b"]])
    ),
    "a removal": lambda chance: without(broken(chance, chance.choice((CLUSTER, KUBELET))), path(chance)),
    "a look": lambda chance: get(broken(chance, chance.choice((CLUSTER, KUBELET))), path(chance), default=""),
}


@pytest.mark.parametrize("name", EDITS)
def test_broken_text_is_edited_or_refused(name: str) -> None:
    refused = 0
    for seed in range(100):
        try:
            assert EDITS[name](random.Random(seed)) is not None or name == "a look"
        except EditRefused as refusal:
            assert str(refusal)
            refused += 1
    assert 0 < refused < 100
