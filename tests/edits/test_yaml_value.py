"""One value changes inside YAML text; every other byte and every other value stays."""

from __future__ import annotations

import random
from typing import Any

import pytest
import yaml

from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.edits.yaml_removal import without
from k8snet_provision.edits.yaml_value import get, with_value

KUBELET = """\
# kubelet's own file
apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false   # never
clusterDNS:
- 10.96.0.10
clusterDomain: cluster.local
cpuManagerReconcilePeriod: 0s
kind: KubeletConfiguration
logging:
  flushFrequency: 0
  options:
    json:
      infoBufferSize: "0"
memorySwap: {}
staticPodPath: /etc/kubernetes/manifests

# end
"""
CLUSTER = """\
apiServer: {}
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking:
  dnsDomain: cluster.local
  podSubnet: 10.244.0.0/16
  serviceSubnet: 10.96.0.0/12
proxy: {}
"""
TWO = "---\nkind: A\nmode: x\n---\nkind: B\nmode: x # b\n...\n"

# name: (text, path, value, old text, new text)
EDITS: dict[str, tuple[str, tuple[str | int, ...], Any, str, str]] = {
    "a scalar": (KUBELET, ("clusterDomain",), "corp.example", "cluster.local", "corp.example"),
    "a nested scalar": (CLUSTER, ("networking", "serviceSubnet"), "10.254.0.0/16", "10.96.0.0/12", "10.254.0.0/16"),
    "an item of a list": (KUBELET, ("clusterDNS",), ["10.254.0.10"], "10.96.0.10", "10.254.0.10"),
    "one item more": (KUBELET, ("clusterDNS",), ["10.96.0.10", "fd00::a"], "10.96.0.10", '10.96.0.10\n- "fd00::a"'),
    "a list emptied": (KUBELET, ("clusterDNS",), [], "clusterDNS:\n- 10.96.0.10", "clusterDNS: []"),
    "a bool": (KUBELET, ("authentication", "anonymous", "enabled"), True, "false   #", "true   #"),
    "a quoted value keeps its quotes": (
        KUBELET, ("logging", "options", "json", "infoBufferSize"), "1", '"0"', '"1"'),
    "a value of another type": (KUBELET, ("logging", "flushFrequency"), "0", "cy: 0", 'cy: "0"'),
    "a missing key of a nested mapping": (
        CLUSTER, ("networking", "x"), "v", "10.96.0.0/12\n", "10.96.0.0/12\n  x: v\n"),
    "missing mappings": (
        CLUSTER, ("controllerManager", "extra", "v"), 2, "proxy: {}\n",
        "proxy: {}\ncontrollerManager:\n  extra:\n    v: 2\n"),
    "a missing list": (CLUSTER, ("hosts",), ["a", "b"], "proxy: {}\n", "proxy: {}\nhosts:\n- a\n- b\n"),
    "a key of an empty flow mapping": (CLUSTER, ("apiServer", "a"), 1, "apiServer: {}", "apiServer: {a: 1}"),
    "missing mappings under a flow mapping": (
        CLUSTER, ("proxy", "a", "b"), "c", "proxy: {}", "proxy: {a: {b: c}}"),
    "a key behind a comment at the end": (
        KUBELET, ("zone",), "z", "manifests\n", "manifests\nzone: z\n"),
    "a mapping sets its keys": (
        CLUSTER, ("networking",), {"podSubnet": "10.0.0.0/8"}, "10.244.0.0/16", "10.0.0.0/8"),
    "a flow list": ("a: [b, 'c'] # k\n", ("a",), ["b", "d", "e"], "'c']", "'d', 'e']"),
    "a shorter flow list": ("a: [b, c , d] # k\n", ("a",), ["b"], ", c , d", ""),
    "a shorter block list": ("a:\n  - b # b\n  - c # c\n\n  - d\nx: 1\n", ("a",), ["b"], "\n  - c # c\n\n  - d", ""),
    "an empty value": ("mode:\nx: 1\n", ("mode",), "nftables", "mode:", "mode: nftables"),
    "an empty value before a comment": ("mode:   # m\nx: 1\n", ("mode",), "ipvs", "mode:", "mode: ipvs"),
    "a key under an empty value": ("a:\nx: 1\n", ("a", "b"), 1, "a:", "a:\n  b: 1"),
    "a key under null": ("a: ~ # k\n", ("a", "b"), 1, "~", "{b: 1}"),
    "no line break at the end": ("a: 1", ("b",), 2, "a: 1", "a: 1\nb: 2"),
    "CRLF": ("a: 1\r\nb: 2\r\n", ("c", "d"), 3, "b: 2", "b: 2\r\nc:\r\n  d: 3"),
    "deeper indentation": ("a:\n    b: 1\n    # t\nz: 1\n", ("a", "c"), 2, "b: 1", "b: 1\n    c: 2"),
    "within an item": ("l:\n  - n: a\n    v: 1\n  - n: b\n", ("l", 0, "w"), 2, "v: 1", "v: 1\n    w: 2"),
    "behind a literal text": ("a: |\n  t\n\n", ("b",), 1, "  t\n", "  t\nb: 1\n"),
    "a literal text replaced": ("a: |\n  t\n  u\nb: 1\n", ("a",), "x\n", "|\n  t\n  u", '"x\\n"'),
    "a scalar becomes a list": ("a: b # k\n", ("a",), ["c"], "b #", "[c] #"),
    "a list becomes a scalar": ("a:\n- b\n- c # k\nz: 1\n", ("a",), "d", "a:\n- b\n- c #", "a: d #"),
    "null": ("a: b\n", ("a",), None, "a: b", "a: null"),
    "text without a document": ("# only\n", ("a", "b"), 1, "# only\n", "# only\na:\n  b: 1\n"),
    "umlauts before it": ("ä: 'ü😀'\nb: 1\n", ("b",), 2, "b: 1", "b: 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_only_the_value_changes(name: str) -> None:
    text, path, value, old, new = EDITS[name]
    assert text.count(old) == 1
    edited = with_value(text, path, value)
    assert edited == text.replace(old, new)
    assert with_value(edited, path, value) == edited
    found = yaml.safe_load(edited)
    for key in path:
        found = found[key]
    assert found == value or (isinstance(value, dict) and found.items() >= value.items())


def test_the_document_is_chosen_by_its_kind() -> None:
    assert with_value(TWO, ("mode",), "v", kind="B") == TWO.replace("x # b", "v # b")
    assert get(TWO, ("mode",), kind="A") == "x"


def test_get_gives_python_data_and_the_default_where_nothing_is() -> None:
    assert get(KUBELET, ("clusterDNS",)) == ["10.96.0.10"]
    assert get(KUBELET, ("clusterDNS", 0)) == "10.96.0.10"
    assert get(KUBELET, ("authentication", "anonymous")) == {"enabled": False}
    assert get(KUBELET, ("authentication", "x", "y"), default="none") == "none"


HOSTILE = [
    "yes", "NO", "on", "null", "~", "1", "0x1", "1e3", "1:20", "2026-01-01", ".5", "- a", "a: b", "a #b", "#", "'", '"',
    "{a}", "[", "*a", "&a", "!t", "%d", "@x", "`x`", "|", ">", "", " ", "a\nb", "a\n\n", "\t", "\x00", "\x85", "\u2028",
    "\ufeff", "\U0001f600", "fd00::/108", "--", "---", "...", "?", "a\\b", "${x}", "<<", "=", "a, b", "0o7", "017", "_",
]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["a: b\nz: 1\n", "a: 'b'\nz: 1\n", 'a: "b"\nz: 1\n', "{a: b, z: 1}\n", "a: |\n  b\nz: 1\n"]
)
@pytest.mark.parametrize("value", HOSTILE)
def test_any_string_stays_that_string_for_another_reader(text: str, value: str) -> None:
    assert yaml.safe_load(with_value(text, ("a",), value)) == {"a": value, "z": 1}
    assert yaml.safe_load(with_value(text, ("l",), [value, "x"]))["l"] == [value, "x"]
    assert yaml.safe_load(with_value(text, ("new", value), "x"))["new"] == {value: "x"}


REMOVALS = {
    "a key": (CLUSTER, ("networking", "podSubnet"), "  podSubnet: 10.244.0.0/16\n", ""),
    "a key with a list": (KUBELET, ("clusterDNS",), "clusterDNS:\n- 10.96.0.10\n", ""),
    "the only key of a mapping": (KUBELET, ("authentication", "anonymous", "enabled"), "\n    enabled: false", " {}"),
    "the first key of a flow mapping": ("{a: 1, b: 2}\n", ("a",), "a: 1, ", ""),
    "the last key of a flow mapping": ("{a: 1, b: 2}\n", ("b",), ", b: 2", ""),
    "the only key of the document": ("# k\na: 1\n", ("a",), "a: 1\n", ""),
    "nothing": (CLUSTER, ("networking", "x"), "", ""),
    "nothing under a scalar": (CLUSTER, ("kind", "x"), "", ""),
}


@pytest.mark.parametrize("name", REMOVALS)
def test_a_key_is_removed_with_its_value(name: str) -> None:
    text, path, old, new = REMOVALS[name]
    assert without(text, path) == (text.replace(old, new) if old else text)


REFUSALS = {
    "not YAML": ("a: [\n", ("a",), "not YAML"),
    "a shared value": ("x: &n 1\ny: *n\n", ("x",), "anchor &n"),
    "an alias": ("x: &n 1\ny: *n\n", ("y",), "anchor &n"),
    "a key within a shared mapping": ("x: &n {a: 1}\ny: *n\n", ("y", "a"), "without changing other values"),
    "a key given twice": ("a: 1\nb: 2\na: 3\n", ("a",), "given twice"),
    "a merge key": ("d: &d {a: 1}\nx:\n  <<: *d\n  b: 1\n", ("x", "a"), "merges"),
    "several documents": (TWO, ("mode",), "2 documents"),
    "a mapping where a value is wanted": ("a: {b: 1}\n", ("a",), "a mapping stands"),
    "a key under a scalar": ("a: b\n", ("a", "c"), "no mapping to hold"),
    "an item that is not there": ("a: [b]\n", ("a", 3), "no item 3"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_edited_safely_is_refused_with_its_place(name: str) -> None:
    text, path, reason = REFUSALS[name]
    with pytest.raises(EditRefused, match=reason) as refusal:
        with_value(text, path, "v", file="config.yaml")
    assert refusal.value.file == "config.yaml"


def test_a_missing_kind_is_refused() -> None:
    with pytest.raises(EditRefused, match="no document of kind C"):
        with_value(TWO, ("mode",), "y", kind="C")


def random_data(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.random()
    if depth < 3 and kind < 0.5:
        return {f"k{number}": random_data(chance, depth + 1) for number in range(chance.randint(0 if depth else 1, 4))}
    if depth < 3 and kind < 0.7:
        return [random_data(chance, 3) for _ in range(chance.randint(0, 3))]
    return chance.choice([*HOSTILE[:40], "plain", 7, True, None])


@pytest.mark.parametrize("seed", range(150))
def test_random_text_differs_in_the_wanted_value_only(seed: int) -> None:
    chance = random.Random(seed)
    data = {"top": random_data(chance), "end": 1}
    text = yaml.safe_dump(data, default_flow_style=chance.choice((None, True, False)), indent=chance.choice((2, 4)))
    path: list[str] = []
    held: Any = data
    while isinstance(held, dict) and held and (not path or chance.random() < 0.8):
        path.append(chance.choice([*held, "new"]))
        held = held.get(path[-1], {}) if path[-1] in held else None
    value = chance.choice(["v", *HOSTILE, ["a", "b"], [], 3, False])
    if isinstance(held, dict):
        path.append("added")
    expected = yaml.safe_load(text)
    place = expected
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert yaml.safe_load(with_value(text, path, value)) == expected
