"""Saved plans: what is kept, who may read it, and everything that keeps one from being applied."""

from __future__ import annotations

import json
import os
import stat
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision import preflight, workflow
from k8snet_provision.applying import Care
from k8snet_provision.capability import Capability, Phase
from k8snet_provision.change import Change
from k8snet_provision.engine.carry_out import host_changes
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.plan import Plan
from k8snet_provision.problems import ProblemsFound
from k8snet_provision.resources import file, kube_object
from k8snet_provision.resources.file import File
from k8snet_provision.runs import mirror
from k8snet_provision.saved_plan import file as files
from k8snet_provision.saved_plan import moved
from k8snet_provision.saved_plan.model import SavedPlan, to_json
from k8snet_provision.seen import World
from k8snet_provision.workflow import Request, Session
from tests.deploys.worlds import a_world
from tests.engine.sshd import Sshd
from tests.program import run
from tests.rollout.sites import Told

pytestmark = pytest.mark.programs

TOPOLOGY = "service_cidr: 10.254.0.0/16\npod_cidr: 10.244.0.0/16\n"
LATIN = b"wanted \xe9\n"
"""Not UTF-8, as files of hosts may be."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    started = Sshd(tmp_path_factory.mktemp("sshd"), ("127.0.11.2",)).start()
    yield started
    started.stop()


class Host:
    """One host behind a real sshd whose file should read LATIN, and the session of an operator with it."""

    def __init__(self, folder: Path, server: Sshd) -> None:
        self.folder, self.path = folder, folder / "a.conf"
        self.connections = {host: server.connection(host) for host in ("cp1", "w1")}
        self.path.write_bytes(b"old\n")
        self.plan_file = folder / "plan.json"
        self.at_once: int | str = 1
        self.topology(TOPOLOGY)

    def topology(self, text: str) -> None:
        self.world = a_world(self.folder, text)

    def session(self, fleet: Fleet, approved: SavedPlan | None = None, **options: Any) -> Session:
        def wanted(world: World, host: str) -> Iterable[Change]:
            before = file.read(world.host(host), str(self.path))
            after = File(str(self.path), LATIN)
            return file.change("settings", host, before, after)

        capability = Capability(
            "settings", host_changes, probes=lambda cluster, host: [file.probe(str(self.path))], host_changes=wanted
        )
        site = (Phase(capability, ("kube_node",), at_once=self.at_once),)
        unasked = tuple(preflight.SKIPPABLE)  # there is no cluster behind this host
        request = Request(self.world.cluster.inventory.path, care=Care(skip=unasked), **options)
        refused = tuple(moved.before_looking(approved, saved_with(), request.extra_vars)) if approved else ()
        lock = str(self.folder / "lock")
        return Session(
            self.world.cluster, site, ("w1",), fleet, self.connections, (), 0.0, request, "", approved, refused, lock
        )

    def with_session(self, work: Callable[[Session], Any], approved: SavedPlan | None = None, **options: Any) -> Any:
        with Fleet(self.connections) as fleet:
            return work(self.session(fleet, approved, **options))

    def save(self, **options: Any) -> SavedPlan:
        files.write(self.plan_file, self.with_session(lambda s: workflow.saved(s, workflow.diff(s).plan), **options))
        return files.read(self.plan_file)

    def apply(self, **options: Any) -> Any:
        def work(session: Session) -> Any:
            return workflow.apply(session, Told(), lambda plan, foretold: True)

        return self.with_session(work, files.read(self.plan_file), **options)

    def refused(self, **options: Any) -> list[str]:
        """The problems for which the plan is not applied; the file is seen not to have changed."""
        before = self.path.read_bytes() if self.path.exists() else None
        with pytest.raises(ProblemsFound) as found:
            self.apply(**options)
        assert (self.path.read_bytes() if self.path.exists() else None) == before
        return [str(problem) for problem in found.value.problems]


def saved_with() -> str:
    from k8snet_provision.saved_plan import tool

    return tool.version()


@pytest.fixture
def host(server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(mirror, "MIRROR", str(tmp_path / "mirror"))
    return Host(tmp_path, server)


def test_what_was_saved_is_read_again_and_applied(host: Host) -> None:
    saved = host.save()
    assert [change.after for change in saved.plan.changes] == [LATIN.decode("utf-8", "surrogateescape")]
    assert stat.S_IMODE(host.plan_file.stat().st_mode) == 0o600
    _, ended = host.apply()
    assert (ended.outcome.ok, host.path.read_bytes()) == (True, LATIN)


def test_a_plan_that_was_applied_is_not_applied_again(host: Host) -> None:
    host.save()
    host.apply()
    (said,) = host.refused()
    assert f"w1: K8N416 file {host.path} is no longer to be changed" in said


def test_a_file_that_moved_is_named_with_its_first_line(host: Host) -> None:
    host.save()
    host.path.write_bytes(b"old\nmore\n")
    (said,) = host.refused()
    assert said.startswith(
        f"w1: K8N416 file {host.path} is not what the plan saw (found line 2: more, expected nothing)"
    )


def test_a_mode_that_moved(host: Host) -> None:
    host.save()
    host.path.chmod(0o600)
    (said,) = host.refused()
    assert "is not what the plan saw: before_mode (found 600, expected 644)" in said


def test_a_file_that_is_gone(host: Host) -> None:
    host.save()
    host.path.unlink()
    (said,) = host.refused()
    assert "is not what the plan saw (found nothing, expected what was there)" in said


def test_the_inventory_that_moved_is_named_by_file_and_line(host: Host) -> None:
    host.save()
    host.topology(TOPOLOGY.replace("10.254", "10.253") + "cluster_domain: other.example\n")
    hosts = host.world.cluster.inventory.path / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("192.0.2.21", "192.0.2.22"))
    host.world = World(reread(host.world), host.world.observation, host.world.state)
    variables = host.world.cluster.inventory.path / "group_vars" / "all" / "topology.yml"
    said = host.refused()
    assert said[0].startswith(
        f"{hosts}:6: K8N415 host w1 is not what it was when the plan was saved (found kube_node: "
    )
    assert "@192.0.2.22 port 22, expected kube_node: " in said[0]
    assert said[1].startswith(f"{variables}:2: K8N415 service_cidr[0] ")
    assert "(found 10.253.0.0/16, expected 10.254.0.0/16)" in said[1]
    assert said[2].startswith(f"{variables}:4: K8N415 cluster_domain ")
    assert len(said) == 3


def reread(world: World) -> Any:
    from k8snet_provision import inventory
    from k8snet_provision.topology import read

    cluster, problems = read(inventory.load(world.cluster.inventory.path))
    assert cluster is not None, problems
    return cluster


def test_everything_that_moved_is_said_at_once(host: Host) -> None:
    host.save(extra_vars={"site": "north", "token": "s3cr3t"})
    host.path.write_bytes(b"other\n")
    host.topology(TOPOLOGY.replace("10.254", "10.253"))
    codes = [line.split(": ")[1].split(" ")[0] for line in host.refused()]
    assert codes == ["K8N413", "K8N415", "K8N416"]


def test_extra_vars_are_kept_by_name_only(host: Host) -> None:
    host.save(extra_vars={"token": "s3cr3t"})
    assert "s3cr3t" not in host.plan_file.read_text()
    assert "K8N413 --extra-vars are not those of the plan (found none, expected token)" in host.refused()[0]
    _, ended = host.apply(extra_vars={"token": "another"})  # what they make of the topology is what is compared
    assert ended.outcome.ok


def test_another_pace_is_another_plan(host: Host) -> None:
    host.save()
    host.at_once = 5
    (said,) = host.refused()
    assert "the roll-out of settings is not the one of the plan (found 5 at once, expected one at a time)" in said


def test_another_version_of_the_tool_applies_nothing(host: Host) -> None:
    files.write(host.plan_file, replace(host.save(), tool="0.0.1 (abc)"))
    (said,) = host.refused()
    assert "K8N412 the plan was saved by another version of k8snet-provision (found 0.0.1 (abc), expected" in said


def test_a_plan_of_a_host_that_was_not_seen_is_kept_for_reading_and_not_applied(host: Host) -> None:
    host.path.unlink()
    host.path.mkdir()
    saved = host.save()
    assert [item.target for item in saved.plan.incomplete] == ["w1"]
    host.path.rmdir()
    host.path.write_bytes(b"old\n")
    said = host.refused()
    assert "w1: K8N414 the plan is not whole: " in said[0]


KEY = "-----BEGIN PRIVATE KEY-----\n" + "QUJD" * 20 + "\n-----END PRIVATE KEY-----\n"


def a_secret(text: str) -> dict[str, Any]:
    data = {"tls.key": b64encode(text.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "shop", "namespace": "shop"}, "data": data}


def a_secret_change(text: str, version: str = "7") -> Sequence[Change]:
    old = a_secret("what was there")
    old["metadata"]["resourceVersion"] = version
    return list(kube_object.change("ingresses", old, a_secret(text)))


def of(host: Host, changes: Sequence[Change]) -> SavedPlan:
    saved: SavedPlan = host.with_session(lambda session: workflow.saved(session, Plan("lab", {}, tuple(changes))))
    return saved


def test_a_key_is_kept_as_a_digest_that_tells_when_it_moved(host: Host) -> None:
    saved = of(host, a_secret_change(KEY))
    text = json.dumps(to_json(saved))
    assert "QUJD" not in text and b64encode(KEY.encode()).decode() not in text and "what was there" not in text
    files.write(host.plan_file, saved)
    read, cluster = files.read(host.plan_file), host.world.cluster
    assert [change.action for change in read.plan.changes] == ["update"]
    assert list(moved.since(read, of(host, a_secret_change(KEY)), cluster)) == []
    for other in (a_secret_change(KEY.replace("QUJD", "QUJE")), a_secret_change(KEY, version="8")):
        (problem,) = moved.since(read, of(host, other), cluster)
        assert "Secret shop/shop is not what the plan saw: its secret content" in str(problem)


def test_a_secret_that_can_be_guessed_is_in_no_plan(host: Host) -> None:
    with pytest.raises(ProblemsFound, match="K8N417 a change of secret content without a private key"):
        of(host, a_secret_change("password1"))


def test_a_file_that_is_no_plan_is_not_overwritten(host: Host) -> None:
    host.plan_file.write_text("notes of the operator\n")
    with pytest.raises(ProblemsFound, match="K8N417 is there already and is no saved plan"):
        host.save()
    assert host.plan_file.read_text() == "notes of the operator\n"


def test_a_plan_replaces_a_plan_and_leaves_nothing_beside_it(host: Host) -> None:
    first, host.at_once = host.save(), 2
    second = host.save()
    assert first.paces != second.paces
    assert [path.name for path in host.folder.iterdir() if "plan" in path.name] == ["plan.json"]


def test_a_link_and_a_missing_directory_are_refused_before_hosts_are_asked(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path / "link", tmp_path, tmp_path / "nowhere" / "plan.json"):
        with pytest.raises(ProblemsFound, match="K8N417"):
            files.refuse_target(path)


@pytest.fixture
def plan_text(host: Host) -> str:
    host.save()
    return host.plan_file.read_text()


DAMAGE: dict[str, Callable[[str], bytes]] = {
    "K8N410 is cut short": lambda text: text[: len(text) // 2].encode(),
    "K8N410 was edited or damaged": lambda text: text.replace("10.254", "10.253").encode(),
    "K8N411 was saved by a newer": lambda text: text.replace('"format_version": 1', '"format_version": 2').encode(),
    "K8N410 is JSON, but not a saved plan": lambda text: b'{"kind": "List"}',
    "K8N410 is JSON, but not a saved plan ": lambda text: b"[]",
    "K8N410 is JSON that no saved plan holds": lambda text: b"[" * 100_000,
    "K8N410 is not JSON": lambda text: b"all: {hosts: {}}",
    "K8N410 is not JSON ": lambda text: b"",
    "K8N410 is not text": lambda text: bytes(range(256)),
}


@pytest.mark.parametrize("said", DAMAGE)
def test_what_is_no_plan_gets_one_clear_message(said: str, plan_text: str, tmp_path: Path) -> None:
    path = tmp_path / "given.json"
    path.write_bytes(DAMAGE[said](plan_text))
    with pytest.raises(ProblemsFound) as found:
        files.read(path)
    (problem,) = found.value.problems
    assert str(problem).startswith(f"{path}: {said.strip()}")


def test_white_space_is_no_edit(plan_text: str, tmp_path: Path) -> None:
    path = tmp_path / "given.json"
    path.write_text(json.dumps(json.loads(plan_text), indent=7))
    assert files.read(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    huge, pipe = tmp_path / "huge.json", tmp_path / "pipe"
    with huge.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    os.mkfifo(pipe)
    reasons = {
        huge: "is too large",
        pipe: "cannot be read: not a regular file",
        tmp_path: "cannot be read: Is a directory",
    }
    for path, reason in reasons.items():
        ran = run("show", str(path), timeout=30)
        assert (ran.code, ran.out) == (1, ""), ran
        assert ran.err.startswith(f"{path}: K8N410 {reason}")


INVENTORY = {
    "hosts.yml": "kube_control_plane:\n  hosts: {cp1: {ansible_host: 127.0.0.1, ansible_port: 1}}\n",
    "group_vars/all/topology.yml": "topology: {service_cidr: 10.254.0.0/16, pod_cidr: 10.244.0.0/16}\n",
}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Of a host whose port of loopback is closed, so that it answers at once."""
    for name, text in INVENTORY.items():
        path = tmp_path / "inventory" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "inventory"


