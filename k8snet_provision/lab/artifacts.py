"""The artifacts: what every lab is made of, built once from the pins and kept outside the checkout."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from k8snet_provision.lab import assets, debian, images, manifest
from k8snet_provision.lab.programs import ProgramFailed, Programs
from k8snet_provision.lab.progress import Say, WaitedTooLong
from k8snet_provision.lab.recipes import Recipe, all_recipes
from k8snet_provision.lab.store import GivenUp, Store
from k8snet_provision.problems import Problem, ProblemsFound

_PARTS = ("base", "layer", "images", "seed", "upstream", "hey")


@dataclass(frozen=True)
class Artifacts:
    """Directories a lab is made of, whole and checked; read only to everybody else.

    `base`: the Debian root, lowest layer of every host. `layer`: the layer above it, with the cluster's
    programs. `images`: OCI archives NAME.tar. `seed`: a /var/lib/containerd that holds every image; its
    files may be hard-linked into hosts, but for the databases (*.db), which containerd writes in place.
    `metallb_manifest`: MetalLB's release manifest, of the version in the images. `load_generator`: the
    program hey. `image_names`: the full name in each archive, by NAME.
    """

    base: Path
    layer: Path
    images: Path
    seed: Path
    metallb_manifest: Path
    load_generator: Path
    kubernetes_version: str
    image_names: Mapping[str, str]


def default_cache() -> Path:
    """$XDG_CACHE_HOME/k8snet-provision, or the same under ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "k8snet-provision"


def ensure(say: Say, cache: Path | None = None, given: Path | None = None) -> Artifacts:
    """The artifacts of this version of the pins, checked; built first where they are missing or damaged.

    `cache` stands in for `default_cache()`. `given` is a directory with ready-made ones, laid out as the
    folder `artifacts` of a cache; nothing is built then. Raises ProblemsFound.
    """
    cache = cache or default_cache()
    programs = Programs()
    recipes = all_recipes(assets.directory(), cache, programs)
    if given is not None:
        store = Store(given, say)
        _check_given(store, [recipes[name] for name in _PARTS])
    else:
        store = Store(cache / "artifacts", say)
        _complete(store, recipes, programs)
    base, layer, archives, seed, upstream, hey = (store.path(name, recipes[name].key) for name in _PARTS)
    metallb = upstream / "metallb-native.yaml"
    return Artifacts(base, layer, archives, seed, metallb, hey / "hey", images.KUBERNETES, images.NAMES)


def _check_given(store: Store, recipes: Sequence[Recipe]) -> None:
    with ThreadPoolExecutor(len(recipes)) as pool:
        damage = list(pool.map(lambda recipe: store.damage(recipe.name, recipe.key, remember=False), recipes))
    hint = "it must be a copy (cp -a) of the folder `artifacts` of a cache that was built from the same pins"
    problems = [Problem("K8N522", manifest.first(wrong), str(store.directory), hint=hint) for wrong in damage if wrong]
    if problems:
        raise ProblemsFound(problems)


def _complete(store: Store, recipes: Mapping[str, Recipe], programs: Programs) -> None:
    try:
        missing = _missing(store, recipes)
        if missing:
            wanted = _with_needs(recipes[name] for name in missing)
            _check_machine(store, [recipe for recipe in wanted if not store.path(recipe.name, recipe.key).is_dir()])
            build_all(store, [recipe for recipe in recipes.values() if recipe in wanted], programs)
    except (ProgramFailed, GivenUp, WaitedTooLong, manifest.BadManifest, OSError) as error:
        hint = "what was built so far is kept; the same command goes on from there"
        raise ProblemsFound([Problem("K8N523", str(error), str(store.directory), hint=hint)]) from error


def _missing(store: Store, recipes: Mapping[str, Recipe]) -> list[str]:
    with ThreadPoolExecutor(len(_PARTS)) as pool:
        try:
            usable = list(pool.map(lambda name: store.usable(name, recipes[name].key), _PARTS))
        except BaseException:
            store.give_up()
            raise
    return [name for name, good in zip(_PARTS, usable, strict=True) if not good]


def _with_needs(recipes: Iterable[Recipe]) -> set[Recipe]:
    found = set(recipes)
    for recipe in tuple(found):
        found |= _with_needs(recipe.needs)
    return found


def _check_machine(store: Store, missing: Sequence[Recipe]) -> None:
    """Raises ProblemsFound when this machine can not build the `missing` ones."""
    problems = debian.missing_packages(assets.directory() / "machine.txt")
    if os.geteuid() != 0:
        text = "building the lab's artifacts needs root: it makes a Debian root and mounts image layers"
        problems.append(Problem("K8N524", text, "machine", hint="run the command with sudo"))
    free = shutil.disk_usage(store.directory).free / 2**30
    wanted = sum(recipe.gibibytes for recipe in missing)
    if free < wanted:
        expected = f"at least {wanted:.1f} GiB free"
        problems.append(Problem("K8N525", "too little disk", str(store.directory), f"{free:.1f} GiB", expected))
    if problems:
        raise ProblemsFound(problems)


def build_all(store: Store, recipes: Sequence[Recipe], programs: Programs) -> None:
    """Obtain every recipe's part, several at once; a recipe's needs must come before it.

    The first failure stops what runs and is raised. So does an interruption.
    """
    every_core = threading.Lock()
    futures: dict[str, Future[Path]] = {}

    def obtain(recipe: Recipe) -> Path:
        parts = {need.name: futures[need.name].result() for need in recipe.needs}
        with every_core if recipe.alone else nullcontext():
            return store.obtain(recipe.name, recipe.key, lambda out: recipe.build(out, parts), recipe.seconds)

    with ThreadPoolExecutor(len(recipes)) as pool:
        try:
            for recipe in recipes:
                futures[recipe.name] = pool.submit(obtain, recipe)
            done, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:
            programs.stop()
            store.give_up()
            raise
