"""The wheel in an empty environment sees what the checkout sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import wheels
from tests.hosts.labs import LabCluster
from tests.hosts.test_rollback import AS_INSTALLED

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheels.install(wheels.build(tmp_path_factory.mktemp("wheel")), tmp_path_factory.mktemp("installed"))


def test_it_sees_what_the_checkout_sees(installed: Path, systemd_lab: LabCluster, tmp_path: Path) -> None:
    """Of a cluster as the module before left it, whatever that was: no test moves the range to this one."""
    systemd_lab.topology(AS_INSTALLED.replace("10.96.", "10.99."))
    there = wheels.run(installed, "diff", str(systemd_lab.inventory), "--output", "json", cwd=tmp_path)
    assert there.code == 2, there
    here = systemd_lab.tool("diff", "--output", "json")
    assert json.loads(there.out)["changes"] == json.loads(here.out)["changes"]
