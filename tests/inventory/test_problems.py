"""Bad inventories: every problem at once, each with its code, file and line, and never a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from k8snet_provision.inventory import Code, load
from k8snet_provision.problems import Origin, Problem, ProblemsFound, Severity
from tests.inventory.written import write

Expected = list[tuple[str, str, int]]

ERRORS: dict[str, tuple[dict[str, str | bytes], Expected]] = {
    "no host at all": ({"group_vars/all.yml": "x: 1\n"}, [(Code.NO_HOSTS, "", 0)]),
    "groups without hosts": ({"hosts.yml": "all: {children: {web: }}\n"}, [(Code.NO_HOSTS, "", 0)]),
    "a tab in YAML": ({"hosts.yml": "all:\n  hosts:\n\ta:\n"}, [(Code.SYNTAX, "hosts.yml", 3)]),
    "an open bracket": ({"hosts.yml": "all:\n  hosts: [a\n  b: 1\n"}, [(Code.SYNTAX, "hosts.yml", 3)]),
    "a control character": ({"hosts.yml": "all:\n  hosts:\n    a: \x01\n"}, [(Code.SYNTAX, "hosts.yml", 3)]),
    "two documents": ({"hosts.yml": "all: {hosts: {a: }}\n---\nb: 1\n"}, [(Code.STRUCTURE, "hosts.yml", 2)]),
    "an unknown tag": ({"hosts.yml": "all:\n  hosts:\n    a: {x: !secret y}\n"}, [(Code.SYNTAX, "hosts.yml", 3)]),
    "a date that is none": ({"hosts.yml": "all:\n  vars:\n    d: 2024-02-31\n"}, [(Code.SYNTAX, "hosts.yml", 3)]),
    "an unknown alias": ({"hosts.yml": "all:\n  vars: {x: *nobody}\n"}, [(Code.SYNTAX, "hosts.yml", 2)]),
    "an alias inside itself": ({"hosts.yml": "all:\n  vars: &v\n    x: *v\n"}, [(Code.SYNTAX, "hosts.yml", 3)]),
    "a merge of a string": ({"hosts.yml": "all:\n  vars: {<<: x}\n"}, [(Code.STRUCTURE, "hosts.yml", 2)]),
    "a list as key": ({"hosts.yml": "all:\n  ? [a]\n  : b\n"}, [(Code.SYNTAX, "hosts.yml", 2)]),
    "broken JSON": ({"hosts.json": '{"all": {\n"hosts": }}\n'}, [(Code.SYNTAX, "hosts.json", 2)]),
    "deep nesting": ({"hosts.yml": "all: " + "[" * 200 + "]" * 200}, [(Code.TOO_LARGE, "hosts.yml", 1)]),
    "deep JSON": ({"hosts.json": '{"all": ' + "[" * 99999 + "]" * 99999 + "}"}, [(Code.TOO_LARGE, "hosts.json", 0)]),
    "aliases of aliases": (
        {
            "hosts.yml": "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]\n" for i in range(1, 9)),
        },
        [(Code.TOO_LARGE, "hosts.yml", 7)],
    ),
    "a binary file": ({"hosts": b"\x7fELF\n\x00\x01"}, [(Code.NOT_TEXT, "hosts", 2)]),
    "latin-1": ({"hosts.yml": "all:\n  vars: {x: 1}\n  # é\n".encode("latin-1")}, [(Code.NOT_TEXT, "hosts.yml", 3)]),
    "a list of hosts": ({"hosts.yml": "all:\n  hosts:\n    - a\n"}, [(Code.STRUCTURE, "hosts.yml", 2)]),
    "a list at the top": ({"hosts.yml": "- a\n"}, [(Code.STRUCTURE, "hosts.yml", 0)]),
    "a group that is a string": ({"hosts.yml": "all: {hosts: {a: }}\nweb: x\n"}, [(Code.STRUCTURE, "hosts.yml", 2)]),
    "variables of a host as a list": (
        {"hosts.yml": "all:\n  hosts:\n    a: [1]\n"},
        [(Code.STRUCTURE, "hosts.yml", 3)],
    ),
    "a numeric group": ({"hosts.yml": "all:\n  hosts: {a: }\n5: {hosts: {b: }}\n"}, [(Code.NAME, "hosts.yml", 3)]),
    "a numeric host": ({"hosts.yml": "all:\n  hosts:\n    10: {}\n    b:\n"}, [(Code.NAME, "hosts.yml", 3)]),
    "an empty group name": ({"hosts.yml": "'': {hosts: {b: }}\n"}, [(Code.NAME, "hosts.yml", 1)]),
    "a numeric variable": ({"hosts.yml": "all:\n  hosts:\n    a: {1: x}\n"}, [(Code.STRUCTURE, "hosts.yml", 3)]),
    "a group in itself": ({"hosts.yml": "web:\n  hosts: {a: }\n  children: {web: }\n"}, [(Code.CYCLE, "hosts.yml", 3)]),
    "a cycle": (
        {"hosts.yml": "a: {children: {b: {children: {c: {hosts: {h: }}}}}}\nc:\n  children:\n    a:\n"},
        [(Code.CYCLE, "hosts.yml", 4)],
    ),
    "all as a child": ({"hosts": "h\n[web:children]\nall\n"}, [(Code.CYCLE, "hosts", 2)]),
    "an INI cycle": ({"hosts": "[a:children]\nb\n[b:children]\na\n[b]\nh\n"}, [(Code.CYCLE, "hosts", 4)]),
    "a bad priority": (
        {"hosts.yml": "web:\n  hosts: {a: }\n  vars:\n    ansible_group_priority: high\n"},
        [(Code.STRUCTURE, "hosts.yml", 4)],
    ),
    "bad ranges": (
        {"hosts": "ok\na[1:x]\nb[01:100]\nc[5:1]\nd[1:5:0]\ne[1:9\nf[1]\ng[z:a]\nh[1:]\ni[0:99999999]\nj[1:2:3:4]\n"},
        [(Code.RANGE, "hosts", line) for line in range(2, 12)],
    ),
    "a colon and no port": ({"hosts.yml": "all:\n  hosts:\n    'a:':\n"}, [(Code.RANGE, "hosts.yml", 3)]),
    "every line of an INI file": (
        {
            "hosts": '[web]\na x\nb y=\'1\n""\nc\n[bad name]\nskipped\n[web:hostz]\nskipped\n'
            "[web:vars]\nno equals\n[web:children]\na b\nnobody\n[nowhere:vars]\nx=1\n",
        },
        [
            (Code.SYNTAX, "hosts", 2),
            (Code.SYNTAX, "hosts", 3),
            (Code.NAME, "hosts", 4),
            (Code.SYNTAX, "hosts", 6),
            (Code.SYNTAX, "hosts", 8),
            (Code.SYNTAX, "hosts", 11),
            (Code.SYNTAX, "hosts", 13),
            (Code.UNDECLARED, "hosts", 14),
            (Code.UNDECLARED, "hosts", 15),
        ],
    ),
    "a value that breaks Python": ({"hosts": "a x='{[]: 1}'\n"}, [(Code.SYNTAX, "hosts", 1)]),
    "a plugin's configuration": ({"x.yml": "plugin: aws_ec2\nregions: []\n"}, [(Code.NOT_RUN, "x.yml", 1)]),
    "TOML": ({"hosts.toml": "[web]\n"}, [(Code.NOT_RUN, "hosts.toml", 0)]),
    "variables as a list": (
        {"hosts": "a\n", "group_vars/all.yml": "- x\n", "host_vars/a.yml": "text\n"},
        [(Code.STRUCTURE, "group_vars/all.yml", 0), (Code.STRUCTURE, "host_vars/a.yml", 0)],
    ),
    "problems of several files": (
        {"a.yml": "all: [\n", "b": "[x y]\n", "host_vars/h.yml": "x: !!int y\n", "hosts": "h\n"},
        [(Code.SYNTAX, "a.yml", 2), (Code.SYNTAX, "b", 1), (Code.SYNTAX, "host_vars/h.yml", 1)],
    ),
    "a vaulted value without password": (
        {"hosts.yml": "all:\n  hosts: {a: }\n  vars:\n    p: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      3030\n"},
        [(Code.VAULT_DAMAGED, "hosts.yml", 4)],
    ),
}

WARNINGS: dict[str, tuple[dict[str, str | bytes], Expected]] = {
    "a key twice": (
        {"hosts.yml": "all:\n  hosts:\n    a:\n      x: 1\n      x: 2\n"},
        [(Code.DUPLICATE_KEY, "hosts.yml", 5)],
    ),
    "a JSON key twice": (
        {"h.json": '{"all": {"hosts": {"a": {"x": 1,\n"x": 2}}}}'},
        [(Code.DUPLICATE_KEY, "h.json", 2)],
    ),
    "a merged key written again is no repetition": ({"h.yml": "all: {hosts: {a: {<<: {x: 1}, x: 2}}}\n"}, []),
    "a dash in a group's name": ({"hosts": "[web-1]\na\n"}, [(Code.NAME, "hosts", 1)]),
    "a dash in a variable's name": (
        {"hosts.yml": "all:\n  hosts:\n    a:\n      my-x: 1\n"},
        [(Code.VARIABLE_NAME, "hosts.yml", 4)],
    ),
    "host and group of one name": ({"hosts": "[lb]\nx\nlb\n"}, [(Code.SAME_NAME, "hosts", 3)]),
    "an unknown section": ({"hosts.yml": "web:\n  hosts: {a: }\n  host: {b: }\n"}, [(Code.IGNORED, "hosts.yml", 3)]),
    "group_vars as a file": ({"hosts": "a\n", "group_vars": "x: 1\n"}, [(Code.IGNORED, "group_vars", 0)]),
}


def found(path: Path, files: dict[str, str | bytes]) -> tuple[Problem, ...]:
    try:
        return load(write(path, files)).warnings
    except ProblemsFound as problems:
        return problems.problems


def where(problems: tuple[Problem, ...], root: Path) -> Expected:
    origins = [(problem, problem.where) for problem in problems]
    assert all(isinstance(origin, Origin) for _, origin in origins)
    return [
        (problem.code, str(Path(origin.file).relative_to(root)).removeprefix("."), origin.line)
        for problem, origin in origins
        if isinstance(origin, Origin)
    ]


@pytest.mark.parametrize("case", ERRORS)
def test_errors_name_file_and_line(case: str, tmp_path: Path) -> None:
    files, expected = ERRORS[case]
    problems = found(tmp_path, files)
    assert sorted(where(problems, tmp_path)) == sorted(expected), "\n".join(map(str, problems))
    assert {problem.severity for problem in problems} == {Severity.ERROR}


@pytest.mark.parametrize("case", WARNINGS)
def test_warnings_do_not_stop(case: str, tmp_path: Path) -> None:
    files, expected = WARNINGS[case]
    problems = load(write(tmp_path, files)).warnings
    assert where(problems, tmp_path) == expected, "\n".join(map(str, problems))
    assert all(problem.severity is Severity.WARNING for problem in problems)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProblemsFound, match="K8N001 cannot be read: No such file or directory"):
        load(tmp_path / "nowhere")


def test_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "hosts").symlink_to("hosts")
    with pytest.raises(ProblemsFound, match="hosts: K8N001 cannot be read: Too many levels of symbolic links"):
        load(tmp_path)


def test_directories_linked_into_themselves(tmp_path: Path) -> None:
    write(tmp_path, {"hosts": "a\n"})
    (tmp_path / "again").symlink_to(".")
    (tmp_path / "once more").symlink_to(".")
    with pytest.raises(ProblemsFound, match="again: K8N001 is a directory linked into itself"):
        load(tmp_path)


def test_variable_directories_linked_into_themselves(tmp_path: Path) -> None:
    write(tmp_path, {"hosts": "a\n", "host_vars/a/x.yml": "x: 1\n"})
    (tmp_path / "host_vars" / "a" / "again").symlink_to("..")
    with pytest.raises(ProblemsFound, match="again/a: K8N001 is a directory linked into itself"):
        load(tmp_path)


def test_a_link_to_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"hosts": "a\n"})
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").symlink_to("gone")
    with pytest.raises(ProblemsFound, match=r"group_vars/all\.yml: K8N001 cannot be read: No such file"):
        load(tmp_path)


def test_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hosts")
    with pytest.raises(ProblemsFound, match="K8N001 is not a regular file"):
        load(tmp_path)


def test_a_huge_file(tmp_path: Path) -> None:
    with (tmp_path / "hosts").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ProblemsFound, match="K8N003 is too large"):
        load(tmp_path)


def test_a_script_is_not_run(tmp_path: Path) -> None:
    script = write(tmp_path, {"hosts.py": f"#!/bin/sh\ntouch {tmp_path}/ran\necho '{{}}'\n", "@": "hosts.py"})
    script.chmod(0o755)
    with pytest.raises(ProblemsFound, match="K8N007 is a script inventory, scripts are not run"):
        load(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_an_executable_file_that_is_no_script_is_read(tmp_path: Path) -> None:
    write(tmp_path, {"hosts.yml": "all: {hosts: {a: }}\n"})
    (tmp_path / "hosts.yml").chmod(0o755)
    assert list(load(tmp_path).hosts) == ["a"]
