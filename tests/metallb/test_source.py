"""The manifest's bytes: from a file or from the web, fetched once, its checksum checked at every use."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snet_provision import sources
from k8snet_provision.metallb import release, source
from k8snet_provision.problems import Origin, Problem
from k8snet_provision.topology import Cluster
from tests.deploys.worlds import a_world
from tests.metallb.releases import manifest
from tests.metallb.web import gives, says, serving
from tests.program import run

pytestmark = pytest.mark.programs


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "k8snet-provision" / "manifests"


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    answers = {
        "/metallb.yaml": gives(manifest()),
        "/other.yaml": gives(b"something else"),
        "/endless.yaml": gives(b"# " * source.LARGEST),
        "/gone.yaml": says(404),
        "/moved.yaml": says(302, "/metallb.yaml"),
        "/insecure.yaml": says(302, "http://127.0.0.1:9/metallb.yaml"),
    }
    with serving(tmp_path, answers) as (url, certificate, asked):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        yield url, asked


def cluster(tmp_path: Path, place: str, data: bytes = b"") -> Cluster:
    checksum = hashlib.sha256(data or manifest()).hexdigest()
    text = f"service_cidr: 10.254.0.0/16\nmetallb:\n  manifest: {place}\n  sha256: {checksum}\n"
    return a_world(tmp_path, text + "  pools: [{addresses: [192.0.2.200-192.0.2.220]}]").cluster


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def read(wanted: Cluster) -> bytes:
    metallb = wanted.topology.metallb
    assert metallb is not None
    return source.read(wanted, metallb)


def test_a_relative_path_begins_at_the_inventory(tmp_path: Path) -> None:
    place = tmp_path / "inventory" / ".files"
    place.mkdir(parents=True)
    (place / "metallb.yaml").write_bytes(manifest())
    wanted = cluster(tmp_path, ".files/metallb.yaml")
    assert sources.problems(wanted) == ()
    assert read(wanted) == manifest()


def test_a_file_that_changes_after_lint_is_one_problem_where_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_bytes(manifest())
    wanted = cluster(tmp_path, str(file))
    file.write_bytes(b"something else")
    changed = only(sources.problems(wanted))
    assert (changed.found, changed.expected) == (
        hashlib.sha256(b"something else").hexdigest(),
        hashlib.sha256(manifest()).hexdigest(),
    )
    file.unlink()
    gone = only(sources.problems(wanted))
    assert isinstance(gone.where, Origin)
    assert (Path(gone.where.file).name, gone.where.line) == ("topology.yml", 4)
    assert "No such file" in gone.found


def test_a_file_with_other_objects_is_refused_before_any_host_is_asked(tmp_path: Path) -> None:
    other = b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
    (tmp_path / "m.yaml").write_bytes(other)
    found = sources.problems(cluster(tmp_path, str(tmp_path / "m.yaml"), other))
    assert {problem.code for problem in found} == {release.NOT_METALLB}
    assert any("kind Pod" in problem.found for problem in found)


def test_a_file_that_is_too_large_is_not_parsed(tmp_path: Path) -> None:
    large = b"#" * (source.LARGEST + 1)
    (tmp_path / "m.yaml").write_bytes(large)
    assert "too large" in only(sources.problems(cluster(tmp_path, str(tmp_path / "m.yaml"), large))).text


def test_a_url_is_fetched_once_and_kept(tmp_path: Path, web: tuple[str, list[str]], cache: Path) -> None:
    wanted = cluster(tmp_path, f"{web[0]}/metallb.yaml")
    assert sources.problems(wanted) == sources.problems(wanted) == ()
    assert web[1] == ["/metallb.yaml"]
    assert [path.name for path in cache.iterdir()] == [f"{hashlib.sha256(manifest()).hexdigest()}.yaml"]
    assert read(wanted) == manifest()


def test_lint_speaks_to_nobody(tmp_path: Path, web: tuple[str, list[str]]) -> None:
    wanted = cluster(tmp_path, f"{web[0]}/gone.yaml")
    assert sources.on_this_machine(wanted) == ()
    assert web[1] == []


def test_lint_looks_into_the_manifest(tmp_path: Path) -> None:
    evil = manifest() + b"---\napiVersion: v1\nkind: Pod\nmetadata: {name: miner, namespace: metallb-system}\n"
    (tmp_path / "m.yaml").write_bytes(evil)
    cluster(tmp_path, str(tmp_path / "m.yaml"), evil)
    ran = run("lint", str(tmp_path / "inventory"))
    assert ran.code == 1, ran
    assert "K8N174" in ran.out
    assert "kind Pod" in ran.out


def test_what_was_damaged_while_it_was_kept_is_fetched_again(
    tmp_path: Path, web: tuple[str, list[str]], cache: Path
) -> None:
    wanted = cluster(tmp_path, f"{web[0]}/moved.yaml")
    assert sources.problems(wanted) == ()
    next(cache.iterdir()).write_bytes(b"damaged")
    assert sources.problems(wanted) == ()
    assert web[1] == ["/moved.yaml", "/metallb.yaml"] * 2


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/gone.yaml", "404"),
        ("/insecure.yaml", "redirects to a place without https"),
        ("/endless.yaml", "more than 2097152 bytes"),
        ("/other.yaml", hashlib.sha256(b"something else").hexdigest()),
    ],
)
def test_what_cannot_be_fetched_leaves_nothing_behind(
    tmp_path: Path, web: tuple[str, list[str]], cache: Path, path: str, said: str
) -> None:
    problem = only(sources.problems(cluster(tmp_path, f"{web[0]}{path}")))
    assert (problem.code, said in problem.found) == (source.NOT_THE_ONE, True), problem
    assert not cache.exists()


def test_a_server_that_nobody_vouches_for_is_not_believed(
    tmp_path: Path, web: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    problem = only(sources.problems(cluster(tmp_path, f"{web[0]}/metallb.yaml")))
    assert "CERTIFICATE_VERIFY_FAILED" in problem.found
    assert web[1] == []


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    problem = only(sources.problems(cluster(tmp_path, "https://127.0.0.1:9/metallb.yaml")))
    assert problem.found.startswith("https://127.0.0.1:9/metallb.yaml: ")
    assert "refused" in problem.found
