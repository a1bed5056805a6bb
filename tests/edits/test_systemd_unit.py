"""Where a flag is edited, what stays as it is, and what is refused."""

from __future__ import annotations

import pytest

from k8snet_provision.edits.flag_words import FlagUse
from k8snet_provision.edits.refused import EditRefused, FlagGivenTwice
from k8snet_provision.edits.systemd_unit import UnitFiles, environment_files, flags, with_flags

UNIT = "/etc/systemd/system/kube-apiserver.service"
DROP_IN = "/etc/systemd/system/kube-apiserver.service.d/10-flags.conf"
ENVIRONMENT = "/etc/kubernetes/kube-apiserver.env"

FRAGMENT = """\
[Unit]
Description=Kubernetes API server
# --service-cluster-ip-range=1.2.3.0/24 is only a comment

[Service]
ExecStart=/usr/local/bin/kube-apiserver \\
  --allow-privileged \\
  # the service network
  --service-cluster-ip-range=10.96.0.0/16 \\
  "--service-account-issuer=https://kubernetes.default.svc" \\
  --service-node-port-range 30000-32767
Restart=on-failure
"""
RANGE = {"service-cluster-ip-range": "10.254.0.0/16"}


def service(fragment: str, drop_in: str | None = None, environment: str | None = None) -> UnitFiles:
    units = ((UNIT, fragment),) + (((DROP_IN, drop_in),) if drop_in is not None else ())
    return UnitFiles("kube-apiserver.service", units, ((ENVIRONMENT, environment),) if environment is not None else ())


def one_line(words: str, *before: str) -> str:
    return "[Service]\n" + "".join(f"{line}\n" for line in before) + f"ExecStart=/bin/kube-apiserver {words}\n"


FROM_FILE = one_line("$KUBE_API_ARGS", f"EnvironmentFile={ENVIRONMENT}")

