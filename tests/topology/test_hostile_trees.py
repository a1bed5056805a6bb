"""Trees of known keys with values nobody should write: problems, never an exception."""

from __future__ import annotations

import copy
import datetime
import random
from typing import Any

import pytest

from k8snet_provision.inventory import Inventory, Secret, load
from k8snet_provision.problems import Problem
from k8snet_provision.topology.cluster import Cluster, Member
from k8snet_provision.topology.keys import KEYS
from k8snet_provision.topology.rules import broken
from k8snet_provision.topology.shown import shown
from k8snet_provision.topology.validation import validate

from .written import write

VALUES: list[Any] = [
    "", None, True, 0, -1, 1.5, float("inf"), float("nan"), 10**6000, b"x", datetime.date(2024, 1, 1), "x" * 10_000,
    "10.0.0.0/8", "0.0.0.0/0", "::/0", "::/128", "255.255.255.255/32", "10.0.0.0/8,fd00::/8", ["10.0.0.0/8", "::/0"],
    "1.2.3.4", "::1", "127.0.0.53", "1.2.3.4-1.2.3.9", "::-::", "30000-32767", "1-65535", "[::1]:53", "[]:53", "[::1",
    "tls://[::1]:53", "/x", "\x00", "\ud800", "{text}", "{", "}", "a {\n}\n", ".", "-", "a.b", "required", "systemd",
    "nftables", "ipvs", [], {}, [[]], {"": ""}, {1: 2}, {None: 1}, {(1, 2): 3}, {"a": {"b": [1]}}, ["127.0.0.1"],
    {"cluster.local": ["1.1.1.1"]}, {"10.0.0.1": ["a.b"]}, {"registry.k8s.io": "m"},
]  # fmt: skip
PLACES = [(path, key) for path, keys in KEYS.items() for key in keys]


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    return load(write(tmp_path_factory.mktemp("inventory")).path)


def tree(choose: random.Random) -> dict[str, Any]:
    """A sound range and up to six keys with values that may or may not fit."""
    raw: dict[str, Any] = {"service_cidr": "10.254.0.0/16"}
    for _ in range(choose.randint(1, 6)):
        path, key = choose.choice(PLACES)
        part: Any = raw
        for step in path:
            part = part.setdefault(step, {}) if isinstance(part, dict) else part
        if isinstance(part, dict):
            part[key] = copy.deepcopy(choose.choice(VALUES))
    return raw


@pytest.mark.parametrize("seed", range(10))
def test_a_tree_of_odd_values_is_validated_to_the_end(seed: int, inventory: Inventory) -> None:
    choose = random.Random(seed)
    members = tuple(Member(name, "192.0.2.1", ("kube_control_plane", "kube_node")) for name in ("cp1", "w1"))
    for _ in range(100):
        topology, findings = validate(tree(choose))
        texts = [str(Problem(item.code, item.text, "x", item.found, item.expected, item.hint)) for item in findings]
        if topology is not None:
            texts += map(str, broken(Cluster("c", topology, members, inventory, "cp1")))
        assert all(text.isprintable() and len(text) < 1_200 for text in texts)


def test_validation_leaves_what_it_reads_unchanged() -> None:
    raw = {"service_cidr": "x", "dns": {"replicas": 0, "hosts": {"x": ["a"]}}, "nonsense": [1]}
    validate(raw)
    assert raw == {"service_cidr": "x", "dns": {"replicas": 0, "hosts": {"x": ["a"]}}, "nonsense": [1]}


def test_a_vaulted_value_is_not_shown() -> None:
    assert shown(Secret("hunter2")) == "***"
    _, (finding,) = validate({"service_cidr": Secret("hunter2,hunter2")})
    assert "hunter2" not in str(finding)
    _, (finding,) = validate({"service_cidr": "10.0.0.0/8", "dns": [Secret("hunter2")]})
    assert "hunter2" not in str(finding)
