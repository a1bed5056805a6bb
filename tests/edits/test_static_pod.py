"""Flags of a static pod: kubeadm's manifests edited in place."""

from __future__ import annotations

import random
from typing import Any

import pytest
import yaml

from k8snet_provision.edits.flag_words import FlagUse
from k8snet_provision.edits.refused import EditRefused, FlagGivenTwice
from k8snet_provision.edits.static_pod import flags, with_flags

MANIFEST = """\
apiVersion: v1
kind: Pod
metadata:
  annotations:
    kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: 10.77.0.11:6443
  labels:
    component: kube-apiserver
  name: kube-apiserver
  namespace: kube-system
spec:
  containers:
  - command:
    - kube-apiserver
    - --advertise-address=10.77.0.11
    # the service network, 10.96.0.0/16
    - --service-cluster-ip-range=10.96.0.0/16   # changed by hand
    - "--service-account-issuer=https://kubernetes.default.svc.cluster.local"
    - '--tls-cipher-suites=A,B'
    - --tls-private-key-file=/etc/kubernetes/pki/apiserver.key
    image: registry.k8s.io/kube-apiserver:v1.36.3
    livenessProbe:
      httpGet:
        path: /livez
        port: probe-port
    name: kube-apiserver
  hostNetwork: true
status: {}
"""
RANGE = {"service-cluster-ip-range": "10.254.0.0/16"}
KEY = "--tls-private-key-file=/etc/kubernetes/pki/apiserver.key"


def pod(container: str) -> str:
    return f"spec:\n  containers:\n  - name: side\n    args: [--x=1]\n  - name: kube-apiserver\n{container}"


ADDED = "--service-cluster-ip-range=10.254.0.0/16"
ISSUER = "https://kubernetes.default.svc.cluster.local"
IN_ARGS = pod("    command: [kube-apiserver]\n    args:\n      - --service-cluster-ip-range=a\n")
TWO_WORDS = pod("    args:\n    - --service-cluster-ip-range\n    - a\n")

# name: (manifest, wanted, old text, new text)
EDITS = {
    "a plain word": (MANIFEST, RANGE, "range=10.96.0.0/16", "range=10.254.0.0/16"),
    "a word in double quotes": (MANIFEST, {"service-account-issuer": "https://k"}, ISSUER, "https://k"),
    "a word in single quotes": (MANIFEST, {"tls-cipher-suites": "A,'C'"}, "A,B", "A,''C''"),
    "a missing flag": (MANIFEST, {"new-flag": "1-2"}, KEY, f"{KEY}\n    - --new-flag=1-2"),
    "two families": (
        MANIFEST,
        {"service-cluster-ip-range": "::/108,10.0.0.0/9"},
        "10.96.0.0/16 ",
        "::/108,10.0.0.0/9 ",
    ),
    "a hostile value": (
        MANIFEST,
        {"service-cluster-ip-range": "$(rm)\n: #"},
        "--service-cluster-ip-range=10.96.0.0/16",
        '"--service-cluster-ip-range=$$(rm)\\n: #"',
    ),
    "in args": (IN_ARGS, RANGE, "=a", "=10.254.0.0/16"),
    "in args alone": (pod("    args: ['--service-cluster-ip-range=a', -v=2]\n"), RANGE, "=a", "=10.254.0.0/16"),
    "added to a flow list": (pod("    args: [--v=2] # a\n"), RANGE, "--v=2", f"--v=2, {ADDED}"),
    "as two words": (TWO_WORDS, RANGE, "    - a\n", "    - 10.254.0.0/16\n"),
    "without a line break at the end": (pod("    command:\n    - x"), RANGE, "    - x", f"    - x\n    - {ADDED}"),
}


@pytest.mark.parametrize("name", EDITS)
def test_only_the_word_changes(name: str) -> None:
    text, wanted, old, new = EDITS[name]
    assert text.count(old) == 1
    edited = with_flags(text, "kube-apiserver", wanted)
    assert edited == text.replace(old, new)
    assert with_flags(edited, "kube-apiserver", wanted) == edited
    assert {flag: uses[-1].value for flag, uses in flags(edited, "kube-apiserver").items()}.items() >= wanted.items()


