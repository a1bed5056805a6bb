"""The command line without any host: what goes to stdout, what to stderr, and with which exit code it ends."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import jsonschema
import pytest

from tests.hosts.labs import ROOT
from tests.program import Ran, run

HOSTS = """\
kube_control_plane:
  hosts: {cp1: {ansible_host: 192.0.2.11}}
kube_node:
  hosts: {node1: {ansible_host: 192.0.2.21}}
"""
TOPOLOGY = """\
topology:
  service_cidr: 10.254.0.0/16
  pod_cidr: 10.244.0.0/16
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """A sound inventory of hosts that no test here reaches."""
    folder = tmp_path / "inventory"
    (folder / "group_vars" / "all").mkdir(parents=True)
    (folder / "hosts.yml").write_text(HOSTS)
    (folder / "group_vars" / "all" / "topology.yml").write_text(TOPOLOGY)
    return folder


def topology(inventory: Path, text: str) -> Path:
    path = inventory / "group_vars" / "all" / "topology.yml"
    path.write_text(text)
    return path


def refused(ran: Ran, *said: str) -> None:
    """One line for each problem on stderr, nothing else anywhere."""
    lines = ran.err.splitlines()
    assert (ran.code, ran.out) == (1, ""), ran
    assert len(lines) == len(said), ran
    for line, words in zip(lines, said, strict=True):
        assert words in line


def test_a_sound_inventory(inventory: Path) -> None:
    ran = run("lint", str(inventory))
    assert (ran.code, ran.out, ran.err) == (0, "no problems found\n", "")


@pytest.mark.parametrize("command", ["diff", "apply", "verify"])
def test_all_problems_of_an_inventory_come_at_once_before_any_host_is_asked(command: str, inventory: Path) -> None:
    path = topology(inventory, TOPOLOGY.replace("service_cidr", "service_cdir") + "  node_port_range: 9-1\n")
    ran = run(command, str(inventory))
    assert ran.code == 1, ran
    assert ran.out == ""
    assert f"{path}:2: K8N101 unknown key service_cdir; hint: did you mean service_cidr?" in ran.err
    assert f"{path}:4: K8N1" in ran.err


def test_overlapping_ranges_name_both_places(inventory: Path) -> None:
    path = topology(inventory, TOPOLOGY.replace("10.244.0.0/16", "10.254.128.0/17"))
    ran = run("lint", str(inventory))
    assert ran.code == 1, ran
    assert f"{path}:2: K8N123 " in ran.out
    assert f"written at {path}:3" in ran.out


def test_a_host_without_an_address_is_told(inventory: Path) -> None:
    (inventory / "hosts.yml").write_text(HOSTS.replace("{ansible_host: 192.0.2.21}", "null"))
    ran = run("lint", str(inventory))
    assert ran.code == 0, ran
    assert f"{inventory}/hosts.yml:4: K8N115 warning: node1 has no ansible_host" in ran.out


@pytest.mark.parametrize("command", ["diff", "apply", "verify"])
def test_an_empty_directory(command: str, tmp_path: Path) -> None:
    refused(run(command, str(tmp_path)), f"{tmp_path}: K8N012 names no host; hint: write hosts.yml")


@pytest.mark.parametrize("arguments", [["diff"], ["apply", "--yes"], ["verify"], ["inventory", "--list"]])
def test_a_directory_that_is_not_there(arguments: list[str], tmp_path: Path) -> None:
    command, *rest = arguments
    path = tmp_path / "nowhere"
    refused(run(command, str(path), *rest), f"{path}: K8N001 cannot be read: No such file or directory")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x00\x01\xfe" * 99, "K8N002 is a binary file"),
        (b"topology: [", "K8N004 "),
        (b"- a\n- b\n", "K8N005 "),
        (b"a" * 17_000_000, "K8N003 is too large"),
    ],
    ids=["binary", "broken", "list", "huge"],
)
def test_a_file_that_is_no_configuration(content: bytes, said: str, inventory: Path) -> None:
    path = inventory / "group_vars" / "all" / "topology.yml"
    path.write_bytes(content)
    ran = run("diff", str(inventory))
    refused(ran, said)
    assert ran.err.startswith(str(path))


