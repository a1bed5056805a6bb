"""Plain scalars are read as PyYAML reads them, which is what reads them for Ansible."""

from __future__ import annotations

import math
import random
from typing import Any

import yaml

from k8snet_provision.inventory import scalars

ALPHABET = "0123456789-+.:_eExXbaoTZ "
WRITTEN = "10.96.0.0/12 1:2:3 0b1 0x 0o7 1e5 1.e+5 -.5 +.inf .NaN 2024-01-01 2024-01-01T00:00:00Z 0_1 -0 +0777 1:60 "


class Plain(yaml.SafeLoader):
    """PyYAML without what a lone scalar is not: a document with marks, comments or structure."""


def peers(text: str) -> Any:
    node = yaml.ScalarNode(Plain("").resolve(yaml.ScalarNode, text, (True, False)), text)
    try:
        return Plain("").construct_object(node)
    except (ValueError, OverflowError, yaml.YAMLError):
        return ValueError


def ours(text: str) -> Any:
    try:
        return scalars.plain(text)
    except (ValueError, OverflowError):
        return ValueError


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or one == other
    return type(one) is type(other) and bool(one == other)


def date_and_time(draw: random.Random) -> str:
    day = f"{draw.randint(1990, 2030)}-{draw.randint(1, 13):0{draw.randint(1, 2)}}-{draw.randint(1, 32):02}"
    time = f"{draw.randint(0, 25)}:{draw.randint(0, 61):02}:{draw.randint(0, 61):02}"
    fraction = draw.choice(["", ".1", ".", ".1234567"])
    zone = draw.choice(["", "Z", " Z", "+1", "-01:30", " +12:00", "+0130"])
    return f"{day}{draw.choice('Tt ')}{time}{fraction}{zone}"


def test_random_scalars_are_what_pyyaml_makes_of_them() -> None:
    draw = random.Random(1)
    texts = {"".join(draw.choices(ALPHABET, k=draw.randint(1, 6))).strip() for _ in range(60_000)}
    texts |= {"".join(draw.choices("0123456789:-. TZ+", k=draw.randint(8, 22))).strip() for _ in range(20_000)}
    texts |= {date_and_time(draw) for _ in range(5_000)}
    texts |= set(WRITTEN.split()) | {"yes", "No", "oN", "y", "~", "null", "NULL", "nUll", "=", "<<", "é", "true"}
    different = {
        text: (ours(text), peers(text)) for text in texts - {"", "=", "<<"} if not same(ours(text), peers(text))
    }
    assert not different


def test_explicit_tags() -> None:
    assert [scalars.integer(text) for text in ("0", "-0x1F", "010", "1:30", "1_000")] == [0, -31, 8, 90, 1000]
    assert [scalars.floating(text) for text in ("1", "-.inf", "1:30.5")] == [1.0, -math.inf, 90.5]
    assert scalars.boolean("On") is True
