"""Who has the VIP, and which of HAProxy's servers get no requests, from what HAProxy's own statistics say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from k8snet_provision import assets
from k8snet_provision.drift import Finding
from k8snet_provision.edge import servers
from k8snet_provision.resources.probe import HostSeen, Seen, State, Unknown
from k8snet_provision.seen import World
from tests.deploys.edge_world import NODE_PORT, VIP, a_world, network
from tests.deploys.worlds import present

watched = assets.deploy_module("watched.edge")

HEAD = (
    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,"
    "act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,"
    "check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,"
    "req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,"
)
"""HAProxy 2.6's, up to what is read of it."""


def row(backend: str, server: str, status: str, weight: int = 1, tracked: str = "", check: str = "L7OK") -> str:
    cells = dict.fromkeys(HEAD.removeprefix("# ").rstrip(",").split(","), "")
    cells |= {"pxname": backend, "svname": server, "status": status, "weight": str(weight)}
    cells |= {"tracked": tracked, "check_status": check}
    return ",".join(cells.values()) + ","


def stats(*rows: str) -> Seen:
    frontend = row("http", "FRONTEND", "OPEN", check="")
    return present("\n".join((HEAD, frontend, *rows, row("node_port-http", "BACKEND", "UP"), "")))


def both(http: str, https: str = "UP", weight: int = 1) -> Seen:
    return stats(
        row("node_port-http", "w1", http, weight),
        row("node_port-http", "w2", "UP"),
        row("node_port-https", "w1", https, weight, "node_port-http/w1"),
        row("node_port-https", "w2", "UP", 1, "node_port-http/w2"),
    )


def found(tmp_path: Path, said: Seen, topology: str = NODE_PORT) -> list[Finding]:
    world = a_world(tmp_path, topology)
    host = HostSeen("lb1", {**world.host("lb1").answers, servers.KEY: said})
    seen = replace(world, observation=replace(world.observation, hosts={**world.observation.hosts, "lb1": host}))
    return list(watched.on_host(seen, "lb1"))


@pytest.mark.parametrize("status", ["UP", "UP 1/2", "no check"])
def test_a_server_that_gets_requests_is_in_sync(tmp_path: Path, status: str) -> None:
    assert found(tmp_path, both(status)) == []


@pytest.mark.parametrize(
    ("status", "says"),
    [("DOWN", "it is down"), ("DOWN 1/2", "it is down"), ("MAINT", "by hand"), ("DRAIN", "by hand")],
)
def test_a_server_that_gets_none_is_told_once(tmp_path: Path, status: str, says: str) -> None:
    by_way_of = "DOWN" if status.startswith("DOWN") else "MAINT (via node_port-http/w1)"
    https = "UP" if status == "DRAIN" else by_way_of
    (finding,) = found(tmp_path, both(status, https))
    assert (finding.code, finding.target, finding.what) == ("K8N727", "lb1", "server node_port-http/w1")
    assert says in finding.text


def test_a_weight_of_nothing_that_somebody_set(tmp_path: Path) -> None:
    assert [f.what for f in found(tmp_path, stats(row("node_port-http", "w1", "UP", 0)))] == [
        "server node_port-http/w1"
    ]


def test_one_that_the_topology_drains_is_as_wanted(tmp_path: Path) -> None:
    drained = NODE_PORT.replace("edge: {vip: 192.0.2.100}", "edge: {vip: 192.0.2.100, drain: [w1]}")
    assert found(tmp_path, both("DRAIN", "DRAIN", 0), drained) == []


def test_servers_that_the_topology_does_not_know_are_not_judged(tmp_path: Path) -> None:
    assert found(tmp_path, stats(row("somebody-elses", "x", "DOWN"))) == []


def test_without_a_running_haproxy_nothing_is_said_here(tmp_path: Path) -> None:
    assert found(tmp_path, Seen(State.ABSENT)) == []


@pytest.mark.parametrize("text", ["# pxname,svname\nx,y\n", "<html>", HEAD + "\n" + "node_port-http,w1" + ",x" * 70])
def test_statistics_that_cannot_be_read_are_unknown(tmp_path: Path, text: str) -> None:
    with pytest.raises(Unknown, match="statistics cannot be read"):
        found(tmp_path, present(text))


def holders(tmp_path: Path, *hosts: str, unreached: tuple[str, ...] = ()) -> list[str | None]:
    seen = {host: {"network": network(f"192.0.2.3{host[-1]}/24", f"{VIP}/32")} for host in hosts}
    world: World = a_world(tmp_path, seen=seen, unreached=unreached)
    return [finding.before for finding in watched.in_cluster(world)]


def test_one_host_has_the_vip(tmp_path: Path) -> None:
    assert holders(tmp_path, "lb1") == holders(tmp_path, "lb2") == []


def test_nobody_or_several_have_the_vip(tmp_path: Path) -> None:
    assert holders(tmp_path) == [None]
    assert holders(tmp_path, "lb1", "lb2") == ["lb1\nlb2\n"]


def test_a_host_that_was_not_reached_may_have_it(tmp_path: Path) -> None:
    assert holders(tmp_path, unreached=("lb2",)) == []
