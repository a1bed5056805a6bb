"""argv as read from unit files equals argv as the real systemd makes it."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.edits.systemd_unit import UnitFiles, command_line, with_flags

from .conftest import StartedArgv

pytestmark = pytest.mark.programs


def unit(*texts: str, name: str = "kube-apiserver.service", **environment: str) -> UnitFiles:
    """A service from the text of its [Service] sections; keyword `x` is the environment file DIR/x."""
    units = tuple((f"unit{index}", f"[Service]\n{text}") for index, text in enumerate(texts))
    return UnitFiles(name, units, tuple((f"DIR/{file}", text) for file, text in environment.items()))


READ_ALIKE = {
    "one line": unit("ExecStart=PROGRAM --a=1 --b 2\n"),
    "no newline at the end": unit("ExecStart=PROGRAM --a=1"),
    "a backslash at the end of the file": unit("ExecStart=PROGRAM --a=1 \\"),
    "continuation lines": unit("ExecStart=PROGRAM \\\n  --a=1 \\\n\t--b=2\n"),
    "a continuation within a word": unit("ExecStart=PROGRAM --a=1\\\n--b=2\n"),
    "comments between continuation lines": unit("ExecStart=PROGRAM \\\n# --x=1 \\\n  ; no\n  --a=1 \\\n#\n --b\n"),
    "an empty line ends the continuation": unit("ExecStart=PROGRAM --a=1 \\\n\n--b=2\n"),
    "a blank behind the backslash": unit("ExecStart=PROGRAM --a=1 \\ \n"),
    "two backslashes at the end": unit("ExecStart=PROGRAM --a=1 \\\\\n"),
    "carriage returns": unit("ExecStart=PROGRAM \\\r\n --a=1\r\n"),
    "quotes": unit('ExecStart=PROGRAM "--a=1 2" \'--b=3 4\' --c="5 6" --d=\'7\'"8" "" \'\'\n'),
    "escapes": unit(r"ExecStart=PROGRAM --a=\x41\102\u0043\t\s\\ '\'' \q --b=\xc3\xa4 \x0g \400" + "\n"),
    "semicolons": unit("ExecStart=PROGRAM a \\; b ;c d;\n"),
    "prefixes": unit("ExecStart=-PROGRAM --a=1\n"),
    "argv zero": unit("ExecStart=@PROGRAM kube-apiserver --a=1\n"),
    "no expansion": unit("Environment=A=1\nExecStart=:PROGRAM $A ${A} $$\n"),
    "blanks around the equals sign": unit("  ExecStart =  PROGRAM --a=1  \n"),
    "reset in a drop-in": unit("ExecStart=PROGRAM --a=1\n", "ExecStart=\nExecStart=PROGRAM --b=2\n"),
    "other sections": unit("ExecStart=PROGRAM --a=1\n[Install]\nExecStart=PROGRAM --b=2\n"),
    "an instance": unit("ExecStart=PROGRAM --a=%i --b=%p-%N-%% --c=100%\n", name="api@blue.service"),
    "variables": unit(
        'Environment=A=1 "B=x  y" C=\\x41\nExecStart=PROGRAM $A ${A} $B ${B} -${B}- x$A $C $NONE ${NONE}\n'
    ),
    "dollars": unit("Environment=A=1\nExecStart=PROGRAM $$ $$A a$$b ${A ${A:-x} $ ${A}$$\n"),
    "quotes in a variable": unit("""Environment="A='x y' \\"z\\" a\\\\ b \\\\" \nExecStart=PROGRAM $A ${A}\n"""),
    "a variable reset": unit("Environment=A=1 B=2\nEnvironment=\nEnvironment=B=3\nExecStart=PROGRAM $A ${B}\n"),
    "a file over Environment=": unit("EnvironmentFile=DIR/e\nEnvironment=A=1\nExecStart=PROGRAM $A\n", e="A=2\nA=3\n"),
    "the later file": unit(
        "EnvironmentFile=DIR/e\nEnvironmentFile=-DIR/f\nExecStart=PROGRAM $A\n", f="A=2\n", e="A=1\n"
    ),
    "an optional file that is not there": unit("EnvironmentFile=-DIR/none\nExecStart=PROGRAM $A --b\n"),
    "a pattern of files": unit(
        "EnvironmentFile=DIR/*.env\nExecStart=PROGRAM $A $B\n", **{"b.env": "A=2\nB=1\n", "a.env": "A=1"}
    ),
    "a quoted file value": unit(
        "EnvironmentFile=DIR/e\nExecStart=PROGRAM $A ${A}\n", e='A="--a=1 \\\n  --b=2 \\"x y\\" \\q"\n'
    ),
    "pieces in a file": unit(
        "EnvironmentFile=DIR/e\nExecStart=PROGRAM ${A} ${B} ${C}\n", e="A='x'\"y\" z'w'  \nB = 1 \n C=\\a\\ \\\n  b  \n"
    ),
    "line breaks in a file": unit(
        "EnvironmentFile=DIR/e\nExecStart=PROGRAM $A $B\n", e="A='--a\n  --b'\n; B=1\n#B=2\nnothing\nexport B=3\n"
    ),
    "an open quote in a file": unit("EnvironmentFile=DIR/e\nExecStart=PROGRAM $A\n", e='A="--a --b\n#c\n'),
}


def test_argv_is_what_systemd_starts(started_argv: StartedArgv) -> None:
    started = started_argv(list(READ_ALIKE.values()))
    read = [command_line(case)[1:] for case in READ_ALIKE.values()]
    assert dict(zip(READ_ALIKE, read, strict=True)) == dict(zip(READ_ALIKE, started, strict=True))


HOSTILE = (
    "10.254.0.0/16", "a b", "", "$HOME", "${A}$$", "%i%%", "'", '"', "\\", "a;b", "; rm", "#x", "`id`", "$(id)",
    "tab\there", "ä–€\U0001f600", "a\nb", "\x01\x7f", "-x", "a=b=c", "trailing\\", " lead", "a,b=c d|e", "*?[]{}~!&<>",
)  # fmt: skip


def written_with(chance: random.Random, value: str) -> str:
    """A word in one of the ways people write it."""
    return chance.choice((value, f'"{value}"', f"'{value}'"))


def random_unit(chance: random.Random) -> UnitFiles:
    """A service with flags spread over ExecStart, Environment= and a file, in varying layout."""
    names = [f"flag-{number}" for number in range(chance.randint(1, 6))]
    places: dict[str, list[str]] = {"exec": [], "environment": [], "file": []}
    for name in names:
        places[chance.choice(list(places))].append(name)
    separator = chance.choice((" ", " \\\n  ", " \\\n# a comment\n    ", "  "))
    flag = chance.choice(("--{}={}", "--{} {}"))
    inner = chance.choice((" ", "  ", " \\\n   "))
    words = [written_with(chance, f"--{name}=v{name}") for name in places["exec"]]
    words += [f"--one=${{ONE}} --two=x{chance.randint(0, 9)}"] if chance.random() < 0.5 else []
    words += chance.sample(["$FROM_UNIT", "$FROM_FILE"], 2)
    lines = [
        "# kept as it is",
        "Environment=ONE=1 'FROM_UNIT=" + " ".join(flag.format(name, 7) for name in places["environment"]) + "'",
        "EnvironmentFile=DIR/e",
        "ExecStart=PROGRAM" + separator + separator.join(words),
        "Restart=no",
    ]
    quote = chance.choice(('"', "'", '"'))
    file = inner if quote == '"' else " "
    text = f"# flags\nFROM_FILE={quote}{file.join(flag.format(name, 8) for name in places['file'])}{quote}\nX=y\n"
    return UnitFiles("a.service", (("unit0", "[Service]\n" + "\n".join(lines) + "\n"),), (("DIR/e", text),))


def changed(files: UnitFiles, wanted: dict[str, str]) -> UnitFiles:
    for path, text in with_flags(files, wanted).items():
        files = files.replaced(path, text)
    return files


def test_systemd_starts_the_program_with_exactly_the_wanted_flag_changed(started_argv: StartedArgv) -> None:
    before, after, wanted = [], [], []
    for seed in range(150):
        chance = random.Random(seed)
        files = random_unit(chance)
        name, value = f"flag-{chance.randint(0, 7)}", chance.choice(HOSTILE)
        try:
            edited = changed(files, {name: value})
        except EditRefused as refusal:
            assert "'" in value or "\n" in value or value == "" or value.startswith("-"), (seed, value, str(refusal))
            continue
        assert changed(edited, {name: value}) == edited
        before.append(files)
        after.append(edited)
        wanted.append((name, value))
    assert len(wanted) > 100
    started = started_argv([*before, *after])
    for (name, value), old, new in zip(wanted, started[: len(before)], started[len(before) :], strict=True):
        assert old is not None and new is not None
        assert effective(new, name) == value
        assert others(new, name) == others(old, name)


def effective(argv: list[str], name: str) -> str | None:
    """The flag's value by plain search, apart from the code under test."""
    for at, word in enumerate(argv):
        if word == f"--{name}":
            return argv[at + 1]
        if word.startswith(f"--{name}="):
            return word.partition("=")[2]
    return None


