from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from k8snet_provision.lab import assets
from k8snet_provision.lab.programs import Programs
from k8snet_provision.lab.recipes import CNI_PLUGINS, HOST_PROGRAMS, all_recipes


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    return Path(shutil.copytree(assets.directory(), tmp_path / "lab"))


def _keys(pins: Path) -> dict[str, str]:
    return {name: recipe.key for name, recipe in all_recipes(pins, Path("/nowhere"), Programs()).items()}


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


CHANGES = {
    ("etcd/go.mod", "// moved\n"): {"etcd", "layer", "images", "seed"},
    ("kubernetes/go.sum", "x v1 h1:=\n"): {"kubernetes", "layer", "images", "seed"},
    ("probe/main.go", "// more\n"): {"probe", "layer", "images", "seed"},
    ("metallb/go.mod", "// moved\n"): {"metallb", "upstream", "layer", "images", "seed"},
    ("ingress-nginx/debian.txt", "libnginx-mod-mail  # mail\n"): {"nginx", "images", "seed"},
    ("ingress-nginx/resty/chash.lua", "-- more\n"): {"images", "seed"},
    ("ingress-nginx/l4.js", "// more\n"): {"images", "seed"},
    ("debian.txt", "bird2  # routes\n"): {"base", "images", "seed"},
    ("debian.txt", "# a comment\n"): set(),
    ("machine.txt", "jq  # reads\n"): set(),
    ("go.txt", "# newer\n"): set(),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.items(), ids=lambda value: str(value)[:40])
def test_a_change_of_a_pin_changes_what_is_made_of_it_and_nothing_else(
    pins: Path, change: tuple[str, str], expected: set[str]
) -> None:
    before = _keys(pins)
    _append(pins / change[0], change[1])
    after = _keys(pins)
    assert {name for name in before if before[name] != after[name]} == expected


def test_keys_do_not_depend_on_where_the_pins_are(pins: Path) -> None:
    assert _keys(pins) == _keys(assets.directory())


def test_what_is_needed_comes_first(pins: Path) -> None:
    seen: set[str] = set()
    for recipe in all_recipes(pins, Path("/nowhere"), Programs()).values():
        assert {need.name for need in recipe.needs} <= seen
        seen.add(recipe.name)


def test_every_module_has_its_checksums(pins: Path) -> None:
    modules = [path.parent for path in pins.glob("*/go.mod")]
    assert len(modules) >= 8
    for module in modules:
        if "require" in (module / "go.mod").read_text():
            assert (module / "go.sum").read_text().strip(), module.name


def test_the_layer_links_the_programs_of_every_host(pins: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    for name in (*HOST_PROGRAMS, *CNI_PLUGINS):
        (made / name).write_text(name)
    (out := tmp_path / "layer").mkdir()
    all_recipes(pins, tmp_path, Programs())["layer"].build(out, {"kubernetes": made})
    assert {path.name for path in (out / "usr/local/bin").iterdir()} == set(HOST_PROGRAMS)
    assert {path.name for path in (out / "opt/cni/bin").iterdir()} == set(CNI_PLUGINS)
    assert (out / "usr/local/bin/kubelet").samefile(made / "kubelet")