MISUSED = {
    ("diff",): "K8N400 Missing argument 'inventory'; hint: k8snet-provision diff --help",
    ("nosuch",): "K8N400 No such command 'nosuch'; hint: k8snet-provision --help",
    ("diff", "INVENTORY", "--bogus"): "K8N400 No such option: --bogus",
    ("diff", "INVENTORY", "--forks", "0"): "K8N400 Invalid value for '--forks'",
    ("diff", "INVENTORY", "--output", "xml"): "K8N400 Invalid value for '--output'",
    ("inventory", "INVENTORY"): "K8N400 give one of --list, --graph, --host",
    ("inventory", "INVENTORY", "--host", "nix"): "such host (found nix); hint: known: cp1, node1",
    ("diff", "INVENTORY", "--limit", "cp9"): "K8N401 --limit matches nothing (found cp9); hint: did you mean cp1?",
    ("diff", "INVENTORY", "--tags", "core-dns"): "K8N402 --tags matches nothing (found core-dns); hint: did you mean",
    ("diff", "INVENTORY", "-e", "service_cidr"): "K8N090 --extra-vars cannot be read (found 'service_cidr': no key",
    ("diff", "INVENTORY", "-e", "@/nowhere"): "K8N090 --extra-vars cannot be read",
    ("diff", "INVENTORY", "-e", "{a: ["): "K8N090 --extra-vars cannot be read",
    ("diff", "INVENTORY", "--vault-password-file", "/nowhere"): "/nowhere: K8N001 cannot be read",
    ("lab", "nosuch"): "K8N400 No such command 'nosuch'; hint: k8snet-provision lab --help",
}


@pytest.mark.parametrize("arguments", MISUSED, ids=" ".join)
def test_a_command_that_makes_no_sense_ends_with_1_because_2_means_differs(
    arguments: tuple[str, ...], inventory: Path
) -> None:
    words = [str(inventory) if word == "INVENTORY" else word for word in arguments]
    refused(run(*words), MISUSED[arguments])


@pytest.mark.parametrize(
    "arguments",
    [
        ["lint", "INVENTORY", "--output", "json"],
        ["lint", "INVENTORY", "-o", "json"],
        ["diff", "INVENTORY", "--output=json"],
        ["diff", "INVENTORY", "--bogus", "--output", "json"],
        ["diff", "INVENTORY", "--limit", "nix", "-o", "json"],
        ["apply", "INVENTORY", "--yes", "--output", "json"],
        ["verify", "INVENTORY", "--output", "json"],
    ],
    ids=" ".join,
)
def test_json_is_json_whatever_goes_wrong(arguments: list[str], inventory: Path) -> None:
    topology(inventory, "topology: {service_cidr: [\n")
    ran = run(*(str(inventory) if word == "INVENTORY" else word for word in arguments))
    assert ran.code == 1, ran
    answer = json.loads(ran.out)
    problems = answer if arguments[0] == "lint" else answer["problems"]
    assert [problem["severity"] for problem in problems] == ["error"]
    assert all(problem["code"].startswith("K8N") and problem["message"] for problem in problems)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("service_cidr=10.9.0.0/16", "10.9.0.0/16"),
        ("other=1 service_cidr='10.9.0.0/16'", "10.9.0.0/16"),
        ('{"service_cidr": "10.9.0.0/16"}', "10.9.0.0/16"),
        ("{service_cidr: 9}", 9),
        ("@FILE", "10.9.0.0/16"),
    ],
)
def test_forms_of_extra_vars(given: str, value: object, inventory: Path, tmp_path: Path) -> None:
    (tmp_path / "vars.yml").write_text("service_cidr: 10.9.0.0/16\n")
    argument = given.replace("FILE", str(tmp_path / "vars.yml"))
    ran = run("inventory", str(inventory), "--host", "cp1", "-e", "service_cidr=first", "-e", argument)
    assert ran.code == 0, ran
    assert json.loads(ran.out)["service_cidr"] == value


def test_extra_vars_win_over_the_topology(inventory: Path) -> None:
    ran = run("lint", str(inventory), "-e", '{"topology": {"service_cidr": "10.254.0.0/40"}}')
    assert ran.code == 1, ran
    assert "10.254.0.0/40" in ran.out


