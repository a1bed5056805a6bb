"""What the lab's parts are made of: a recipe for each, keyed by everything that goes into it.

Go modules ─┬─ layer          programs of every host
upstream ───┤                 files of Go modules: manifests, and what images take
            ├─ images ─ seed  programs of the cluster, in images
nginx ──────┤                 Debian's nginx, which the ingress controller's image takes files of
base ───────┘                 Debian, of every host; images take files of it
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from k8snet_provision.lab import (
    debian,
    debian_files,
    debian_packages,
    golang,
    images,
    ingress_image,
    nginx_template,
    oci,
    seed,
)
from k8snet_provision.lab.programs import Programs

Parts = Mapping[str, Path]  # by recipe, the directory of what it made
_NGINX_SUITE = "trixie"  # bookworm's nginx is older than what the controller's template is written for
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # the kernel's names and Go's


@dataclass(frozen=True)
class Recipe:
    """How a part is made: `build(out, parts)` fills `out` from the parts of `needs`.

    `seconds` it took at first on two cores; `gibibytes` of disk it needs at most; `alone`: it uses every core.
    """

    name: str
    key: str
    build: Callable[[Path, Parts], None]
    seconds: float
    gibibytes: float
    needs: tuple[Recipe, ...] = ()
    alone: bool = False


@dataclass(frozen=True)
class _Module:
    """A folder of lab/ with a go.mod. `package`: "tool" are the ones on its tool lines, "." is its own."""

    name: str
    seconds: float
    gibibytes: float
    package: str = "tool"
    stamp: str = ""
    renamed: tuple[tuple[str, str], ...] = ()


_CONTROLLER_STAMP = f"-X k8s.io/ingress-nginx/version.RELEASE={images.INGRESS_NGINX}"

# The longest first: the others fill in beside the Debian root.
_MODULES = (
    _Module("kubernetes", 300, 4, stamp=golang.version_stamp(images.KUBERNETES)),
    _Module("coredns", 100, 1),
    _Module("ingress-nginx", 90, 1, stamp=_CONTROLLER_STAMP, renamed=(("nginx", "nginx-ingress-controller"),)),
    _Module("containerd", 60, 0.5),
    _Module("metallb", 60, 0.5),
    _Module("etcd", 30, 0.5, renamed=(("server", "etcd"),)),
    _Module("cni-plugins", 8, 0.1),
    _Module("probe", 8, 0.1, package="."),
    _Module("hey", 4, 0.1),
    _Module("pause", 2, 0.1, package="."),
)

# Files of the pinned modules that are no programs: folder of lab/, module, path in it, path in the part.
_UPSTREAM = (
    ("metallb", "go.universe.tf/metallb", "config/manifests/metallb-native.yaml", "metallb-native.yaml"),
    ("ingress-nginx", "k8s.io/ingress-nginx", "rootfs/etc/nginx", "ingress-nginx"),
)

HOST_PROGRAMS = (
    "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubeadm", "kubectl",
    "etcd", "etcdctl", "etcdutl", "containerd", "containerd-shim-runc-v2", "ctr", "probe",
)  # fmt: skip
CNI_PLUGINS = ("bridge", "host-local", "loopback", "portmap")


def all_recipes(pins: Path, cache: Path, programs: Programs) -> dict[str, Recipe]:
    """Every recipe by name, what is needed before what needs it. `pins` is the folder lab/."""
    modules = tuple(_module(pins, module, cache, programs) for module in _MODULES)
    base, nginx, upstream = _base(pins, programs), _nginx(pins, programs), _upstream(pins, cache, programs)
    layer = Recipe("layer", _key("layer", _keys(modules), HOST_PROGRAMS, CNI_PLUGINS), _build_layer, 1, 0.1, modules)
    archives = _images(pins, (*modules, base, nginx, upstream))
    made = (*modules, base, nginx, upstream, layer, archives, _seed((archives, *modules), programs))
    return {recipe.name: recipe for recipe in made}


def _key(*inputs: object) -> str:
    return hashlib.sha256(repr((platform.machine(), inputs)).encode()).hexdigest()[:16]


def _keys(recipes: tuple[Recipe, ...]) -> tuple[str, ...]:
    return tuple(recipe.key for recipe in recipes)


def _code(*modules: object) -> tuple[bytes, ...]:
    """The source of Python modules: of parts that are quickly made, any change of the code makes new ones."""
    return tuple(Path(str(getattr(module, "__file__", ""))).read_bytes() for module in modules)


def _module(pins: Path, module: _Module, cache: Path, programs: Programs) -> Recipe:
    folder = pins / module.name
    sources = sorted(path for path in folder.iterdir() if path.name in ("go.mod", "go.sum") or path.suffix == ".go")
    command = golang.build_command("go", Path("out"), module.package, module.stamp)
    content = [(path.name, path.read_bytes()) for path in sources if not path.name.endswith("_test.go")]
    key = _key(module.name, content, command, golang.ENVIRONMENT, module.renamed)

    def build(out: Path, parts: Parts) -> None:
        go = golang.toolchain(pins, cache, programs)
        golang.build(folder, out, module.package, module.stamp, go, programs)
        for built, wanted in module.renamed:
            (out / built).rename(out / wanted)

    return Recipe(module.name, key, build, module.seconds, module.gibibytes, alone=True)


def _base(pins: Path, programs: Programs) -> Recipe:
    packages = debian.package_list(pins / "debian.txt")

    def build(out: Path, parts: Parts) -> None:
        debian.build_root(out, packages, programs)

    return Recipe("base", _key("base", sorted(packages), debian.SUITE, debian.UNREAD), build, 90, 1)


def _binaries(parts: Parts) -> dict[str, Path]:
    names = {module.name for module in _MODULES}
    return {path.name: path for part in parts if part in names for path in parts[part].iterdir()}


def _build_layer(out: Path, parts: Parts) -> None:
    """Hard links: the store is one file system, and no host writes to its lower layers."""
    binaries = _binaries(parts)
    for folder, names in (("usr/local/bin", HOST_PROGRAMS), ("opt/cni/bin", CNI_PLUGINS)):
        (out / folder).mkdir(parents=True)
        for name in names:
            os.link(binaries[name], out / folder / name)


def _nginx(pins: Path, programs: Programs) -> Recipe:
    packages = debian.package_list(pins / "ingress-nginx" / "debian.txt")

    def build(out: Path, parts: Parts) -> None:
        debian_packages.unpack(out, _NGINX_SUITE, packages, programs)

    key = _key("nginx", sorted(packages), _NGINX_SUITE, _code(debian_packages), debian.UNREAD)
    return Recipe("nginx", key, build, 15, 0.2)


def _upstream(pins: Path, cache: Path, programs: Programs) -> Recipe:
    def build(out: Path, parts: Parts) -> None:
        go = golang.toolchain(pins, cache, programs)
        for folder, module, path, name in _UPSTREAM:
            source = golang.module_directory(pins / folder, module, go, programs) / path
            _copy_readable(source, out / name)

    pinned = [(pins / folder / name).read_bytes() for folder, *_ in _UPSTREAM for name in ("go.mod", "go.sum")]
    return Recipe("upstream", _key("upstream", _UPSTREAM, pinned), build, 2, 0.1)


def _copy_readable(source: Path, target: Path) -> None:
    """Copy a file or a tree with modes of its own: Go's cache lets nobody write, not even to remove."""
    files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    for path in files:
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _images(pins: Path, needs: tuple[Recipe, ...]) -> Recipe:
    ours = pins / "ingress-nginx"

    def build(out: Path, parts: Parts) -> None:
        architecture = _ARCHITECTURES[platform.machine()]
        ingress = ingress_image.IngressFiles(parts["nginx"], parts["upstream"] / "ingress-nginx", ours)
        for name, image in images.all_images(_binaries(parts), parts["base"], ingress).items():
            oci.write_archive(image, out / f"{name}.tar", architecture)

    code = _code(images, oci, ingress_image, nginx_template, debian_files)
    own = [(path.name, path.read_bytes()) for path in sorted(ours.rglob("*")) if path.suffix in (".lua", ".js")]
    return Recipe("images", _key("images", _keys(needs), code, own), build, 10, 1, needs)


def _seed(needs: tuple[Recipe, ...], programs: Programs) -> Recipe:
    def build(out: Path, parts: Parts) -> None:
        seed.build(out, _binaries(parts), parts["images"], programs)

    return Recipe("seed", _key("seed", _keys(needs), _code(seed)), build, 5, 1, needs)
