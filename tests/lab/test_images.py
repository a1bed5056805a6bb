from __future__ import annotations

import re

import pytest

from k8snet_provision.lab import assets, images

# The folder of lab/ whose go.mod pins what is in the image, and the module.
SOURCES = {
    "kube-apiserver": ("kubernetes", "k8s.io/kubernetes"),
    "kube-controller-manager": ("kubernetes", "k8s.io/kubernetes"),
    "kube-scheduler": ("kubernetes", "k8s.io/kubernetes"),
    "kube-proxy": ("kubernetes", "k8s.io/kubernetes"),
    "etcd": ("etcd", "go.etcd.io/etcd/server/v3"),
    "coredns": ("coredns", "github.com/coredns/coredns"),
    "metallb-controller": ("metallb", "go.universe.tf/metallb"),
    "metallb-speaker": ("metallb", "go.universe.tf/metallb"),
}


def _pinned(folder: str, module: str) -> str:
    text = (assets.directory() / folder / "go.mod").read_text()
    found = re.search(rf"^(?:require |\t){re.escape(module)} (v\S+)", text, re.MULTILINE)
    assert found is not None, f"{folder}/go.mod does not pin {module}"
    return found[1]


@pytest.mark.parametrize("name", SOURCES)
def test_a_tag_says_the_version_that_is_in_the_image(name: str) -> None:
    tag = images.NAMES[name].rpartition(":")[2]
    assert tag.removeprefix("v").removesuffix("-0") == _pinned(*SOURCES[name]).removeprefix("v")


def test_every_module_that_kubernetes_keeps_beside_it_has_its_version() -> None:
    text = (assets.directory() / "kubernetes" / "go.mod").read_text()
    replaced = re.findall(r"^\t(k8s\.io/\S+) => (\S+) (\S+)$", text, re.MULTILINE)
    minor = images.KUBERNETES.removeprefix("v1.")
    assert len(replaced) > 30
    assert {(name == target, version) for name, target, version in replaced} == {(True, f"v0.{minor}")}