# name: (files, path that changes, old text, new text); the rest of the file stays, and so do the other files
EDITS = {
    "in a continuation line": (service(FRAGMENT), UNIT, "=10.96.0.0/16", "=10.254.0.0/16"),
    "in quotes": (service(one_line('"--service-cluster-ip-range=a" --x')), UNIT, "range=a", "range=10.254.0.0/16"),
    "written with underscores": (service(one_line("--service_cluster_ip_range=a")), UNIT, "=a", "=10.254.0.0/16"),
    "as two words": (service(one_line("--service-cluster-ip-range  a")), UNIT, "  a", "  10.254.0.0/16"),
    "with an empty value": (service(one_line("--service-cluster-ip-range= --x")), UNIT, "= ", "=10.254.0.0/16 "),
    "in a drop-in that resets": (
        service(FRAGMENT, "[Service]\nExecStart=\nExecStart=/x --service-cluster-ip-range=a # b\n"),
        DROP_IN,
        "=a",
        "=10.254.0.0/16",
    ),
    "in an environment file": (
        service(FROM_FILE, None, '# range\nKUBE_API_ARGS="--v=2 \\\n  --service-cluster-ip-range=a \\\n  --x"\n'),
        ENVIRONMENT,
        "=a",
        "=10.254.0.0/16",
    ),
    "as a variable of the value alone": (
        service(one_line("--service-cluster-ip-range=${RANGE}", "Environment=RANGE=a")),
        UNIT,
        "RANGE=a",
        "RANGE=10.254.0.0/16",
    ),
    "missing on one line": (service(one_line("--x")), UNIT, "--x", "--x --service-cluster-ip-range=10.254.0.0/16"),
    "missing among continuation lines": (
        service("[Service]\nExecStart=/x \\\n\t--a=1 \\\n\t--b=2\n"),
        UNIT,
        "--b=2",
        "--b=2 \\\n\t--service-cluster-ip-range=10.254.0.0/16",
    ),
    "missing in an environment file": (
        service(FROM_FILE, None, 'KUBE_API_ARGS="--v=2 --w=3"\n'),
        ENVIRONMENT,
        "--w=3",
        "--w=3 --service-cluster-ip-range=10.254.0.0/16",
    ),
    "missing in an unquoted Environment=": (
        service(one_line("$ARGS", "Environment=ARGS=--v=2")),
        UNIT,
        "--v=2",
        "--v=2\\x20--service-cluster-ip-range=10.254.0.0/16",
    ),
    "with CRLF line ends": (
        service(one_line("--service-cluster-ip-range=a").replace("\n", "\r\n")), UNIT, "=a", "=10.254.0.0/16"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_only_the_value_changes_and_only_where_it_is_written(name: str) -> None:
    files, path, old, new = EDITS[name]
    assert files.text(path).count(old) == 1
    assert with_flags(files, RANGE) == {path: files.text(path).replace(old, new)}


def test_a_flag_that_has_its_value_changes_nothing() -> None:
    wanted = {"service-cluster-ip-range": "10.96.0.0/16", "service_node_port_range": "30000-32767"}
    assert with_flags(service(FRAGMENT), wanted) == {}


def test_flags_tell_value_file_and_line() -> None:
    files = service(one_line("--allow-privileged $ARGS", f"EnvironmentFile=-{ENVIRONMENT}"), None, "#\nARGS=--a_b=1\n")
    assert flags(files) == {
        "allow-privileged": [FlagUse("true", UNIT, 3)],
        "a-b": [FlagUse("1", ENVIRONMENT, 2)],
    }


def test_environment_files_are_named_so_that_they_can_be_read() -> None:
    files = service(one_line("$A", "EnvironmentFile=/old", "EnvironmentFile=", "EnvironmentFile=-/etc/%N.env"))
    assert environment_files(files) == ("/etc/kube-apiserver.env",)


def test_a_flag_given_twice_is_refused_with_both_lines() -> None:
    fragment = "[Service]\nExecStart=/x --service-cluster-ip-range=a \\\n  --service-cluster-ip-range b\n"
    with pytest.raises(FlagGivenTwice) as refusal:
        with_flags(service(fragment), RANGE)
    assert refusal.value.lines == ((UNIT, 2), (UNIT, 3))
    assert [use.value for use in flags(service(fragment))["service-cluster-ip-range"]] == ["a", "b"]


REFUSALS = {
    "a shell": (service("[Service]\n\nExecStart=/bin/sh -c 'exec kube-apiserver'\n"), 3, "made by sh"),
    "no command": (service("[Service]\nRestart=no\n"), 0, "no ExecStart="),
    "two commands": (service("[Service]\nExecStart=/x\nExecStart=/y\n"), 3, "more than one command"),
    "two commands on a line": (service("[Service]\nExecStart=/x ; /y\n"), 2, "more than one command"),
    "an open quote": (service('[Service]\nExecStart=/x "--a\n'), 2, "never closed"),
    "a missing environment file": (service("[Service]\nEnvironmentFile=/e\nExecStart=/x\n"), 2, "is not there"),
    "a value of two parts": (
        service(one_line("--service-cluster-ip-range=${A}/16", "Environment=A=10.0.0.0")), 3, "cannot be set here"
    ),
    "a variable that another flag uses": (
        service(one_line("--cluster-cidr=${A} --service-cluster-ip-range=${A}", "Environment=A=x")), 3, "cannot be set"
    ),
    "a comment that may run on": (service(FROM_FILE, None, "# a \\\nKUBE_API_ARGS=--b\n"), 1, "before 254"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_edited_safely_is_refused_with_its_place(name: str) -> None:
    files, line, text = REFUSALS[name]
    with pytest.raises(EditRefused, match=text) as refusal:
        with_flags(files, RANGE)
    assert (refusal.value.file in {UNIT, ENVIRONMENT}, refusal.value.line) == (True, line)


def test_a_line_break_is_refused_where_the_file_cannot_hold_it() -> None:
    with pytest.raises(EditRefused, match="line break") as refusal:
        with_flags(service(one_line("${A}", f"EnvironmentFile={ENVIRONMENT}"), None, "#\nA=--x=1\n"), {"x": "a\nb"})
    assert (refusal.value.file, refusal.value.line) == (ENVIRONMENT, 2)


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_a_value_no_program_can_be_given_is_refused(value: str) -> None:
    with pytest.raises(EditRefused, match="cannot hold a NUL"):
        with_flags(service(FRAGMENT), {"service-cluster-ip-range": value})
