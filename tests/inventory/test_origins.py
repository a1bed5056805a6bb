"""Every value knows the file and line it was written on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision.inventory import load
from k8snet_provision.inventory.scalars import plain
from k8snet_provision.problems import Origin
from tests.inventory.written import CASES, write


def paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*above, key)
        yield from paths(item, (*above, key))


@cache
def line_of(origin: Origin) -> str:
    text = Path(origin.file).read_text("utf-8-sig")
    return text.splitlines()[origin.line - 1]


def spelled(value: Any) -> tuple[str, ...]:
    """Ways a scalar may be written; a container is found by its key, or by what it begins with."""
    if isinstance(value, dict | list | set):
        return ("[", "{", "-", "<<", "*", "(", *(word for item in value for word in spelled(item)))
    words = {True: "true yes on", False: "false no off", None: "null ~ none ,"}
    if value is None or isinstance(value, bool):
        return (*words[value].split(), "")
    return (str(value).splitlines()[0][:4] if str(value) else "",)


def number_in(value: Any, line: str) -> bool:
    """Whether a word of the line is this number in another spelling, as 0777 is 511."""
    return isinstance(value, int | float) and value in map(plain, filter(None, re.split(r"[\s,\[\]{}]+", line)))


@pytest.mark.parametrize("case", CASES)
def test_the_line_holds_the_key_or_the_value(case: str, inventories: dict[str, Path]) -> None:
    inventory = load(inventories[case])
    looked = 0
    for host in inventory.hosts.values():
        assert line_of(inventory.origin(host.name))
        for path in paths(host.vars):
            if path[0] in ("inventory_file", "inventory_dir"):
                continue
            line = line_of(inventory.origin(host.name, *path)).lower()
            value: Any = host.vars
            for key in path:
                value = value[key]
            keys = () if isinstance(path[-1], int) and not isinstance(value, dict) else (str(path[-1]),)
            spellings = (*keys, *spelled(value), "*")
            assert any(word.lower() in line for word in spellings) or number_in(value, line), (path, value, line)
            looked += 1
    assert looked or not any(set(host.vars) - {"inventory_file", "inventory_dir"} for host in inventory.hosts.values())


def test_the_origin_is_that_of_the_value_that_won(tmp_path: Path) -> None:
    inventory = load(
        write(
            tmp_path,
            {
                "hosts.yml": "web:\n  vars: {a: 1, b: 1, c: 1}\n  hosts:\n    h:\n      c: {d: [1,\n        {e: 2}]}\n",
                "group_vars/all.yml": "\n\na: 2\n",
                "group_vars/web/x.yml": "b: 2\n",
                "group_vars/web/y.yml": "# y\nb: 3\n",
            },
        ),
        extra_vars={"x": {"y": 1}},
    )

    def origin(*keys: str | int) -> str:
        return str(inventory.origin("h", *keys)).removeprefix(f"{tmp_path}/")

    assert origin() == "hosts.yml:4"
    assert origin("a") == "group_vars/all.yml:3"
    assert origin("b") == "group_vars/web/y.yml:2"
    assert [origin("c"), origin("c", "d"), origin("c", "d", 1), origin("c", "d", 1, "e")] == [
        "hosts.yml:5",
        "hosts.yml:5",
        "hosts.yml:6",
        "hosts.yml:6",
    ]
    assert origin("x", "y") == "--extra-vars"
    for missing in (("nope",), ("c", "x"), ("c", "d", 9), ("a", "deeper"), ("c", 0)):
        with pytest.raises(KeyError):
            inventory.origin("h", *missing)


def test_merged_keys_point_into_the_anchor(tmp_path: Path) -> None:
    text = "all:\n  vars:\n    base: &b\n      x: 1\n    both:\n      <<: *b\n      y: 2\n  hosts: {h: }\n"
    inventory = load(write(tmp_path, {"hosts.yml": text}))
    assert inventory.origin("h", "both", "x").line == 4
    assert inventory.origin("h", "both", "y").line == 7


def test_extra_vars_win_over_everything(tmp_path: Path) -> None:
    inventory = load(write(tmp_path, {"hosts": "h x=1\n", "host_vars/h.yml": "x: 2\n"}), extra_vars={"x": 3})
    assert inventory.hosts["h"].vars["x"] == 3
