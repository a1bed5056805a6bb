"""Templates in variables: what they can use, what they give, and what goes wrong with a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k8snet_provision.inventory import Inventory, Secret, VaultPassword, load
from k8snet_provision.problems import ProblemsFound
from tests.inventory.test_vault import ansible_vault
from tests.inventory.written import write

HOSTS = "[web]\nw1.lab ansible_host=10.0.0.1\nw2.lab ansible_host=10.0.0.2\n[db]\n10.0.0.9\n"


def inventory_with(folder: Path, variables: str, **more: str) -> Inventory:
    return load(write(folder, {"hosts": HOSTS, "group_vars/all.yml": variables, **more}))


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ inventory_hostname }}", "w1.lab"),
        ("{{ inventory_hostname_short }}", "w1"),
        ("{{ hostvars['10.0.0.9'].inventory_hostname_short }}", "10.0.0.9"),
        ("{{ ansible_host }}:{{ port + 1 }}", "10.0.0.1:81"),
        ("{{ port }}", 80),
        ("{{ 'yes' }}", "yes"),
        ("{{ '12' }}", "12"),
        ("{{ nested.inner.deep }}", "10.0.0.1/80"),
        ("{{ nested['inner'] }}", {"deep": "10.0.0.1/80"}),
        ("{{ groups.web | map('extract', hostvars) | list }}", None),
        ("{{ groups['web'] }}", ["w1.lab", "w2.lab"]),
        ("{{ groups.all | length }}", 3),
        ("{{ group_names }}", ["web"]),
        ("{{ hostvars['w2.lab'].ansible_host }}", "10.0.0.2"),
        ("{{ hostvars['w2.lab']['url'] }}", "http://10.0.0.2:80"),
        ("{% for h in groups.web %}{{ hostvars[h].ansible_host }},{% endfor %}", "10.0.0.1,10.0.0.2,"),
        ("{{ missing | default('none') }}", "none"),
        ("{{ needs_missing | default('none') }}", "none"),
        ("{{ needs_missing is defined }}", False),
        ("{{ 'on' | bool }}", True),
        ("{{ (port > 79) | ternary('high', 'low') }}", "high"),
        ("{{ {'a': 1} | combine({'b': port}) }}", {"a": 1, "b": 80}),
        ("{{ [1, 2] | to_json }}", "[1, 2]"),
        ("{{ 'a-b' | regex_replace('-', '_') }}", "a_b"),
        ("{# nothing #}text", "text"),
        ("{{ raw_text }}", "{{ not rendered }}"),
        ("line\n", "line\n"),
    ],
)
def test_rendered(template: str, value: Any, tmp_path: Path) -> None:
    variables = (
        "port: 80\nurl: 'http://{{ ansible_host }}:{{ port }}'\nneeds_missing: '{{ missing }}'\n"
        "nested: {inner: {deep: '{{ ansible_host }}/{{ port }}'}}\nraw_text: !unsafe '{{ not rendered }}'\n"
    )
    inventory = load(write(tmp_path, {"hosts": HOSTS, "group_vars/all.yml": variables}), extra_vars={"t": template})
    if value is None:
        with pytest.raises(ProblemsFound, match="extract"):
            inventory.rendered("w1.lab", "t")
    else:
        assert inventory.rendered("w1.lab", "t") == value


def test_rendered_containers_keep_their_lines(tmp_path: Path) -> None:
    inventory = inventory_with(tmp_path, "x: {a: '{{ inventory_dir }}',\n  b: [1, '{{ inventory_file }}']}\n")
    assert inventory.rendered("w1.lab", "x") == {"a": str(tmp_path), "b": [1, f"{tmp_path}/hosts"]}
    assert inventory.rendered("w1.lab", "x")["b"].origins[1].line == 2


def test_a_container_may_use_its_own_items(tmp_path: Path) -> None:
    inventory = inventory_with(
        tmp_path, "t: {dns: {ip: 10.0.0.10}, other: 'dns={{ t.dns.ip }}', more: '{{ t.other }}'}\n"
    )
    assert inventory.rendered("w1.lab", "t")["more"] == "dns=10.0.0.10"


@pytest.mark.parametrize(
    ("variables", "line", "message"),
    [
        ("a: 1\nx: '{{ nobody }}'\n", 2, "K8N018 .*'nobody' is undefined"),
        ("x:\n  - ok\n  - '{{ a.b }}'\na: {c: 1}\n", 3, "K8N018 .*has no attribute 'b'"),
        ("x: '{{ y }}'\ny: '{{ z }}'\n", 1, r"K8N018 .*'z' is undefined \(written at .*all.yml:2\)"),
        ("x: '{{ [nobody] }}'\n", 1, "K8N018 .*'nobody' is undefined"),
        ("x: '{{ 1 +  }}'\n", 1, "K8N019 is no valid template"),
        ("x: '{{ 1 | ipaddr }}'\n", 1, "K8N019 .*No filter named 'ipaddr'"),
        ("x: '{{ y }}'\ny: '{{ x }}'\n", 1, "K8N019 the variables x -> y need each other"),
        ("x: {a: '{{ x.a }}'}\n", 1, "K8N019 the variables x need each other"),
        ("x: '{{ 1 / 0 }}'\n", 1, "K8N019 .*division by zero"),
        ("x: '{{ ().__class__.__base__.__subclasses__() }}'\n", 1, "K8N01[89]"),
        ("x: '{{ range(10**9) | list }}'\n", 1, "K8N019 .*Range too big"),
        ('x: \'{{ lookup("pipe", "id") }}\'\n', 1, "K8N018 .*'lookup' is undefined"),
        ("x: '{{ hostvars.nobody.y }}'\n", 1, "K8N018"),
    ],
)
def test_what_cannot_be_rendered(variables: str, line: int, message: str, tmp_path: Path) -> None:
    inventory = inventory_with(tmp_path, variables)
    with pytest.raises(ProblemsFound, match=message) as found:
        inventory.rendered("w1.lab", "x")
    assert str(found.value.problems[0].where).endswith(f"all.yml:{line}") or "need each other" in message


def test_a_missing_variable_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        inventory_with(tmp_path, "").rendered("w1.lab", "nobody")


@pytest.fixture(scope="module")
def vaulted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The variable `secret`, which the password pw opens."""
    password = tmp_path_factory.mktemp("vault") / "password"
    password.write_text("pw")
    return ansible_vault("encrypt_string", "--vault-password-file", password, "-n", "secret", "hunter2")


@pytest.mark.parametrize(
    "template",
    [
        "{{ secret }}",
        "user:{{ secret }}",
        "{{ secret | b64encode }}",
        "{{ secret | upper }}",
        "{{ box.inner }}",
        "{{ box | to_json }}",
        "{{ hostvars['w2.lab'].secret ~ '!' }}",
        "{% for item in box.values() %}{{ item }}{% endfor %}",
        "{{ indirect }}",
        "{{ [secret] | join }}",
    ],
)
def test_what_is_made_of_a_secret_is_a_secret(template: str, vaulted: str, tmp_path: Path) -> None:
    variables = f"{vaulted}\nbox: {{inner: '{{{{ secret }}}}'}}\nindirect: 'x{{{{ secret }}}}'\n"
    root = write(tmp_path / "i", {"hosts": HOSTS, "group_vars/all.yml": variables})
    inventory = load(root, extra_vars={"t": template}, vault_passwords=[VaultPassword(b"pw")])
    value = inventory.rendered("w1.lab", "t")
    assert isinstance(value, Secret)
    assert "***" not in value.reveal()
