"""Shards: every host is in exactly one, and stays there when others come and go."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from k8snet_provision.change import CLUSTER
from k8snet_provision.drift import Shard, Watch, shards
from k8snet_provision.inventory.connection import Connection, Hop
from tests.deploys.worlds import a_world

HOSTS = [shards.identity(Connection(f"h{n}", f"10.0.{n // 250}.{n % 250}")) for n in range(1000)]
COUNTS = [1, 2, 4, 7]


@pytest.mark.parametrize("count", COUNTS)
def test_every_host_is_in_one_shard_and_the_shards_are_about_even(count: int) -> None:
    sizes = Counter(shards.shard_of(host, count) for host in HOSTS)
    assert set(sizes) == set(range(1, count + 1)) and sizes.total() == len(HOSTS)
    fair = len(HOSTS) / count
    assert all(0.7 * fair < size < 1.3 * fair for size in sizes.values()), sizes


def test_one_shard_more_takes_hosts_and_moves_none_between_the_others() -> None:
    before = {host: shards.shard_of(host, 4) for host in HOSTS}
    after = {host: shards.shard_of(host, 5) for host in HOSTS}
    moved = [host for host in HOSTS if before[host] != after[host]]
    assert {after[host] for host in moved} == {5}
    assert len(moved) < len(HOSTS) / 3


def test_a_shard_is_the_same_in_every_version_and_on_every_machine() -> None:
    """As sha256sum(1) has it; were they to move, shards of two versions would leave hosts out."""
    assert [shards.shard_of(f"192.0.2.{n}:22", 4) for n in range(1, 9)] == [1, 2, 2, 2, 1, 3, 2, 3]


def test_a_host_is_the_same_whatever_inventories_call_it_and_another_one_behind_a_jump_host() -> None:
    here = Connection("web", "Host.example", user="root", become=True)
    assert shards.identity(here) == shards.identity(Connection("db", "host.example", user="admin", key_file="/k"))
    assert shards.identity(here) != shards.identity(Connection("web", "host.example", port=2222))
    assert shards.identity(here) != shards.identity(Connection("web", "host.example", jump=(Hop("", "bastion"),)))


@pytest.mark.parametrize(("text", "shard"), [("1/1", Shard(1, 1)), ("4/4", Shard(4, 4)), ("auto/4", Shard(3, 4))])
def test_a_shard_is_counted_from_one_and_that_of_an_indexed_job_from_zero(text: str, shard: Shard) -> None:
    assert shards.parse(text, {shards.INDEX: "2"}) == shard


@pytest.mark.parametrize(
    "text", ["", "0/4", "5/4", "x", "1/0", "1", "/", "-1/4", "1/4/4", "1.0/4", "²/4", "1/99999", "auto", "auto/0"]
)
def test_what_names_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="--shard"):
        shards.parse(text, {shards.INDEX: "2"})


@pytest.mark.parametrize("index", ["", "x", "4", "-1"])
def test_an_index_that_is_none_of_the_jobs_is_refused(index: str) -> None:
    with pytest.raises(ValueError, match=shards.INDEX):
        shards.parse("auto/4", {shards.INDEX: index} if index else {})


def test_one_shard_has_the_cluster_and_each_looks_at_what_others_depend_on(tmp_path: Path) -> None:
    cluster = a_world(tmp_path, "service_cidr: 10.254.0.0/16\npod_cidr: 10.244.0.0/16").cluster
    hosts = [f"n{n}" for n in range(50)]
    connections = {name: Connection(name, cluster.addresses.get(name, name)) for name in ("cp1", "w1", *hosts)}
    parts = [shards.part(cluster, [*connections], connections, (), Shard(index, 4)) for index in range(1, 5)]
    assert sorted(host for part in parts for host in part.hosts) == sorted(connections)
    assert [part.whole for part in parts].count(True) == 1
    assert all({*part.hosts, "cp1", "w1"} == set(part.seen) for part in parts)


def test_a_limit_that_leaves_a_control_plane_out_leaves_the_cluster_out_of_every_shard(tmp_path: Path) -> None:
    cluster = a_world(tmp_path, "service_cidr: 10.254.0.0/16\npod_cidr: 10.244.0.0/16").cluster
    connections = {"w1": Connection("w1", "192.0.2.21")}
    parts = [shards.part(cluster, ["w1"], connections, (), Shard(index, 4)) for index in range(1, 5)]
    assert not any(part.whole for part in parts)
    assert sorted((len(part.hosts), part.seen) for part in parts) == [(0, ()), (0, ()), (0, ()), (1, ("w1",))]


@pytest.mark.parametrize(("together", "seen"), [(None, True), (("kube_control_plane",), False), ((), False)])
def test_hosts_that_a_watch_judges_together_are_seen_where_the_cluster_is(
    tmp_path: Path, together: tuple[str, ...] | None, seen: bool
) -> None:
    cluster = a_world(tmp_path, "service_cidr: 10.254.0.0/16\npod_cidr: 10.244.0.0/16").cluster
    watch = Watch("w", hosts=(CLUSTER, "kube_node"), in_cluster=lambda world: (), together=together)
    assert ("w1" in shards._together(cluster, [watch])) is seen