def others(argv: list[str], name: str) -> list[str]:
    kept = [word for word in argv if not word.startswith(f"--{name}=")]
    if f"--{name}" in kept:
        at = kept.index(f"--{name}")
        del kept[at : at + 2]
    return kept


def noise(chance: random.Random, alphabet: Sequence[str], longest: int) -> str:
    return "".join(chance.choice(alphabet) for _ in range(chance.randint(0, longest)))


def noisy_unit(chance: random.Random) -> UnitFiles:
    """A service whose command line, variables and environment file are random special characters."""
    special = " \\\\\"'$ab=;#x41"
    variables = f"Environment=A={noise(chance, special, 8)} 'b={noise(chance, special[3:], 8)}'\n"
    line = noise(chance, [*special, *"${}A\n:\t", "%%", "%i", "$A", " $A ", "${b}"], 30)
    text = "".join(chance.choice(("A=", "b=", '"', "'", "\n", *special)) for _ in range(chance.randint(0, 25)))
    return unit(f"{variables}EnvironmentFile=DIR/e\nExecStart=PROGRAM {line}\n", e=text)


def test_whatever_is_written_is_read_as_systemd_reads_it_or_refused(started_argv: StartedArgv) -> None:
    cases, read = [], []
    for seed in range(600):
        files = noisy_unit(random.Random(seed))
        try:
            read.append(command_line(files)[1:])
        except EditRefused:
            continue
        cases.append(files)
    assert len(cases) > 100
    started = started_argv(cases)
    different = [(case, one, two) for case, one, two in zip(cases, read, started, strict=True) if one != two]
    assert different == []