def test_the_schema_is_what_an_editor_can_read() -> None:
    ran = run("schema")
    assert (ran.code, ran.err) == (0, "")
    jsonschema.Draft202012Validator.check_schema(json.loads(ran.out))
    assert "service_cidr" in ran.out


def test_the_version_is_that_of_the_distribution_and_of_the_code() -> None:
    ran = run("--version")
    assert (ran.code, ran.err) == (0, "")
    assert re.fullmatch(
        rf"k8snet-provision {re.escape(metadata.version('k8snet-provision'))} \([0-9a-f]{{16}}\)\n", ran.out
    )


def test_help_is_shown_where_no_word_is_given() -> None:
    ran = run()
    assert "Usage: k8snet-provision" in ran.out
    assert ran.err == ""


def at_a_terminal(arguments: list[str], **environment: str) -> bytes:
    """What a person sees: script(1) gives the command a terminal of its own."""
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "CI")}
    command = shlex.join([sys.executable, "-m", "k8snet_provision", *arguments])
    return subprocess.run(
        ["script", "--quiet", "--return", "--command", command, "/dev/null"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
        env=clean | {"TERM": "xterm-256color"} | environment,
    ).stdout


def test_colour_at_a_terminal_and_not_where_it_is_not_wanted(inventory: Path) -> None:
    topology(inventory, TOPOLOGY.replace("service_cidr", "service_cdir"))
    assert b"\x1b[31m" in at_a_terminal(["lint", str(inventory)])
    assert b"\x1b[3" not in at_a_terminal(["lint", str(inventory)], NO_COLOR="1")
    assert "\x1b" not in run("lint", str(inventory)).out


def test_values_are_not_read_as_markup(inventory: Path) -> None:
    topology(inventory, TOPOLOGY + "  '[bold]x[/bold]': 1\n")
    assert "unknown key [bold]x[/bold]" in run("lint", str(inventory)).out


def test_hosts_that_do_not_answer_are_not_in_sync(inventory: Path) -> None:
    """192.0.2.0/24 is nobody's (RFC 5737); a port of loopback that is closed answers at once."""
    local = HOSTS.replace("192.0.2.11", "127.0.0.1, ansible_port: 1").replace(
        "192.0.2.21", "127.0.0.2, ansible_port: 1"
    )
    (inventory / "hosts.yml").write_text(local)
    ran = run("diff", str(inventory))
    assert (ran.code, ran.err) == (3, ""), ran
    assert "? cp1: host could not be observed: cp1 (127.0.0.1:1) refused the connection on port 1" in ran.out
    assert ran.out.splitlines()[-1] == "nothing can be said yet"
    answer = json.loads(run("apply", str(inventory), "--yes", "--output", "json").out)
    assert [item["target"] for item in answer["incomplete"]] == ["cp1", "node1", "cluster"]


def test_a_phase_of_the_cluster_alone_is_not_in_sync_while_nobody_answers(inventory: Path) -> None:
    (inventory / "hosts.yml").write_text(HOSTS.replace("192.0.2.11", "127.0.0.1, ansible_port: 1"))
    ran = run("diff", str(inventory), "--tags", "coredns")
    assert ran.code == 3, ran
    assert "? cp1: host could not be observed" in ran.out


def test_an_internal_error_is_one_line_and_its_place_only_on_request(inventory: Path) -> None:
    program = (
        "import k8snet_provision.engine.patch, sys; from k8snet_provision import ending\n"
        "def broken(arguments, **how): raise ZeroDivisionError('the reason')\n"
        "sys.exit(ending.run(broken, ['diff']))"
    )
    quiet, told = (
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=os.environ | more, capture_output=True, text=True, timeout=60
        )
        for more in ({}, {"K8SNET_TRACEBACK": "1"})
    )
    assert quiet.returncode == told.returncode == 1
    assert quiet.stdout == told.stdout == ""
    assert quiet.stderr == (
        "command line: K8N999 internal error: ZeroDivisionError: the reason; "
        "hint: set K8SNET_TRACEBACK=1 to see where, and report it\n"
    )
    assert "line 2, in broken" in told.stderr


def test_a_reader_that_goes_away_is_no_traceback(inventory: Path) -> None:
    command = f"{sys.executable} -m k8snet_provision schema | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)
    assert (done.stdout, done.stderr) == ("{\n", "")
