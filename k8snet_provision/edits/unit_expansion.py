"""Specifiers (`%i`) and environment variables (`$NAME`, `${NAME}`) in the words of a unit's command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from k8snet_provision.edits.unit_chars import Char, Escapes, Layer, Word, in_layer, spanning, value_of, words

Environment = Mapping[str, tuple[Char, ...]]


def specifiers(unit: str) -> dict[str, str]:
    """What the specifiers that follow from the unit's name alone stand for; others stay as they are written."""
    name = unit.rpartition(".")[0] or unit
    prefix, _, instance = name.partition("@")
    return {"%": "%", "n": unit, "N": name, "p": prefix, "i": instance}


def with_specifiers(chars: Sequence[Char], unit: str) -> tuple[Char, ...]:
    """The text with the specifiers of `specifiers` replaced."""
    known = specifiers(unit)
    taken: list[Char] = []
    at = 0
    while at < len(chars):
        follower = chars[at + 1].value if at + 1 < len(chars) else ""
        if chars[at].value == "%" and follower in known:
            taken += [spanning(value, chars[at], chars[at + 1]) for value in known[follower]]
            at += 2
        else:
            taken.append(chars[at])
            at += 1
    return tuple(taken)


def expanded(word: Word, environment: Environment) -> list[Word]:
    """The words that one word becomes: `$NAME` alone is split at blanks, `${NAME}` stays within its word."""
    written = word.value
    if written.startswith("$") and written[1:2] not in ("{", "$"):
        return words(in_layer(environment.get(written[1:], ()), Layer.SPLIT), Escapes.ONE_CHARACTER)
    return [Word(_braces(word.chars, environment), word.first, word.last)]


def _braces(chars: tuple[Char, ...], environment: Environment) -> tuple[Char, ...]:
    taken: list[Char] = []
    at = 0
    while at < len(chars):
        follower = chars[at + 1].value if chars[at].value == "$" and at + 1 < len(chars) else ""
        if follower == "$":
            taken.append(spanning("$", chars[at], chars[at + 1]))
            at += 2
        elif follower == "{" and (end := _closing(chars, at + 2)):
            taken += environment.get(value_of(chars[at + 2 : end]), ())
            at = end + 1
        else:
            taken.append(chars[at])
            at += 1
    return tuple(taken)


def _closing(chars: Sequence[Char], at: int) -> int:
    """The index of the `}`; 0 where there is none, or where a `:` makes it a form systemd does not replace."""
    for here in range(at, len(chars)):
        if chars[here].value == "}":
            return here
        if chars[here].value == ":":
            return 0
    return 0
