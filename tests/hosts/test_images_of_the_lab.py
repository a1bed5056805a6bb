"""The images as they are built: what kubeadm asks for, and programs that run with what is in the image alone."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from k8snet_provision.lab.artifacts import Artifacts, ensure

pytestmark = pytest.mark.hosts

PROXY_COMMANDS = {
    "iptables": "iptables -A OUTPUT -m statistic --mode random --probability 0.5 -m comment --comment x -j ACCEPT",
    "ip6tables": "ip6tables-save",
    "restore": "printf '*nat\\n:KUBE-X - [0:0]\\nCOMMIT\\n' | iptables-restore && iptables-save | grep KUBE-X",
    "nft": "nft add table ip kube-proxy && nft list ruleset | grep kube-proxy",
    "conntrack": "conntrack -L",
    "ipset": "ipset create x hash:ip && ipset list x | grep hash:ip",
    "kmod": "/usr/sbin/modprobe --version | grep kmod",
    "kube-proxy": "kube-proxy --version | grep v1.36.3",
}


@pytest.fixture(scope="module")
def artifacts() -> Artifacts:
    return ensure(print)


def _unpack(archive: Path, out: Path) -> Path:
    with tarfile.open(archive) as tar:

        def blob(descriptor: dict[str, str]) -> bytes:
            member = tar.extractfile(f"blobs/{descriptor['digest'].replace(':', '/')}")
            assert member is not None
            return member.read()

        index = tar.extractfile("index.json")
        assert index is not None
        [manifest] = json.load(index)["manifests"]
        [layer] = json.loads(blob(manifest))["layers"]
        with tarfile.open(fileobj=io.BytesIO(blob(layer))) as files:
            files.extractall(out, filter="tar")
    out.chmod(0o755)  # the image's root directory; pytest's are its own user's alone
    return out


def _in_image(root: Path, busybox: Path, script: str, user: str = "0:0") -> subprocess.CompletedProcess[str]:
    """Run with the image's files and a static shell, in a network namespace of its own."""
    shutil.copy(busybox, root / "busybox")
    (root / "dev").mkdir(exist_ok=True)
    (root / "dev/null").touch()  # the shell opens it for what runs in the background
    inside = ("chroot", f"--userspec={user}", str(root), "/busybox", "sh", "-ec", script)
    command = ("unshare", "--net", "--mount", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *inside)
    path = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/bin"}
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=path)


def test_the_images_are_those_kubeadm_asks_for(artifacts: Artifacts) -> None:
    kubeadm = artifacts.layer / "usr/local/bin/kubeadm"
    command = (kubeadm, "config", "images", "list", "--kubernetes-version", artifacts.kubernetes_version)
    asked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.split()
    assert len(asked) == 7
    assert set(asked) <= set(artifacts.image_names.values())


def test_there_is_an_archive_for_every_name(artifacts: Artifacts) -> None:
    assert {path.stem for path in artifacts.images.glob("*.tar")} == set(artifacts.image_names)


