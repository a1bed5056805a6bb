"""What ansible-vault encrypts is opened here, and stays a secret from then on."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from k8snet_provision.inventory import Secret, VaultPassword, load, password_files
from k8snet_provision.inventory.listing import graph, host_json, list_json
from k8snet_provision.problems import Problem, ProblemsFound
from tests.inventory.conftest import ask_ansible
from tests.inventory.written import write

PLAIN = "päss 'word' {{ not a template"


def ansible_vault(*arguments: str | Path, text: str = "") -> str:
    program = Path(sys.executable).with_name("ansible-vault")
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
    command = [program, *arguments]
    return subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def vaulted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory with one vaulted value, one with a label, and one vaulted file; the passwords are beside it."""
    folder = tmp_path_factory.mktemp("vault")
    (folder / "password").write_text("first password\n")
    (folder / "second").write_text("second\n")
    root = folder / "inventory"
    one = ansible_vault("encrypt_string", "--vault-password-file", folder / "password", "-n", "one", PLAIN)
    label = f"prod@{folder / 'second'}"
    two = ansible_vault("encrypt_string", "--vault-id", label, "--encrypt-vault-id", "prod", "-n", "two", "zwei")
    whole = ansible_vault("encrypt", "--vault-password-file", folder / "password", text="three: drei\nnumber: 3\n")
    write(root, {"hosts": "h\n", "group_vars/all/a.yml": one + two + "open: x\n", "host_vars/h.yml": whole})
    return root


@pytest.fixture
def passwords(vaulted: Path) -> tuple[VaultPassword, ...]:
    return password_files([vaulted.parent / "password", vaulted.parent / "second"], {})


def problems(path: Path, passwords: tuple[VaultPassword, ...]) -> tuple[Problem, ...]:
    with pytest.raises(ProblemsFound) as found:
        load(path, vault_passwords=passwords)
    return found.value.problems


def test_values_and_files_are_opened(vaulted: Path, passwords: tuple[VaultPassword, ...]) -> None:
    variables = load(vaulted, vault_passwords=passwords).hosts["h"].vars
    opened = {name: variables[name].reveal() for name in ("one", "two", "three")}
    assert opened == {"one": PLAIN, "two": "zwei", "three": "drei"}
    assert variables["number"] == 3
    assert type(opened["one"]) is str


def test_a_vaulted_value_knows_its_line(vaulted: Path, passwords: tuple[VaultPassword, ...]) -> None:
    inventory = load(vaulted, vault_passwords=passwords)
    assert inventory.origin("h", "one") == inventory.origin("h", "one").__class__(f"{vaulted}/group_vars/all/a.yml", 1)


def test_without_password_every_vaulted_value_is_named(vaulted: Path) -> None:
    found = problems(vaulted, ())
    assert [str(problem.where).removeprefix(f"{vaulted}/") for problem in found] == [
        "group_vars/all/a.yml:1",
        "group_vars/all/a.yml:8",
        "host_vars/h.yml:1",
    ]
    assert {problem.code for problem in found} == {"K8N016"}
    assert "no vault password was given" in str(found[0])
    assert "for prod" in str(found[1])


def test_a_wrong_password_is_a_problem(vaulted: Path) -> None:
    found = problems(vaulted, (VaultPassword(b"wrong"),))
    assert len(found) == 3
    assert all("no given vault password opens it" in str(problem) for problem in found)


def test_a_cut_off_vault_is_a_problem(tmp_path: Path, vaulted: Path, passwords: tuple[VaultPassword, ...]) -> None:
    whole = (vaulted / "host_vars" / "h.yml").read_text()
    cut = whole[:-10] + "\n"
    write(tmp_path, {"hosts": "h\n", "host_vars/h.yml": cut})
    assert problems(tmp_path, passwords)[0].code in ("K8N016", "K8N017")
    write(tmp_path, {"host_vars/h.yml": "$ANSIBLE_VAULT;1.1;AES\n00\n"})
    assert problems(tmp_path, passwords)[0].code == "K8N017"


def test_the_listing_keeps_values_closed(vaulted: Path, tmp_path: Path) -> None:
    first, _, _ = (vaulted / "group_vars/all/a.yml").read_text().partition("two:")
    whole = (vaulted / "host_vars/h.yml").read_text()
    root = write(tmp_path / "inventory", {"hosts": "h\n", "group_vars/all.yml": first, "host_vars/h.yml": whole})
    password = vaulted.parent / "password"
    theirs = ask_ansible([(root, password)], tmp_path)[0]
    inventory = load(root, vault_passwords=password_files([password], {}))
    listed = json.loads(list_json(inventory))["_meta"]["hostvars"]["h"]
    assert listed == json.loads(theirs["list"])["_meta"]["hostvars"]["h"] | {"three": "***"}
    printed = list_json(inventory) + graph(inventory, variables=True) + host_json(inventory, "h")
    assert not any(secret in printed for secret in (PLAIN, "drei"))
    assert graph(inventory, variables=True) == theirs["graph_vars"].replace(PLAIN, "***").replace("drei", "***")


def test_a_listing_needs_no_password_for_values(vaulted: Path, tmp_path: Path) -> None:
    write(tmp_path, {"hosts": "h\n", "group_vars/all.yml": (vaulted / "group_vars/all/a.yml").read_text()})
    assert "__ansible_vault" in list_json(load(tmp_path, vault_passwords=None))


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("hunter2")
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>10}", "%s" % secret, repr({"p": [secret]})]  # noqa: UP031
    assert not any("hunter2" in text for text in shown)
    for twin in (copy.deepcopy(secret), pickle.loads(pickle.dumps(secret))):
        assert isinstance(twin, Secret) and twin.reveal() == "hunter2"


def test_the_password_file_named_by_the_environment(vaulted: Path) -> None:
    named = {"ANSIBLE_VAULT_PASSWORD_FILE": str(vaulted.parent / "password")}
    (password,) = password_files([], named)
    assert password.secret == b"first password"
    assert "first password" not in repr(password)
    assert password_files([], {}) == ()


def test_an_executable_password_file_prints_the_password(tmp_path: Path) -> None:
    script = tmp_path / "ask"
    script.write_text("#!/bin/sh\necho from a script\n")
    script.chmod(0o700)
    assert password_files([script], {})[0].secret == b"from a script"
    script.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(ProblemsFound, match="ended with 3"):
        password_files([script], {})


def test_a_password_file_that_is_missing_or_empty(tmp_path: Path) -> None:
    with pytest.raises(ProblemsFound, match="K8N001 cannot be read"):
        password_files([tmp_path / "gone"], {})
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ProblemsFound, match="holds no vault password"):
        password_files([tmp_path / "empty"], {})
