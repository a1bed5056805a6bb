from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from k8snet_provision.lab import assets
from k8snet_provision.lab.artifacts import Artifacts, build_all, default_cache, ensure
from k8snet_provision.lab.programs import ProgramFailed, Programs
from k8snet_provision.lab.recipes import Parts, Recipe, all_recipes
from k8snet_provision.lab.store import Store
from k8snet_provision.problems import ProblemsFound

pytestmark = pytest.mark.programs

PARTS = ("base", "layer", "images", "seed", "upstream", "hey")


def _quiet(text: str) -> None:
    pass


def _stand_in(out: Path) -> None:
    (out / "file").write_text("right")


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A directory of ready-made parts for the pins of this checkout; what is in them is a stand-in."""
    store = Store(tmp_path / "given", _quiet)
    recipes = all_recipes(assets.directory(), tmp_path, Programs())
    for name in PARTS:
        store.obtain(name, recipes[name].key, _stand_in, 1)
    return store.directory


def _ensure(given: Path) -> Artifacts:
    return ensure(_quiet, cache=given.parent / "cache", given=given)


def _part(given: Path, name: str) -> Path:
    return next(path for path in given.glob(f"{name}-*") if path.is_dir())


def test_given_artifacts_are_used_as_they_are(given: Path) -> None:
    artifacts = _ensure(given)
    assert (artifacts.base, artifacts.seed) == (_part(given, "base"), _part(given, "seed"))
    assert artifacts.metallb_manifest == _part(given, "upstream") / "metallb-native.yaml"
    assert artifacts.load_generator == _part(given, "hey") / "hey"
    assert artifacts.kubernetes_version == "v1.36.3"
    assert artifacts.image_names["coredns"] == "registry.k8s.io/coredns/coredns:v1.14.2"
    assert not (given.parent / "cache").exists()


def test_a_wrong_checksum_is_one_message_that_names_the_file(given: Path) -> None:
    damaged = _part(given, "layer") / "file"
    damaged.write_text("wrong")
    with pytest.raises(ProblemsFound) as caught:
        _ensure(given)
    [problem] = caught.value.problems
    assert problem.code == "K8N522"
    assert f"{damaged} has changed: found file sha256 " in problem.text


def test_everything_wrong_with_given_artifacts_is_said_at_once(given: Path) -> None:
    (_part(given, "layer") / "file").unlink()
    _part(given, "seed").rename(given / "seed-of-other-pins")
    next(given.glob("base-*.manifest")).unlink()
    with pytest.raises(ProblemsFound) as caught:
        _ensure(given)
    assert len(caught.value.problems) == 3


def test_given_artifacts_may_be_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProblemsFound) as caught:
        _ensure(tmp_path / "nowhere")
    assert all("is missing" in problem.text for problem in caught.value.problems)


def test_the_cache_follows_the_xdg_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_cache() == Path("/somewhere/k8snet-provision")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert default_cache() == Path.home() / ".cache" / "k8snet-provision"


def _recipe(name: str, build: Callable[[Path, Parts], None], *needs: Recipe, alone: bool = False) -> Recipe:
    return Recipe(name, "k", build, 1, 0, needs, alone)


def _sleep_and_write(out: Path, parts: Parts) -> None:
    time.sleep(0.5)
    (out / "made").write_text("".join(sorted(parts)))


def test_parts_are_built_from_what_they_need(tmp_path: Path) -> None:
    first, second = _recipe("first", _sleep_and_write), _recipe("second", _sleep_and_write)
    last = _recipe("last", _sleep_and_write, first, second)
    build_all(Store(tmp_path, _quiet), [first, second, last], Programs())
    assert (tmp_path / "last-k" / "made").read_text() == "firstsecond"


@pytest.mark.parametrize(("alone", "expected"), [(False, 1), (True, 2)])
def test_only_parts_that_use_every_core_wait_for_one_another(tmp_path: Path, alone: bool, expected: int) -> None:
    said: list[tuple[float, str]] = []
    store = Store(tmp_path, lambda text: said.append((time.monotonic(), text)))
    recipes = [_recipe(name, _sleep_and_write, alone=alone) for name in ("first", "second")]
    build_all(store, recipes, Programs())
    begun = [at for at, text in said if "building" in text]
    assert (begun[1] - begun[0] >= 0.5) == (expected == 2)


def test_the_first_failure_ends_the_others_and_is_what_is_told(tmp_path: Path) -> None:
    programs = Programs()

    def long(out: Path, parts: Parts) -> None:
        programs.run(("sleep", "60"), 60)

    def failing(out: Path, parts: Parts) -> None:
        time.sleep(0.3)
        programs.run(("sh", "-c", "echo no mirror answers; exit 1"), 10)

    recipes = [_recipe("long", long), bad := _recipe("bad", failing), _recipe("last", long, bad)]
    began = time.monotonic()
    with pytest.raises(ProgramFailed, match="no mirror answers"):
        build_all(Store(tmp_path, _quiet), recipes, programs)
    assert time.monotonic() - began < 10
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
