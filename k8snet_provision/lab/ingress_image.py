"""The image of the ingress-nginx controller: the controller, Debian's nginx with its modules, and our Lua.

The controller's authors build an nginx of their own; here Debian's takes its place, and small modules of
ours (lab/ingress-nginx) the places of Lua libraries that Debian does not have. Not in the image are
ModSecurity, OpenTelemetry, digest authentication, OCSP stapling and global rate limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from k8snet_provision.lab.debian_files import libraries, real, shell
from k8snet_provision.lab.nginx_template import fitted
from k8snet_provision.lab.oci import Directory, Entry, File, Image, Link, Owner

_USER: Owner = (101, 82)  # www-data of the authors' image, which their manifests name
_NET_BIND_SERVICE = 10  # linux/capability.h: ports below 1024
_PASSWD = (
    b"root:x:0:0:root:/root:/bin/sh\nwww-data:x:101:82:www-data:/nonexistent:/sbin/nologin\n"
    b"nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"
)
_GROUP = b"root:x:0:\nwww-data:x:82:\nnogroup:x:65534:\n"
_WRITTEN = (
    *(f"etc/ingress-controller/{name}" for name in ("ssl", "auth", "geoip", "telemetry")),
    *("etc/nginx", "etc/nginx/template", "tmp/nginx", "var/lib/nginx", "var/log/nginx"),
)
_FROM_DEBIAN = ("mime.types", "fastcgi_params")
_DEBIAN_PROGRAMS = ("usr/sbin/nginx", "usr/bin/dumb-init")


@dataclass(frozen=True)
class IngressFiles:
    """`packages`: Debian's, unpacked. `upstream`: the controller's rootfs/etc/nginx. `ours`: lab/ingress-nginx."""

    packages: Path
    upstream: Path
    ours: Path


def controller_image(name: str, controller: Path, files: IngressFiles, base: Path) -> Image:
    """The image; the shell is that of `base`, the hosts' Debian root. Raises OSError."""
    entries = (
        *_machine(files.packages, base),
        File("nginx-ingress-controller", controller, capability=_NET_BIND_SERVICE),
        *_nginx(files.packages),
        *_lua(files),
        *_configuration(files),
    )
    start = ("/usr/bin/dumb-init", "--")
    return Image(name, entries, start, ("/nginx-ingress-controller",), _USER, "/etc/nginx")


def _machine(packages: Path, base: Path) -> Iterator[Entry]:
    """What programs expect of any machine."""
    yield from (Link(name, f"usr/{name}") for name in ("bin", "sbin", "lib", "lib64"))
    yield from (Directory("usr/lib64"), Directory("run"), Directory("tmp", 0o1777))
    yield from (File("etc/passwd", _PASSWD, 0o644), File("etc/group", _GROUP, 0o644))
    yield File("etc/nsswitch.conf", b"hosts: files dns\n", 0o644)
    authorities = sorted(packages.glob("usr/share/ca-certificates/mozilla/*.crt"))
    yield File("etc/ssl/certs/ca-certificates.crt", b"".join(path.read_bytes() for path in authorities), 0o644)
    yield from shell(base, "usr/bin")


def _nginx(packages: Path) -> Iterator[Entry]:
    """nginx, its modules and the libraries of all; the process metrics look for /usr/bin/nginx."""
    modules = sorted(str(path.relative_to(packages)) for path in packages.glob("usr/lib/nginx/modules/*.so"))
    for path in _DEBIAN_PROGRAMS:
        yield File(path, packages / path, capability=_NET_BIND_SERVICE)
    yield Link("usr/bin/nginx", "../sbin/nginx")
    lua = sorted(str(path.relative_to(packages)) for path in packages.glob("usr/lib/*/lua/5.1/**/*.so"))
    for path in (*modules, *lua, *libraries(packages, (*_DEBIAN_PROGRAMS, *modules, *lua))):
        yield File(path, real(packages, path), 0o644 if path in (*modules, *lua) else 0o755)


def _lua(files: IngressFiles) -> Iterator[Entry]:
    """Debian's Lua libraries where Debian has them; the controller's and ours where the controller looks first."""
    for path in sorted(files.packages.glob("usr/share/lua/5.1/**/*.lua")):
        inside = str(path.relative_to(files.packages))
        yield File(inside, real(files.packages, inside), 0o644)
    for path in sorted((files.upstream / "lua").rglob("*.lua")):
        if "test" not in path.relative_to(files.upstream).parts:
            yield File(f"etc/nginx/{path.relative_to(files.upstream)}", path, 0o644)
    for path in sorted((files.ours / "resty").rglob("*.lua")):
        yield File(f"etc/nginx/lua/{path.relative_to(files.ours)}", path, 0o644)


def _configuration(files: IngressFiles) -> Iterator[Entry]:
    """What the controller writes, it writes as a user who is not root."""
    yield from (Directory(path, owner=_USER) for path in _WRITTEN)
    yield Link("etc/nginx/modules", "/usr/lib/nginx/modules")
    yield from (File(f"etc/nginx/{name}", files.packages / "etc/nginx" / name, 0o644) for name in _FROM_DEBIAN)
    yield File("etc/nginx/l4.js", files.ours / "l4.js", 0o644)
    yield File("etc/nginx/nginx.conf", files.upstream / "nginx.conf", 0o644, _USER)
    template = fitted((files.upstream / "template/nginx.tmpl").read_text())
    yield File("etc/nginx/template/nginx.tmpl", template.encode(), 0o644, _USER)
    for log, stream in (("access", "stdout"), ("error", "stderr")):
        yield Link(f"var/log/nginx/{log}.log", f"/dev/{stream}", _USER)
