"""A private key is in no problem, no representation, no JSON and no schema; a vaulted one in no listing either."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision.inventory import Inventory, Secret, VaultPassword, load
from k8snet_provision.inventory.listing import graph, host_json, list_json
from k8snet_provision.problems import Severity
from k8snet_provision.topology import lint, read, rows
from k8snet_provision.topology.certificates import CertificatePair, Pair
from k8snet_provision.topology.certificates import read as read_pair
from k8snet_provision.topology.schema import json_schema
from k8snet_provision.topology.validation import validate

from .ways_in import certify, ways_in
from .written import Written

PASSWORDS = [VaultPassword(b"correct horse")]
WRITTEN_KEY = "          certificate: .tls/shop.crt\n          key: .tls/shop.key\n"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tls")
    certify(folder, "shop")
    return (folder / "shop.key").read_text()


@pytest.fixture(scope="module")
def vaulted_key(key: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return vaulted(tmp_path_factory.mktemp("vault"), key)


def vaulted(tmp_path: Path, text: str) -> str:
    """The text as ansible-vault writes it into a variables file."""
    (tmp_path / ".password").write_text("correct horse")
    program = Path(sys.executable).with_name("ansible-vault")
    command = [str(program), "encrypt_string", "--vault-password-file", str(tmp_path / ".password")]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=60).stdout


def with_variable(path: Path, value: str, tls: str) -> Written:
    """The sound inventory whose tls entry is `tls`; the variable shop_key is `value`."""
    written = ways_in(path, (WRITTEN_KEY, tls))
    (path / "group_vars/all/keys.yml").write_text(f"shop_key: {value}\n")
    return written


def said_of_the_topology(inventory: Inventory, path: Path) -> str:
    problems = lint(path, vault_passwords=PASSWORDS)
    topology, findings = validate(inventory.rendered("cp1", "topology"))
    said: list[Any] = [problems, rows(problems), findings, topology, read(inventory), json_schema()]
    if topology is not None:
        said += [topology.model_dump(), topology.model_dump_json(), json.dumps(topology.model_dump(mode="json"))]
        said += [f"{entry.tls}" for entry in topology.ingresses or ()]
    return "\n".join([*map(str, said), *map(repr, said), *map(str, problems)])


PLACES = {
    "its place": "          certificate: .tls/shop.crt\n          key: '{{ shop_key }}'\n",
    "as the certificate": "          certificate: '{{ shop_key }}'\n          key: .tls/shop.key\n",
    "an unknown key": "          certificat: '{{ shop_key }}'\n          keys: ['{{ shop_key }}']\n",
    "in a list": "          certificate: .tls/shop.crt\n          key: ['{{ shop_key }}']\n",
    "in a mapping": "          certificate: {text: '{{ shop_key }}'}\n          key: {a: {b: '{{ shop_key }}'}}\n",
    "as a name": "          secret: '{{ shop_key }}'\n",
    "within text": "          certificate: 'x {{ shop_key }}'\n          key: 'x {{ shop_key }}'\n",
}


@pytest.mark.parametrize("tls", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("vault", [True, False], ids=["vaulted", "plain"])
def test_a_key_is_never_shown(vault: bool, tls: str, key: str, vaulted_key: str, tmp_path: Path) -> None:
    written = with_variable(tmp_path, vaulted_key if vault else json.dumps(key), tls)
    inventory = load(written.path, vault_passwords=PASSWORDS)
    said = said_of_the_topology(inventory, written.path)
    if vault:
        said += list_json(inventory) + host_json(inventory, "cp1") + graph(inventory, variables=True)
    lines = [line for line in key.splitlines() if "-----" not in line]
    assert "K8N1" in said
    assert not [line for line in lines if line[:16] in said]


def test_half_a_vaulted_key_without_its_header_is_not_shown_either(key: str, tmp_path: Path) -> None:
    half = "".join(key.splitlines()[1:-1])
    written = with_variable(tmp_path, vaulted(tmp_path, half), PLACES["its place"])
    said = said_of_the_topology(load(written.path, vault_passwords=PASSWORDS), written.path)
    assert "cannot be read" in said
    assert half[:16] not in said


def test_a_vaulted_key_stays_one_until_it_is_read(tmp_path: Path) -> None:
    tls = "          certificate: .tls/shop.crt\n          key: '{{ shop_key }}'\n"
    written = with_variable(tmp_path, "x", tls)
    key = (tmp_path / ".tls/shop.key").read_text()
    (tmp_path / "group_vars/all/keys.yml").write_text(f"shop_key: {vaulted(tmp_path, key)}\n")
    cluster, problems = read(load(written.path, vault_passwords=PASSWORDS))
    assert problems == ()
    assert cluster is not None
    (tls_entry,) = (cluster.topology.ingresses or ())[0].tls
    assert isinstance(tls_entry.key, Secret)
    pair = read_pair(written.path, tls_entry)
    assert pair == Pair((tmp_path / ".tls/shop.crt").read_text(), key)
    assert repr(pair) == "Pair()"


def test_a_key_in_plain_text_is_a_warning_on_its_line(tmp_path: Path) -> None:
    written = ways_in(tmp_path)
    key = (tmp_path / ".tls/shop.key").read_text()
    file = tmp_path / "group_vars/all/topology.yml"
    file.write_text(file.read_text().replace("key: .tls/shop.key", f"key: {json.dumps(key)} # plain"))
    (problem,) = written.problems()
    assert (problem.code, problem.severity, problem.where) == ("K8N105", Severity.WARNING, written.line("# plain"))
    assert "ansible-vault" in problem.hint


def test_pairs_that_are_not_complete_are_no_pair(tmp_path: Path) -> None:
    assert read_pair(tmp_path, CertificatePair()) is None
    assert read_pair(tmp_path, CertificatePair(certificate="a.crt")) is None
    with pytest.raises(OSError, match="No such file"):
        read_pair(tmp_path, CertificatePair(certificate="a.crt", key="a.key"))
