from __future__ import annotations

from pathlib import Path

import pytest

from k8snet_provision.lab import assets, debian
from k8snet_provision.lab.programs import ProgramFailed, Programs


def _list(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_list_has_one_package_a_line_and_reasons(tmp_path: Path) -> None:
    listed = _list(tmp_path / "list", "# why\n\nsocat   # relays\nruncible\n")
    assert debian.package_list(listed) == ("socat", "runcible")


@pytest.mark.parametrize("name", ["debian.txt", "machine.txt", "ingress-nginx/debian.txt"])
def test_every_package_of_the_lists_has_its_reason(name: str) -> None:
    path = assets.directory() / name
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not line.partition("#")[2].strip()] == []
    assert debian.package_list(path)


def test_all_missing_packages_are_one_problem_that_says_how_to_get_them(tmp_path: Path) -> None:
    listed = _list(tmp_path / "list", "dpkg\nno-such-one\nno-such-two\n")
    [problem] = debian.missing_packages(listed)
    assert problem.code == "K8N521"
    assert problem.found == "no no-such-one, no-such-two"
    assert problem.hint == "apt-get install -y --no-install-recommends no-such-one no-such-two"


def test_nothing_missing_is_no_problem(tmp_path: Path) -> None:
    assert debian.missing_packages(_list(tmp_path / "list", "dpkg\nbash\n")) == []


def test_the_mirror_is_the_one_of_the_suite_and_main_component() -> None:
    printed = (
        "bookworm-updates main http://one.example/debian/\n"
        "bookworm contrib http://two.example/debian/\n"
        "bookworm main http://three.example/debian/\n"
        "bookworm main http://four.example/debian/\n"
    )
    assert debian.chosen_mirror(printed) == "http://three.example/debian/"


@pytest.mark.parametrize("printed", ["", "trixie main http://one.example/debian/\n", "\n"])
def test_a_machine_without_such_a_mirror_is_told_so(printed: str) -> None:
    with pytest.raises(ProgramFailed, match="name no mirror of Debian bookworm"):
        debian.chosen_mirror(printed)


def test_this_machines_apt_names_a_mirror() -> None:
    printed = debian.mirror(Programs())
    configured = [*Path("/etc/apt/sources.list.d").glob("*"), *Path("/etc/apt").glob("sources.list")]
    assert any(printed.rstrip("/") in path.read_text() for path in configured)
