"""The images of a lab: what each is named and what is in it, made of our static binaries and Debian's files.

The tags are those that kubeadm of the pinned Kubernetes version prints (`kubeadm config images list`) and that
MetalLB's release manifest names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from k8snet_provision.lab.debian_files import libraries, real, shell
from k8snet_provision.lab.ingress_image import IngressFiles, controller_image
from k8snet_provision.lab.oci import Directory, Entry, File, Image, Link

KUBERNETES = "v1.36.3"
INGRESS_NGINX = "v1.11.0"  # lab/ingress-nginx pins the commit that was released as this

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
        "ingress-nginx-controller": f"registry.k8s.io/ingress-nginx/controller:{INGRESS_NGINX}",
        "probe": "k8snet.lab/probe:1",
    }
)

Binaries = Mapping[str, Path]

_PASSWD = b"root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
_ACCOUNTS = (File("etc/passwd", _PASSWD, 0o644), Directory("tmp", 0o1777))
_PROXY_PROGRAMS = ("usr/sbin/xtables-nft-multi", "usr/sbin/nft", "usr/sbin/conntrack", "usr/sbin/ipset", "usr/bin/kmod")
_IPTABLES = [f"{family}{what}" for family in ("iptables", "ip6tables") for what in ("", "-save", "-restore")]


def all_images(binaries: Binaries, base: Path, ingress: IngressFiles) -> dict[str, Image]:
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
    name = "ingress-nginx-controller"
    images[name] = controller_image(NAMES[name], binaries["nginx-ingress-controller"], ingress, base)
    return images


def _program(name: str, binaries: Binaries, path: str) -> Image:
    program = File(path, binaries[Path(path).name])
    return Image(NAMES[name], (*_ACCOUNTS, program), entrypoint=(f"/{path}",))


def _probe(binaries: Binaries, base: Path) -> Image:
    """A shell with the usual commands, and `probe`, which serves HTTP unless the pod says otherwise."""
    programs = (*shell(base, "bin"), File("bin/probe", binaries["probe"]))
    return Image(NAMES["probe"], (*_ACCOUNTS, *programs), command=("/bin/probe", "serve", ":80"))


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
    for path in dict.fromkeys((*_PROXY_PROGRAMS, *extensions, *libraries(base, (*_PROXY_PROGRAMS, *extensions)))):
        yield File(path, real(base, path))
