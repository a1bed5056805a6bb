"""The apiserver's flags: edited where they are written, started anew where they are not in force, refused else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snet_provision import assets
from k8snet_provision.change import Change, Kind
from k8snet_provision.resources.probe import Seen, Unknown
from k8snet_provision.seen import World
from tests.deploys.worlds import ABSENT, a_world, present, sent, unknown

kube_apiserver = assets.deploy_module("kube_apiserver")
apiserver_gates = assets.deploy_module("apiserver_gates")

NEW = "service_cidr: 10.254.0.0/16"
OLD_ARGV = "kube-apiserver --service-cluster-ip-range=10.96.0.0/16"
UNIT = """\
[Service]
# the range was agreed with the network team
ExecStart=/usr/local/bin/kube-apiserver \\
  --advertise-address=192.0.2.11 \\
  --service-cluster-ip-range=10.96.0.0/16 \\
  --secure-port=6443
"""
MANIFEST = """\
apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
spec:
  containers:
  - name: kube-apiserver
    command:
    - kube-apiserver
    - --advertise-address=192.0.2.11
    - --service-cluster-ip-range=10.96.0.0/16  # agreed
"""


def a_unit(program: str, text: str, argv: str) -> Seen:
    path = f"/etc/systemd/system/{program}.service"
    words = "\x1f".join(argv.split())
    head = f"LoadState=loaded\nActiveState=active\nMainPID=77\nFragmentPath={path}\nArgv={words}\n\n"
    return present(head.encode() + sent(path, text))


def host(**units: Seen) -> dict[str, Seen]:
    """A host on which nothing of the control plane was found, but for these units."""
    found = {"certificate:kube-apiserver": ABSENT}
    for program in ("kube-apiserver", "kube-controller-manager"):
        found |= {f"unit:{program}": ABSENT, f"file:/etc/kubernetes/manifests/{program}.yaml": ABSENT}
        found |= {f"process:{program}": ABSENT}
    return {**found, **{f"unit:{name.replace('_', '-')}": seen for name, seen in units.items()}}


def with_unit(
    text: str = UNIT, argv: str = "kube-apiserver --service-cluster-ip-range=10.96.0.0/16"
) -> dict[str, Seen]:
    return host(kube_apiserver=a_unit("kube-apiserver", text, argv))


def with_manifest(running: str) -> dict[str, Seen]:
    path = "/etc/kubernetes/manifests/kube-apiserver.yaml"
    process = present("612\x1f" + "\x1f".join(running.split()) + "\n")
    return host() | {f"file:{path}": present(sent(path, MANIFEST, "600")), "process:kube-apiserver": process}


def world(tmp_path: Path, answers: dict[str, Seen], topology: str = NEW) -> World:
    return a_world(tmp_path, topology, {"cp1": answers})


def changes(found: World) -> list[Change]:
    return list(kube_apiserver.host_changes(found, "cp1"))


def codes(found: World) -> set[str]:
    return {problem.code for problem in kube_apiserver.refusals(found)}


def test_the_flag_changes_in_the_unit_and_no_other_byte(tmp_path: Path) -> None:
    (change,) = changes(world(tmp_path, with_unit()))
    assert change.after == UNIT.replace("10.96.0.0/16", "10.254.0.0/16")
    assert (change.name, change.restarts) == ("/etc/systemd/system/kube-apiserver.service", ("kube-apiserver",))


def test_a_static_pod_is_staged_outside_the_directory_that_the_kubelet_reads(tmp_path: Path) -> None:
    (change,) = changes(world(tmp_path, with_manifest("kube-apiserver --service-cluster-ip-range=10.96.0.0/16")))
    assert change.after == MANIFEST.replace("10.96.0.0/16", "10.254.0.0/16")
    assert change.details["stage"] == "/etc/kubernetes"
    assert (change.restarts, change.details["after_mode"]) == ((), "600")


def test_node_ports_that_are_the_default_are_not_written_out(tmp_path: Path) -> None:
    (change,) = changes(world(tmp_path, with_unit(), f"{NEW}\nnode_port_range: 31000-32000"))
    assert "--service-node-port-range=31000-32000" in str(change.after)
    (change,) = changes(world(tmp_path, with_unit()))
    assert "node-port" not in str(change.after)


def test_the_controller_manager_follows(tmp_path: Path) -> None:
    text = "[Service]\nExecStart=/usr/local/bin/kube-controller-manager --allocate-node-cidrs=true\n"
    manager = a_unit("kube-controller-manager", text, "kube-controller-manager --allocate-node-cidrs=true")
    found = changes(world(tmp_path, with_unit() | {"unit:kube-controller-manager": manager}))
    assert [change.restarts for change in found] == [("kube-apiserver",), ("kube-controller-manager",)]
    assert "--service-cluster-ip-range=10.254.0.0/16" in str(found[1].after)


def test_nothing_to_do_where_file_and_process_agree(tmp_path: Path) -> None:
    text = UNIT.replace("10.96.0.0/16", "10.254.0.0/16")
    assert changes(world(tmp_path, with_unit(text, "kube-apiserver --service-cluster-ip-range 10.254.0.0/16"))) == []


def test_a_process_older_than_its_file_restarts(tmp_path: Path) -> None:
    (change,) = changes(world(tmp_path, with_unit(UNIT.replace("10.96.0.0/16", "10.254.0.0/16"))))
    assert (change.kind, change.name) == (Kind.RESTART, "kube-apiserver")
    assert change.before == "--service-cluster-ip-range=10.96.0.0/16\n"


def test_a_unit_that_does_not_run_is_started(tmp_path: Path) -> None:
    (change,) = changes(world(tmp_path, with_unit(UNIT.replace("10.96.0.0/16", "10.254.0.0/16"), "")))
    assert (change.kind, change.before) == (Kind.RESTART, "kube-apiserver does not run\n")


def test_unit_and_manifest_together_are_refused_unless_the_topology_says_which(tmp_path: Path) -> None:
    both = with_unit() | {"file:/etc/kubernetes/manifests/kube-apiserver.yaml": present(sent("/m", MANIFEST))}
    assert "K8N270" in codes(world(tmp_path, both))
    chosen = world(tmp_path, both, f"{NEW}\ncontrol_plane: {{kind: systemd}}")
    assert [change.name for change in changes(chosen)] == ["/etc/systemd/system/kube-apiserver.service"]


def test_a_control_plane_without_an_apiserver_is_refused(tmp_path: Path) -> None:
    assert codes(world(tmp_path, host())) == {"K8N271"}


def test_a_flag_given_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    twice = UNIT.rstrip("\n") + " --service-cluster-ip-range=10.97.0.0/16\n"
    found = world(tmp_path, with_unit(twice))
    assert changes(found) == []
    (problem,) = [p for p in kube_apiserver.refusals(found) if p.code == "K8N272"]
    assert problem.found == "/etc/systemd/system/kube-apiserver.service:6"


def test_an_apiserver_that_makes_its_own_certificate_is_refused(tmp_path: Path) -> None:
    assert "K8N273" in codes(world(tmp_path, with_unit()))


def test_a_unit_that_could_not_be_read_is_unknown_and_hides_no_other_hosts_problem(tmp_path: Path) -> None:
    found = world(tmp_path, host() | {"unit:kube-apiserver": unknown("systemctl failed")})
    with pytest.raises(Unknown, match="systemctl failed"):
        changes(found)
    assert codes(found) == set()


def test_the_flags_to_wait_for_change_sides_with_the_change(tmp_path: Path) -> None:
    (change,) = changes(world(tmp_path, with_unit()))
    assert json.loads(change.inverted().details["after_flags"]) == {"service-cluster-ip-range": "10.96.0.0/16"}


SERVER = """
import http.server, ssl, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[1])); self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True); server.serve_forever()
"""
RANGE = "198.18.77.0/24"


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    path = tmp_path / "both.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=test",
            "-keyout",
            str(path),
            "-out",
            str(tmp_path / "crt"),
        ],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + (tmp_path / "crt").read_text())
    return path


@pytest.fixture(params=[200, 500])
def answering(request: pytest.FixtureRequest, pem: Path) -> Iterator[tuple[int, int]]:
    """(status, port) of a process named kube-apiserver that runs with the new range."""
    words = ["kube-apiserver", "-c", SERVER, str(request.param), str(pem), f"--service-cluster-ip-range={RANGE}"]
    with subprocess.Popen(words, executable=sys.executable, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield request.param, int(process.stdout.readline())
        process.kill()


def gate(found: World, wanted: str, port: int) -> subprocess.CompletedProcess[str]:
    running = f"kube-apiserver --service-cluster-ip-range={wanted} --secure-port={port}"
    asked = world(found.cluster.inventory.path.parent, with_unit(argv=running), f"service_cidr: {wanted}")
    script = apiserver_gates.carries_flags(asked, "cp1", changes(asked))
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=30, check=False)


def test_the_gate_passes_only_a_process_that_has_the_flag_and_answers_200(
    tmp_path: Path, answering: tuple[int, int]
) -> None:
    status, port = answering
    done = gate(world(tmp_path, with_unit()), RANGE, port)
    assert (done.returncode == 0) == (status == 200), done
    assert status == 200 or done.stdout.strip().endswith("readyz answers 500")


def test_the_gate_says_which_process_it_did_not_find(tmp_path: Path) -> None:
    done = gate(world(tmp_path, with_unit()), "198.18.78.0/24", 6443)
    assert done.returncode == 1
    assert "no kube-apiserver runs with --service-cluster-ip-range=198.18.78.0/24" in done.stdout