def test_the_commands(inventory: Path, tmp_path: Path) -> None:
    plan = str(tmp_path / "plan.json")
    made = run("diff", str(inventory), "--save", plan)
    assert made.code == 3 and f"saved to {plan} (sha256 " in made.err, made
    again = run("show", plan)
    assert (again.code, again.out) == (0, made.out)
    assert f"from {inventory} · sha256 " in again.err
    for arguments in (["apply", plan, "--yes"], ["apply", plan, "--check"], ["diff", plan]):
        ran = run(*arguments)
        assert (ran.code, ran.out) == (1, ""), ran
        assert "cp1: K8N414 the plan is not whole: host could not be observed" in ran.err
    topology = inventory / "group_vars" / "all" / "topology.yml"
    topology.write_text("topology: {service_cdir: 10.254.0.0/16}\n")
    both = run("apply", plan, "--yes")
    assert both.code == 1 and "K8N414" in both.err and f"{topology}:1: K8N101" in both.err, both


def test_a_plan_has_its_own_limit(inventory: Path, tmp_path: Path) -> None:
    plan = str(tmp_path / "plan.json")
    run("diff", str(inventory), "--save", plan)
    ran = run("apply", plan, "--limit", "cp1")
    assert (ran.code, ran.err.split(";")[0]) == (1, "command line: K8N400 --limit and --tags are part of a saved plan")


def test_a_damaged_plan_is_not_taken_for_an_inventory(inventory: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    run("diff", str(inventory), "--save", str(plan))
    plan.write_text(plan.read_text()[:-200])
    ran = run("apply", str(plan), "--yes")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"{plan}: K8N410 is cut short")