@pytest.fixture(scope="module")
def proxy(artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _unpack(artifacts.images / "kube-proxy.tar", tmp_path_factory.mktemp("kube-proxy"))


@pytest.mark.parametrize("name", PROXY_COMMANDS)
def test_what_kube_proxy_runs_works_inside_its_image(artifacts: Artifacts, proxy: Path, name: str) -> None:
    script = PROXY_COMMANDS[name].replace("| grep", "| /busybox grep")
    done = _in_image(proxy, artifacts.base / "usr/bin/busybox", script)
    assert done.returncode == 0, done.stderr


def test_the_probe_image_has_a_shell_and_the_probe(artifacts: Artifacts, tmp_path: Path) -> None:
    root = _unpack(artifacts.images / "probe.tar", tmp_path)
    serving = "probe serve 127.0.0.1:80 >/tmp/log & sleep 0.3; probe get http://127.0.0.1/; kill $!"
    done = _in_image(root, artifacts.base / "usr/bin/busybox", serving)
    assert "GET 127.0.0.1 /" in done.stdout, done.stderr


def test_metallbs_manifest_names_the_images_of_the_lab(artifacts: Artifacts) -> None:
    named = set(re.findall(r"^ *image: (\S+)$", artifacts.metallb_manifest.read_text(), re.MULTILINE))
    assert named == {name for name in artifacts.image_names.values() if "/metallb/" in name}


def test_the_load_generator_counts_its_answers(artifacts: Artifacts, tmp_path: Path) -> None:
    root = _unpack(artifacts.images / "probe.tar", tmp_path)
    shutil.copy(artifacts.load_generator, root / "hey")
    load = "probe serve 127.0.0.1:80 >/tmp/log & sleep 0.3; /hey -n 40 -c 4 http://127.0.0.1/; kill $!"
    done = _in_image(root, artifacts.base / "usr/bin/busybox", load)
    assert "[200]\t40 responses" in done.stdout, done.stderr


CONTROLLER = "ingress-nginx-controller"
USER = "101:82"


@pytest.fixture(scope="module")
def controller(artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _unpack(artifacts.images / f"{CONTROLLER}.tar", tmp_path_factory.mktemp(CONTROLLER))


def test_the_controller_says_its_version_and_finds_nginx(artifacts: Artifacts, controller: Path) -> None:
    done = _in_image(controller, artifacts.base / "usr/bin/busybox", "/nginx-ingress-controller --version", USER)
    assert re.search(r"Release: +v1\.11\.0\n", done.stdout), done.stderr
    assert "nginx version: nginx/1." in done.stdout


def test_hosts_get_the_programs_that_may_bind_low_ports(artifacts: Artifacts) -> None:
    """Read as the kernel does, from the image as containerd unpacked it: cap_net_bind_service is number 10."""
    for name in ("nginx-ingress-controller", "usr/sbin/nginx", "usr/bin/dumb-init"):
        [program] = artifacts.seed.glob(f"io.containerd.snapshotter.v1.overlayfs/snapshots/*/fs/{name}")
        assert os.getxattr(program, "security.capability")[4:8] == (1 << 10).to_bytes(4, "little")


def _nginx(artifacts: Artifacts, root: Path, configuration: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run `script` while nginx of the image serves `configuration`, as the user that the image names."""
    head = "daemon off; pid /tmp/nginx/t.pid; error_log stderr warn; events {}\n"
    modules = ("ndk_http", "ngx_http_lua", "ngx_stream", "ngx_stream_js")
    loaded = "".join(f"load_module /etc/nginx/modules/{name}_module.so;\n" for name in modules)
    (root / "etc/nginx/t.conf").write_text(loaded + head + configuration)
    serving = f"nginx -c /etc/nginx/t.conf & sleep 0.5; {script}; kill $!; wait"
    return _in_image(root, artifacts.base / "usr/bin/busybox", serving, USER)


# What is said is collected first: cookies belong to the head of the answer, which goes before its first line.
LUA = """
local said = {}
local function say(...)
  local words = { ... }
  for index = 1, select("#", ...) do
    words[index] = tostring(words[index])
  end
  said[#said + 1] = table.concat(words)
end
local function spread(balancer, ...)
  local seen = {}
  for _ = 1, 40 do
    local id = balancer:find(...)
    seen[id] = (seen[id] or 0) + 1
  end
  return (seen.a or 0) .. " " .. (seen.b or 0)
end
local nodes = { a = 3, b = 1 }
local turns = require("resty.roundrobin"):new(nodes)
say("turns ", spread(turns))
say("kept ", require("util").deep_compare(turns.nodes, nodes))
say("none ", require("resty.roundrobin"):new({}):find())
local ring = require("resty.chash"):new({ a = 1, b = 1 })
say("same ", spread(ring, "/x") == "40 0" or spread(ring, "/x") == "0 40")
local both, moved = {}, 0
local larger = require("resty.chash"):new({ a = 1, b = 1, c = 1 })
for number = 1, 300 do
  local before, after = ring:find("/" .. number), larger:find("/" .. number)
  both[before] = true
  moved = moved + ((after == before or after == "c") and 0 or 1)
end
say("ring ", both.a and both.b, " ", moved)
local lock = require("resty.lock")
local held, other = lock:new("locks", { timeout = 0 }), lock:new("locks", { timeout = 0.1 })
say("lock ", held:lock("k"), " ", select(2, other:lock("k")), " ", held:unlock(), " ", other:lock("k"))
local cookie = require("resty.cookie"):new()
cookie:set({ key = "c", value = "1" })
cookie:set({ key = "c", value = "2", path = "/", secure = true, samesite = "Lax" })
cookie:set({ key = "d", value = "3" })
say("cookie ", cookie:get("came"), " ", table.concat(ngx.header["Set-Cookie"], ", "))
for _, name in ipairs({ "http", "global_throttle", "ipmatcher", "dns.resolver" }) do
  require("resty." .. name)
end
ngx.say(table.concat(said, "\\n"))
"""


def test_our_lua_does_what_the_controller_asks_of_it(artifacts: Artifacts, controller: Path) -> None:
    (controller / "tmp/t.lua").write_text(LUA)
    served = "access_log off; server { listen 127.0.0.1:8080; location / { content_by_lua_file /tmp/t.lua; } }"
    http = f'http {{ lua_package_path "/etc/nginx/lua/?.lua;;"; lua_shared_dict locks 1m; {served} }}'
    done = _nginx(artifacts, controller, http, "wget -qO- --header 'Cookie: came=in' http://127.0.0.1:8080/")
    said = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
    assert said == {
        "turns": "30 10",
        "kept": "true",
        "none": "nil",
        "same": "true",
        "ring": "true 0",
        "lock": "0 timeout 1 0",
        "cookie": "in c=2; Path=/; Secure; SameSite=Lax, d=3",
    }, done.stderr


STREAMS = """
stream {
    js_path "/etc/nginx/";
    js_import l4 from l4.js;
    js_shared_dict_zone zone=l4_peers:1m;
    js_shared_dict_zone zone=l4_turns:1m type=number;
    js_set $l4_peer l4.peer;
    server { listen 127.0.0.1:8000; set $proxy_upstream_name "-"; js_preread l4.receive; return ""; }
    server { listen 127.0.0.1:9000; set $proxy_upstream_name "tcp-demo"; proxy_pass $l4_peer; }
    server { listen 127.0.0.1:8001; return one; }
    server { listen 127.0.0.1:8002; return two; }
}
"""


def test_connections_of_a_tcp_service_take_turns_among_its_endpoints(artifacts: Artifacts, controller: Path) -> None:
    endpoints = [{"address": "127.0.0.1", "port": port} for port in ("8001", "8002")]
    sent = json.dumps([{"name": "tcp-demo", "endpoints": endpoints}, {"name": "tcp-none", "endpoints": None}])
    asking = "for turn in 1 2 3; do sleep 0.2 | nc 127.0.0.1 9000; echo; done"
    script = f"printf '%s\\r\\n' '{sent}' | nc 127.0.0.1 8000; {asking}"
    done = _nginx(artifacts, controller, STREAMS, script)
    assert done.stdout.split() in (["one", "two", "one"], ["two", "one", "two"]), done.stderr
