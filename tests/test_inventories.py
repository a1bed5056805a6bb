"""Several inventories in one run, on real sshd processes: what is shared, what is bounded, what one broken one does.

Every host is this machine; where labs come up and go down beside the tests, it must not look otherwise each time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.sshd import Sshd
from tests.program import Ran, run

pytestmark = pytest.mark.programs

ADDRESSES = tuple(f"127.0.11.{last}" for last in range(1, 13))


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(tmp_path_factory.mktemp("sshd"), ADDRESSES, alone=True).start()
    yield server
    server.stop()


def written(sshd: Sshd, folder: Path, hosts: dict[str, list[str]]) -> Path:
    """An inventory of addresses of this sshd, by group; no kubectl is there, so the cluster itself is never read."""
    (folder / "group_vars" / "all").mkdir(parents=True)
    variables = {
        "ansible_port": sshd.port,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(sshd.home / "client_key"),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={sshd.home}/known_hosts",
        "topology": {
            "service_cidr": "10.254.0.0/16",
            "pod_cidr": "10.244.0.0/16",
            "control_plane": {"kubectl": "/no/kubectl"},
            "edge": {"vip": "127.0.11.200", "api": {"port": 6444}},
        },
    }
    (folder / "group_vars" / "all" / "all.json").write_text(json.dumps(variables))
    names = {address: f"{folder.name}-{address.rpartition('.')[2]}" for address in ADDRESSES}
    groups = {
        group: {"hosts": {names[address]: {"ansible_host": address} for address in addresses}}
        for group, addresses in hosts.items()
    }
    (folder / "hosts.json").write_text(json.dumps(groups))
    return folder


@pytest.fixture
def two(sshd: Sshd, tmp_path: Path) -> tuple[Path, Path]:
    """Two inventories that have three hosts in common."""
    first = {"kube_control_plane": [ADDRESSES[0]], "load_balancer": list(ADDRESSES[1:3]), "kube_node": [ADDRESSES[3]]}
    second = {"kube_control_plane": [ADDRESSES[0]], "load_balancer": list(ADDRESSES[1:3]), "kube_node": [ADDRESSES[4]]}
    return written(sshd, tmp_path / "one", first), written(sshd, tmp_path / "two", second)


def drift(*arguments: str | Path) -> Ran:
    return run("drift", *map(str, arguments), "--output", "json")


def told(ran: Ran) -> Any:
    return json.loads(ran.out)


def unseen(report: Any) -> list[tuple[str, str]]:
    return [(item["target"], item["what"]) for item in report["incomplete"]]


def test_a_host_of_several_inventories_is_connected_to_once(two: tuple[Path, Path], sshd: Sshd) -> None:
    before = sshd.log().count("Accepted publickey")
    ran = drift(*two)
    assert ran.code == 3, ran
    assert [report["cluster"] for report in told(ran)["reports"]] == ["one", "two"]
    assert [len(report["hosts"]) for report in told(ran)["reports"]] == [4, 4]
    assert sshd.log().count("Accepted publickey") - before == 5


def test_what_is_found_does_not_depend_on_who_else_is_looked_at(two: tuple[Path, Path]) -> None:
    together, alone = told(drift(*two))["reports"], [told(drift(path))["reports"][0] for path in two]
    for one, other in zip(together, alone, strict=True):
        assert one["findings"] and one["findings"] == other["findings"]
        assert unseen(one) and unseen(one) == unseen(other)


def test_an_inventory_named_twice_is_looked_at_once(two: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(two[0])
    reports = told(drift(two[0], f"{two[0]}/", tmp_path / "link", two[1]))["reports"]
    assert [report["inventory"] for report in reports] == [str(two[0]), str(two[1])]


def test_a_broken_inventory_fails_and_does_not_hide_the_others(two: tuple[Path, Path]) -> None:
    (two[0] / "hosts.json").write_text("{")
    ran = drift(*two)
    assert ran.code == 1, ran
    looks = told(ran)
    assert [report["cluster"] for report in looks["reports"]] == ["two"]
    assert [item["inventory"] for item in looks["failed"]] == [str(two[0])]
    assert "hosts.json" in ran.err and len(ran.err.splitlines()) == len(looks["failed"][0]["problems"])


def test_what_a_pattern_brought_along_is_told_in_one_line_each(two: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "README").write_text("# About\n\nThese are 'our inventories, with = signs [and brackets\n" * 9)
    (tmp_path / "more" / "nested" / "group_vars").mkdir(parents=True)
    ran = drift(*sorted(path for path in tmp_path.iterdir()))
    assert ran.code == 1, ran
    assert len(told(ran)["reports"]) == 2
    lines = ran.err.splitlines()
    assert len(lines) == 2 and "README is a file that is no inventory" in lines[0]
    assert "more is a directory of inventories" in lines[1] and "more/nested" in lines[1]


def test_another_name_does_not_make_a_host_trusted(two: tuple[Path, Path], sshd: Sshd, tmp_path: Path) -> None:
    """The connection is shared with an inventory whose known_hosts has the key; this one's has not."""
    (tmp_path / "nobody").write_text("")
    variables = two[1] / "group_vars" / "all" / "all.json"
    variables.write_text(variables.read_text().replace(f"{sshd.home}/known_hosts", f"{tmp_path}/nobody"))
    first, second = told(drift(*two))["reports"]
    assert not [item for item in first["incomplete"] if item["what"] == "host"]
    missing = [item for item in second["incomplete"] if item["what"] == "host"]
    assert len(missing) == 4 and all("host key" in item["why"] for item in missing)


@pytest.mark.parametrize("shard", ["0/4", "5/4", "x", "1/0"])
def test_a_shard_that_there_is_not_is_one_message(two: tuple[Path, Path], shard: str) -> None:
    ran = run("drift", str(two[0]), "--shard", shard)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (1, "", 1), ran
    assert "--shard" in ran.err and shard in ran.err and "1 to N" in ran.err


def test_a_shard_of_an_indexed_job(two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "JOB_COMPLETION_INDEX", "1")
    (report,) = told(drift(two[0], "--shard", "auto/2"))["reports"]
    assert report["shard"] == {"index": 2, "count": 2}


def test_all_shards_together_find_what_one_look_finds(two: tuple[Path, Path], tmp_path: Path) -> None:
    whole = told(drift(*two))["reports"]
    files = []
    for index in range(1, 4):
        ran = drift(*two, "--shard", f"{index}/3")
        files.append(tmp_path / f"{index}.json")
        files[-1].write_text(ran.out)
    merged = told(run("reports", "merge", *map(str, files), "--output", "json"))["reports"]
    for one, other in zip(merged, whole, strict=True):
        assert sorted(one["hosts"]) == sorted(other["hosts"])
        assert sorted(unseen(one)) == sorted(unseen(other))
        assert sorted(map(str, one["findings"])) == sorted(map(str, other["findings"]))
        assert {name: sorted(targets) for name, targets in one["looked_at"].items()} == {
            name: sorted(targets) for name, targets in other["looked_at"].items()
        }
