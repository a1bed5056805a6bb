"""Files and kernel parameters that are sent together answer as each alone would."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from k8snet_provision.observe import compose
from k8snet_provision.resources import file, sysctl
from k8snet_provision.resources.probe import Probe, State, Unknown
from tests.shell import ask


def test_contents_modes_and_names_are_exact(tmp_path: Path) -> None:
    contents = {
        "plain": b"text\n",
        "empty": b"",
        "with space": os.urandom(100_000),
        "new\nline": b"no newline at the end",
        "$(id)'\"": b"\n\n",
        "-n": b"\x00",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o640)
    seen = ask(*(file.probe(str(tmp_path / name)) for name in contents))
    for name, content in contents.items():
        found = file.read(seen, str(tmp_path / name))
        assert found == file.File(str(tmp_path / name), content, "640")


def test_what_is_no_plain_file_answers_for_itself_among_the_others(tmp_path: Path) -> None:
    (tmp_path / "first").write_bytes(b"1")
    (tmp_path / "last").write_bytes(b"2")
    (tmp_path / "link").symlink_to("first")
    (tmp_path / "dangling").symlink_to("nowhere")
    names = ["first", "missing", "link", ".", "dangling", "last"]
    before, after = Probe("before", "echo before"), Probe("after", "echo after; exit 4")
    seen = ask(before, *(file.probe(f"{tmp_path}/{name}") for name in names), after)
    contents = [getattr(file.read(seen, f"{tmp_path}/{name}"), "content", None) for name in ("first", "link", "last")]
    assert contents == [b"1", b"1", b"2"]
    assert file.read(seen, f"{tmp_path}/missing") is None
    assert seen.data("before") == b"before\n"
    assert seen.data("after") is None
    with pytest.raises(Unknown, match="not a regular file"):
        file.read(seen, f"{tmp_path}/.")


def test_a_file_that_is_too_large_is_unknown_and_the_next_is_not(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(file.LARGEST + 5))
    (tmp_path / "small").write_bytes(b"small")
    seen = ask(file.probe(f"{tmp_path}/large"), file.probe(f"{tmp_path}/small"))
    with pytest.raises(Unknown, match=f"larger than {file.LARGEST} bytes: {file.LARGEST + 5}"):
        file.read(seen, f"{tmp_path}/large")
    found = file.read(seen, f"{tmp_path}/small")
    assert found is not None and found.content == b"small"


def test_a_file_of_200_mb_is_told_by_its_size_and_not_sent(tmp_path: Path) -> None:
    for name in ("first", "second"):
        with (tmp_path / name).open("wb") as large:
            large.truncate(200_000_000)
    probes = [file.probe(f"{tmp_path}/{name}") for name in ("first", "second")]
    said = subprocess.run(["sh"], input=compose(probes, "end").encode(), stdout=subprocess.PIPE, check=True).stdout
    assert len(said) < 200
    with pytest.raises(Unknown, match=f"larger than {file.LARGEST} bytes: 200000000"):
        file.read(ask(*probes), f"{tmp_path}/second")


@pytest.mark.parametrize("cut_at", [0, 20, 80, 120, 1000])
def test_an_answer_that_was_cut_off_is_unknown(tmp_path: Path, cut_at: int) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"x" * 1000)
    probes = [file.probe(f"{tmp_path}/{name}") for name in ("a", "b", "missing")]
    seen = ask(*probes, Probe("last", "echo last"), cut_at=cut_at)
    present = [seen.answers[probe.key].state for probe in probes[:2]]
    assert present == [State.UNKNOWN, State.UNKNOWN]
    assert seen.answers["last"].state is State.UNKNOWN


def test_only_missing_files_are_no_error(tmp_path: Path) -> None:
    seen = ask(file.probe(f"{tmp_path}/a"), Probe("last", "echo last"))
    assert file.read(seen, f"{tmp_path}/a") is None
    assert seen.text("last") == "last\n"


def test_parameters_answer_beside_files_and_others(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"/proc/sys/kernel/pid_max:7\n")
    names = ["kernel.pid_max", "kernel.no_such_parameter", "net.ipv4.ip_local_port_range"]
    seen = ask(Probe("first", "echo 1"), *map(sysctl.probe, names), file.probe(f"{tmp_path}/a"))
    assert sysctl.read(seen, "kernel.pid_max") == Path("/proc/sys/kernel/pid_max").read_text().strip()
    assert sysctl.read(seen, "kernel.no_such_parameter") is None
    expected = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert sysctl.read(seen, "net.ipv4.ip_local_port_range") == " ".join(expected)
    assert seen.text("first") == "1\n"
    found = file.read(seen, f"{tmp_path}/a")
    assert found is not None and found.content == (tmp_path / "a").read_bytes()


@pytest.mark.parametrize("cut_at", [0, 40, 60, 80])
def test_parameters_that_were_cut_off_are_unknown(cut_at: int) -> None:
    seen = ask(sysctl.probe("kernel.pid_max"), sysctl.probe("kernel.no_such_parameter"), cut_at=cut_at)
    assert seen.answers["sysctl:kernel.pid_max"].state is State.UNKNOWN
