"""kubernetes/: what an operator applies says the same in each file, and its commands are ones that the tool takes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from k8snet_provision.lab.runtime_lock import runtime
from tests.hosts.labs import ROOT
from tests.program import run

FOLDER = ROOT / "kubernetes"
LOCK = (ROOT / "requirements.lock").read_text()


def pod(name: str) -> Any:
    (job,) = YAML(typ="safe").load_all((FOLDER / name).read_text())
    spec = job["spec"]["jobTemplate"]["spec"] if job["kind"] == "CronJob" else job["spec"]
    return spec["template"]["spec"]


def test_the_job_has_as_many_pods_as_there_are_shards() -> None:
    (job,) = YAML(typ="safe").load_all((FOLDER / "shards.yaml").read_text())
    assert job["spec"]["completions"] == 4
    assert "--shard=auto/4" in pod("shards.yaml")["containers"][0]["args"]


def test_both_pods_are_the_same_but_for_the_shard() -> None:
    cronjob, shard = pod("cronjob.yaml"), pod("shards.yaml")
    shard["containers"][0]["args"].remove("--shard=auto/4")
    assert cronjob == shard


@pytest.mark.parametrize("name", ["cronjob.yaml", "shards.yaml"])
def test_the_words_of_a_pod_are_a_command_of_the_tool(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens where the inventory says, and the machine that runs the tests has no kubectl for it."""
    inventory = tmp_path / "prod"
    (inventory / "group_vars").mkdir(parents=True)
    (inventory / "hosts.yml").write_text(
        "kube_control_plane: {hosts: {cp1: {ansible_host: 127.0.0.1, ansible_port: 1}}}\n"
    )
    (inventory / "group_vars" / "all.yml").write_text(
        "topology: {service_cidr: 10.254.0.0/16, pod_cidr: 10.244.0.0/16}\n"
    )
    (tmp_path / "id_ed25519").write_text("")
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "0")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    words = pod(name)["containers"][0]["args"]
    here = [re.sub(r"/(inventories|ssh|memory)(?=/|$)", str(tmp_path), word) for word in words]
    ran = run(*here)
    assert ran.code in (0, 3) and not ran.err, ran


def test_an_image_has_what_the_tool_needs_and_nothing_that_only_its_developers_do() -> None:
    names = re.findall(r"^(\S+)==", runtime(LOCK), re.MULTILINE)
    assert {"paramiko", "pyinfra", "gevent", "greenlet", "pydantic-core", "cffi"} <= set(names)
    assert not {"ansible-core", "mypy", "ruff", "molecule", "hatchling"} & set(names)
    assert all(f"{name}==" in LOCK for name in names)


def test_what_the_recipe_copies_is_what_the_context_holds(tmp_path: Path) -> None:
    subprocess.run(
        [str(ROOT / "bin" / "image-context"), sys.executable, str(tmp_path)],
        check=True,
        capture_output=True,
        timeout=200,
    )
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (FOLDER / "Containerfile").read_text(), re.MULTILINE)
    for pattern in " ".join(copied).split():
        assert pattern == "kubectl" or list(tmp_path.glob(pattern)), pattern
    assert (tmp_path / "requirements.lock").read_text() == runtime(LOCK)
