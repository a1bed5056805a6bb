"""The images of a lab: what each is named and what is in it, made of our static binaries and Debian's files.

The tags are those that kubeadm of the pinned Kubernetes version prints (`kubeadm config images list`) and that
MetalLB's release manifest names.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from k8snet_provision.lab.oci import Directory, Entry, File, Image, Link

KUBERNETES = "v1.36.3"

# The file NAME.tar and the full name inside it.
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "kube-apiserver": f"registry.k8s.io/kube-apiserver:{KUBERNETES}",
        "kube-controller-manager": f"registry.k8s.io/kube-controller-manager:{KUBERNETES}",
        "kube-scheduler": f"registry.k8s.io/kube-scheduler:{KUBERNETES}",
        "kube-proxy": f"registry.k8s.io/kube-proxy:{KUBERNETES}",
        "etcd": "registry.k8s.io/etcd:3.6.8-0",
        "coredns": "registry.k8s.io/coredns/coredns:v1.14.2",
        "pause": "registry.k8s.io/pause:3.10.2",
        "metallb-controller": "quay.io/metallb/controller:v0.16.1",
        "metallb-speaker": "quay.io/metallb/speaker:v0.16.1",
        "probe": "k8snet.lab/probe:1",
    }
)

Binaries = Mapping[str, Path]

_PASSWD = b"root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
_ACCOUNTS = (File("etc/passwd", _PASSWD, 0o644), Directory("tmp", 0o1777))
_PROXY_PROGRAMS = ("usr/sbin/xtables-nft-multi", "usr/sbin/nft", "usr/sbin/conntrack", "usr/sbin/ipset", "usr/bin/kmod")
_IPTABLES = [f"{family}{what}" for family in ("iptables", "ip6tables") for what in ("", "-save", "-restore")]


def all_images(binaries: Binaries, base: Path) -> dict[str, Image]:
    """Every image by the name of its file. `binaries` are our programs by name, `base` is the Debian root."""
    kube = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    images = {name: _program(name, binaries, f"usr/local/bin/{name}") for name in kube}
    etcd_tools = [File(f"usr/local/bin/{name}", binaries[name]) for name in ("etcd", "etcdctl", "etcdutl")]
    images["etcd"] = Image(NAMES["etcd"], (*_ACCOUNTS, *etcd_tools))
    images["coredns"] = _program("coredns", binaries, "coredns")
    images["pause"] = _program("pause", binaries, "pause")
    images["metallb-controller"] = _program("metallb-controller", binaries, "controller")
    images["metallb-speaker"] = _program("metallb-speaker", binaries, "speaker")
    images["kube-proxy"] = Image(NAMES["kube-proxy"], tuple(_kube_proxy(binaries, base)))
    images["probe"] = _probe(binaries, base)
    return images


def _program(name: str, binaries: Binaries, path: str) -> Image:
    program = File(path, binaries[Path(path).name])
    return Image(NAMES[name], (*_ACCOUNTS, program), entrypoint=(f"/{path}",))


def _probe(binaries: Binaries, base: Path) -> Image:
    """A shell with the usual commands, and `probe`, which serves HTTP unless the pod says otherwise."""
    busybox = base / "usr/bin/busybox"
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True, timeout=10)
    commands = [Link(f"bin/{name}", "busybox") for name in listed.stdout.split() if name != "busybox"]
    programs = (File("bin/busybox", busybox), File("bin/probe", binaries["probe"]))
    return Image(NAMES["probe"], (*_ACCOUNTS, *programs, *commands), command=("/bin/probe", "serve", ":80"))


def _kube_proxy(binaries: Binaries, base: Path) -> Iterator[Entry]:
    """kube-proxy, and the programs it runs: iptables (nft variant), nft, conntrack, ipset, modprobe."""
    yield from _ACCOUNTS
    yield from (Link(name, f"usr/{name}") for name in ("bin", "sbin", "lib", "lib64"))
    yield from (Directory("run"), Directory("usr/lib/modules"), Directory("usr/lib64"))
    yield File("usr/local/bin/kube-proxy", binaries["kube-proxy"])
    yield from (Link(f"usr/sbin/{name}", "xtables-nft-multi") for name in _IPTABLES)
    yield from (Link(f"usr/sbin/{name}", "../bin/kmod") for name in ("modprobe", "lsmod"))
    yield from (File(f"etc/{name}", base / "etc" / name, 0o644) for name in ("protocols", "services"))
    extensions = sorted(str(path.relative_to(base)) for path in base.glob("usr/lib/*/xtables/*.so"))
    # The extensions count too: libxt_statistic.so alone needs libm, and without it every sync fails
    # from the first Service with two endpoints on.
    for path in dict.fromkeys((*_PROXY_PROGRAMS, *extensions, *_libraries(base, (*_PROXY_PROGRAMS, *extensions)))):
        yield File(path, (base / path).resolve())


def _libraries(base: Path, paths: Iterable[str]) -> list[str]:
    """The shared libraries that programs of the Debian root load, with the loader, as paths under usr/."""
    command = ["chroot", str(base), "ldd", *(f"/{path}" for path in paths)]
    # ldd ends with 1 when one of its arguments has no dynamic section; what it could not find, it says.
    printed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    if "not found" in printed or "=>" not in printed:
        raise OSError(f"ldd in {base} can not resolve the libraries of kube-proxy's programs: {printed[:500]}")
    found = sorted(set(re.findall(r"\s/(\S+\.so\S*) \(0x", printed)))
    return [path if path.startswith("usr/") else f"usr/{path}" for path in found]