def test_flags_tell_value_file_and_line() -> None:
    assert flags(MANIFEST, "kube-apiserver", "m.yaml")["service-cluster-ip-range"] == [
        FlagUse("10.96.0.0/16", "m.yaml", 16)
    ]


def test_a_flag_given_twice_is_refused_with_both_lines() -> None:
    text = pod("    args:\n    - --service-cluster-ip-range=a\n    - --service_cluster_ip_range=b\n")
    with pytest.raises(FlagGivenTwice) as refusal:
        with_flags(text, "kube-apiserver", RANGE, "m.yaml")
    assert refusal.value.lines == (("m.yaml", 7), ("m.yaml", 8))


REFUSALS = {
    "several documents": (MANIFEST + "---\na: b\n", "2 documents"),
    "no document": ("", "no container kube-apiserver"),
    "not YAML": ("spec: [\n", "not YAML"),
    "not a mapping": ("- a\n", "no container kube-apiserver"),
    "no such container": (MANIFEST.replace("    name: kube-apiserver", "    name: x"), "no container kube-apiserver"),
    "an anchor on the word": (pod("    args:\n    - &a --service-cluster-ip-range=a\n"), "anchor &a"),
    "a shared list": (pod("    args: &l [a]\n").replace("[--x=1]", "[b]") + "x: *l\n", "anchor &l"),
    "no words": (pod("    image: x\n"), "neither command nor args"),
    "a word of several lines": (pod("    args:\n    - |\n      --a\n"), "not a one-line string"),
    "a number": (pod("    args: [1]\n"), "not a one-line string"),
    "a shell": (pod("    command: [/bin/sh, -c, kube-apiserver]\n"), "made by sh"),
    "an end of flags": (pod("    command: [x, --]\n"), "cannot hold this value"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_edited_safely_is_refused_with_its_place(name: str) -> None:
    text, reason = REFUSALS[name]
    with pytest.raises(EditRefused, match=reason) as refusal:
        with_flags(text, "kube-apiserver", RANGE, "m.yaml")
    assert refusal.value.file == "m.yaml"


def random_pod(chance: random.Random) -> tuple[str, list[str]]:
    values = ["1", "a b", "x,y", "it's", 'say "x"', "#", "a: b", "", "$HOME", "ä"]
    words = [f"--flag-{number}={chance.choice(values)}" for number in range(chance.randint(1, 6))]
    split = chance.randint(0, len(words))
    container: dict[str, Any] = {"name": "c", "command": ["/bin/x", *words[:split]], "args": words[split:]}
    manifest = {"kind": "Pod", "spec": {"containers": [{"name": "b", "args": ["--flag-0=q"]}, container]}}
    style = chance.choice((None, True, False))
    text = yaml.safe_dump(manifest, default_flow_style=style, width=chance.choice((20, 1000)), allow_unicode=True)
    return "# top\n" + text + "# end\n", ["/bin/x", *words]


@pytest.mark.parametrize("seed", range(80))
def test_a_random_pod_differs_in_the_wanted_word_only(seed: int) -> None:
    chance = random.Random(seed)
    text, words = random_pod(chance)
    name, value = (
        f"flag-{chance.randint(0, 7)}",
        chance.choice(["10.0.0.0/8", "a\nb", "'", '"', "x # y", "", "[a]", "\x00"]),
    )
    edited = yaml.safe_load(with_flags(text, "c", {name: value}))
    container = edited["spec"]["containers"][1]
    changed = [f"--{name}={value}" if word.startswith(f"--{name}=") else word for word in words]
    assert container["command"] + container["args"] == (
        changed if changed != words or f"--{name}={value}" in words else [*words, f"--{name}={value}"]
    )
    container["command"], container["args"] = [], []
    before = yaml.safe_load(text)
    before["spec"]["containers"][1] |= {"command": [], "args": []}
    assert edited == before
