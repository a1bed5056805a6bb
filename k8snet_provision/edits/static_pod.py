"""Command-line flags of a container in a static pod's manifest: read, and set in place, every other byte kept.

kubeadm writes these manifests and administrators edit them by hand, so comments, order and quoting stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from ruamel.yaml.nodes import Node, ScalarNode, SequenceNode

from k8snet_provision.edits.flag_words import FlagUse, argv_with, effective, flag_words, normalized
from k8snet_provision.edits.refused import EditRefused, FlagGivenTwice, line_of
from k8snet_provision.edits.yaml_list import appended, with_item
from k8snet_provision.edits.yaml_scalar import scalar
from k8snet_provision.edits.yaml_tree import (
    Splice,
    check_editable,
    check_keys,
    child,
    document,
    plain,
    spliced,
    start,
)

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "busybox"})


def flags(text: str, container: str, file: str = "") -> dict[str, list[FlagUse]]:
    """Every long flag of the container's command and args by name (with `-`), each use in order; the last counts."""
    found: dict[str, list[FlagUse]] = {}
    items = [item for sequence in _sequences(text, container, file) for item in sequence.value]
    entrypoint = _entrypoint(text, container, file)
    for flag in flag_words(entrypoint + [_read(item) for item in items]):
        line = line_of(text, start(items[flag.name_at - len(entrypoint)]))
        found.setdefault(flag.name, []).append(FlagUse(flag.value, file, line))
    return found


def with_flags(text: str, container: str, wanted: Mapping[str, str], file: str = "") -> str:
    """The manifest with every wanted flag at its value; missing ones are added behind the last word.

    Raises EditRefused (FlagGivenTwice where the flag stands twice and would have to change).
    """
    for name, value in wanted.items():
        text = _with_flag(text, container, normalized(name), value, file)
    return text


def _with_flag(text: str, container: str, name: str, value: str, file: str) -> str:
    uses = flags(text, container, file).get(name, [])
    if uses and uses[-1].value == value:
        return text
    if len(uses) > 1:
        raise FlagGivenTwice(name, tuple((use.file, use.line) for use in uses))
    sequences = _sequences(text, container, file)
    entrypoint = _entrypoint(text, container, file)
    items = [(item, sequence) for sequence in sequences for item in sequence.value]
    before = [_read(item) for item, _ in items]
    after = argv_with(entrypoint + before, name, value)[len(entrypoint) :]
    if effective(entrypoint + after, name) != value:
        hint = f"write --{name}=... as one word"
        raise EditRefused(f"--{name} cannot hold this value as two words", file, uses[-1].line if uses else 0, hint)
    edits = [
        _changed(text, item, new, sequence, file)
        for (item, sequence), old, new in zip(items, before, after, strict=False)
        if old != new
    ]
    if len(after) > len(before):
        last, sequence = items[-1]
        written = scalar(_written(after[-1]), last.style, flow=bool(sequence.flow_style))
        edits.append(appended(text, sequence, [written]))
    return _proved(text, spliced(text, edits), container, after, file)


def _changed(text: str, item: Node, new: str, sequence: SequenceNode, file: str) -> Splice:
    check_editable(text, item, file)
    return with_item(text, item, _written(new), sequence)


def _proved(text: str, edited: str, container: str, argv: Sequence[str], file: str) -> str:
    """`edited`, once it is seen to differ from `text` in the container's words alone."""
    items = [item for sequence in _sequences(edited, container, file) for item in sequence.value]
    if [_read(item) for item in items] != list(argv) or _rest(edited, container) != _rest(text, container):
        raise EditRefused("the flag cannot be set without changing other values of the manifest", file)
    return edited


def _rest(text: str, container: str) -> str:
    """The manifest's data without the container's words."""
    data = plain(document(text, None))
    for found in data["spec"]["containers"]:
        if isinstance(found, dict) and found.get("name") == container:
            found |= {"command": None, "args": None}
    return repr(data)


def _container(text: str, name: str, file: str) -> Node:
    root = document(text, None, file)
    containers = child(child(root, "spec"), "containers")
    named: list[Node] = containers.value if isinstance(containers, SequenceNode) else []
    found = [node for node in named if plain(child(node, "name")) == name]
    if len(found) != 1:
        names = ", ".join(str(plain(child(node, "name"))) for node in named) or "none"
        raise EditRefused(f"there is no container {name} in the pod", file, hint=f"its containers: {names}")
    check_keys(text, found[0], file)
    return found[0]


def _sequences(text: str, container: str, file: str) -> list[SequenceNode]:
    """The command and args nodes that hold words, each word a string written on its own."""
    node = _container(text, container, file)
    found = [child(node, key) for key in ("command", "args")]
    kept = [part for part in found if isinstance(part, SequenceNode) and part.value]
    if not kept:
        raise EditRefused(f"container {container} has neither command nor args", file, line_of(text, start(node)))
    for item in (item for part in kept for item in part.value):
        if not isinstance(plain(item), str) or item.style in {"|", ">"}:
            raise EditRefused(
                "a word of the command is not a one-line string", file, line_of(text, start(item)), "quote it"
            )
    for part in kept:
        check_editable(text, part, file)
    return kept


def _entrypoint(text: str, container: str, file: str) -> list[str]:
    """The program in front of args where there is no command: the image's own."""
    command = child(_container(text, container, file), "command")
    if not isinstance(command, SequenceNode) or not command.value:
        return ["(entrypoint)"]
    name = PurePosixPath(str(command.value[0].value)).name
    if name in _SHELLS:
        line = line_of(text, start(command.value[0]))
        raise EditRefused(f"the command line is made by {name}", file, line, "start the program itself")
    return []


def _read(item: Node) -> str:
    """The word as the kubelet passes it on: `$$` is a dollar sign; $(NAME) stays as written."""
    return str(item.value).replace("$$", "$") if isinstance(item, ScalarNode) else ""


def _written(word: str) -> str:
    return word.replace("$", "$$")
