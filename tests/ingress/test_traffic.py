"""The scripts that move traffic, with a kubectl that answers from files, and the operator's own command."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from threading import Timer

import pytest

from k8snet_provision.capability import NEVER
from k8snet_provision.engine.here import LocalCommand
from k8snet_provision.ingress import traffic
from k8snet_provision.topology.ingress import Ingress

pytestmark = pytest.mark.programs

PODS = [{"namespace": "web", "selector": "pattern=old"}]
NGINX = Ingress(pattern="node_port")


def run(script: str) -> tuple[int, str, float]:
    began = time.monotonic()
    done = subprocess.run(["sh"], input=script, text=True, capture_output=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).strip(), time.monotonic() - began


def counting(folder: Path) -> str:
    """kubectl of a cluster with one pod, whose metrics are a file."""
    return f'K() {{ case $* in *"get pods"*) echo old-1 ;; *metrics*) cat {folder}/metrics ;; esac; }}'


def write_count(folder: Path, count: float) -> None:
    lines = f'# HELP x\nnginx_ingress_controller_requests{{host="a b"}} {count}\nother 7\n'
    new = folder / "new"
    new.write_text(lines)
    new.rename(folder / "metrics")


def test_a_way_in_without_requests_is_quiet(tmp_path: Path) -> None:
    write_count(tmp_path, 1.5e06)
    code, said, seconds = run(traffic.quiet(counting(tmp_path), PODS, 2, 20))
    assert code == 0, said
    assert seconds >= 1  # the host counts by its clock's whole seconds


def test_a_request_begins_the_quiet_time_anew(tmp_path: Path) -> None:
    write_count(tmp_path, 5)
    timer = Timer(2, write_count, (tmp_path, 6))
    timer.start()
    code, said, seconds = run(traffic.quiet(counting(tmp_path), PODS, 3, 30))
    timer.join()
    assert code == 0, said
    assert seconds >= 4  # two, and three that the host counts by its clock's whole seconds


def test_after_the_deadline_the_old_way_in_stays_and_the_reason_is_said(tmp_path: Path) -> None:
    (tmp_path / "n").write_text("0")
    counter = (
        f'n=$(cat {tmp_path}/n); n=$((n + 1)); echo $n >{tmp_path}/n; echo "nginx_ingress_controller_requests{{}} $n"'
    )
    kubectl = f'K() {{ case $* in *"get pods"*) echo old-1 ;; *metrics*) {counter} ;; esac; }}'
    code, said, _ = run(traffic.quiet(kubectl, PODS, 3, 5))
    assert code == NEVER
    assert "it stays" in said


def test_requests_that_cannot_be_counted_are_not_taken_for_none(tmp_path: Path) -> None:
    kubectl = 'K() { case $* in *"get pods"*) echo old-1 ;; *) echo "no route to host" >&2; return 1 ;; esac; }'
    code, said, _ = run(traffic.quiet(kubectl, PODS, 1, 4))
    assert code == NEVER
    assert "no route to host" in said


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("demo/app|nginx||192.0.2.101", ""),
        ("demo/app|nginx||192.0.2.21 192.0.2.101", "demo/app"),
        ("demo/app|nginx||192.0.2.21", "demo/app"),
        ("demo/app|nginx||", ""),
        ("demo/app|other||192.0.2.9", ""),
        ("demo/app||nginx|192.0.2.9", "demo/app"),
        ("demo/app|||192.0.2.9", ""),
    ],
)
def test_the_status_of_our_classs_ingresses_is_what_counts(line: str, shown: str) -> None:
    code, said, _ = run(traffic.status_shown(f"K() {{ echo '{line}'; }}", NGINX, ["192.0.2.101"]))
    assert (code == 0) == (shown == "")
    assert shown in said


def test_addresses_in_another_order_are_the_same() -> None:
    kubectl = "K() { echo 'demo/app|nginx||192.0.2.22 192.0.2.21'; }"
    assert run(traffic.status_shown(kubectl, NGINX, ["192.0.2.21", "192.0.2.22"]))[0] == 0


LEASES = """K() {{
  case $* in
    *"get pods"*) printf 'new-1 True\\nnew-2 False\\nnew-3 2026-01-01T00:00:00ZTrue\\n' ;;
    *"get lease"*) printf '%s' {0} ;;
    *patch*) echo "$*" ;;
  esac
}}"""


@pytest.mark.parametrize(
    ("lease", "patched"),
    [("'ingress-nginx-leader old-7'", True), ("'ingress-nginx-leader new-1'", False), ("''", False)],
)
def test_the_lease_goes_to_a_ready_pod_of_the_new_way_in(lease: str, patched: bool) -> None:
    code, said, _ = run(traffic.hand_over(LEASES.format(lease), "web", "pattern=new"))
    assert code == 0
    assert ('{"spec":{"holderIdentity":"new-1"}}' in said) == patched


def test_without_a_ready_pod_traffic_does_not_move() -> None:
    code, said, _ = run(traffic.hand_over("K() { :; }", "web", "pattern=new"))
    assert (code, said) == (1, "no pod of the new way in is Ready")


def test_the_operators_command_gets_its_input_and_no_shell(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = f"import sys; open({str(out)!r}, 'w').write(repr(sys.argv[1:]) + sys.stdin.read())"
    assert LocalCommand([sys.executable, "-c", code, "$(id)", "a b"], b'{"to": []}', 20).run() == ""
    assert out.read_text() == "['$(id)', 'a b']" + '{"to": []}'


def test_what_a_failing_command_said_is_shown() -> None:
    code = "import sys; print('no such zone', file=sys.stderr); sys.exit(3)"
    assert LocalCommand([sys.executable, "-c", code], b"", 20).run() == f"{sys.executable} ended with 3: no such zone"


def test_a_command_that_hangs_is_ended() -> None:
    why = LocalCommand(["sleep", "30"], b"", 0.2).run()
    assert why == "sleep did not finish within 0.2 s"


def test_a_command_that_is_not_there_is_said_to_be() -> None:
    assert (
        LocalCommand(["/nowhere/repoint"], b"", 5).run() == "/nowhere/repoint cannot be run: No such file or directory"
    )
