"""One value inside YAML text: read, set or removed at a path of keys, every other byte kept.

Each edit is proved before it is returned: the text is read again and differs in exactly that value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from k8snet_provision.edits.refused import EditRefused, line_of
from k8snet_provision.edits.yaml_list import with_items
from k8snet_provision.edits.yaml_scalar import Value, block_lines, inline, scalar
from k8snet_provision.edits.yaml_tree import (
    Key,
    Splice,
    check_editable,
    check_keys,
    child,
    content_end,
    document,
    documents,
    entries,
    everything,
    line_end,
    newline,
    plain,
    spliced,
    start,
)

Path = Sequence[Key]


def get(text: str, path: Path, kind: str | None = None, default: Any = None, file: str = "") -> Any:
    """The value at `path` as Python data, or `default`; of the document of `kind` where there are several."""
    node = document(text, kind, file)
    for key in path:
        node = child(node, key)
    return default if node is None else plain(node)


def with_value(text: str, path: Path, value: Value, kind: str | None = None, file: str = "") -> str:
    """The text with the value at `path`; missing keys are added in the mapping's own indentation.

    A mapping sets its keys one by one and leaves the others. Raises EditRefused.
    """
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            text = with_value(text, (*path, key), part, kind, file)  # type: ignore[arg-type]
        return text
    root = document(text, kind, file)
    if root is None:
        return text + ("" if text.endswith("\n") or not text else "\n") + _lines(path, value, "", "\n") + "\n"
    trail = _trail(text, root, path, file)
    found = trail[-1]
    if len(trail) == len(path) + 1:
        if repr(plain(found)) == repr(_listed(value)):
            return text
        check_editable(text, found, file)
        edits = _replace(text, _key_of(trail, path), found, value, file)
    else:
        edits = _add(text, trail, path, value, file)
    return _proved(text, spliced(text, edits), root, path, _listed(value), file)


def _trail(text: str, root: Node, path: Path, file: str) -> list[Node]:
    """The nodes along the path as far as they exist, the root first."""
    trail = [root]
    for key in path:
        check_keys(text, trail[-1], file)
        found = child(trail[-1], key)
        if found is None:
            break
        trail.append(found)
    return trail


def _key_of(trail: Sequence[Node], path: Path) -> Node | None:
    """The key node of the last node of the trail; None for the root and for items of a list."""
    if len(trail) < 2:
        return None
    return next((key for key, _ in entries(trail[-2]) if key.value == path[len(trail) - 2]), None)


def _replace(text: str, key: Node | None, node: Node, value: Value, file: str) -> list[Splice]:
    if isinstance(node, MappingNode):
        raise EditRefused("a mapping stands where a single value is expected", file, line_of(text, start(node)))
    if isinstance(node, SequenceNode) and isinstance(value, list | tuple):
        return with_items(text, key, node, value)
    style = node.style if isinstance(node, ScalarNode) else None
    written = inline(value) if isinstance(value, list | tuple | Mapping) else scalar(value, style)  # type: ignore[arg-type]
    if isinstance(node, ScalarNode) and not text[start(node) : node.end_mark.index].strip():
        at = start(node) if key is None else text.index(":", key.end_mark.index) + 1
        return [(at, at, f" {written}")]
    if isinstance(node, SequenceNode) and key is not None:
        return [(text.index(":", key.end_mark.index) + 1, content_end(text, node), f" {written}")]
    return [(start(node), content_end(text, node), written)]


def _add(text: str, trail: Sequence[Node], path: Path, value: Value, file: str) -> list[Splice]:
    parent, missing = trail[-1], path[len(trail) - 1 :]
    names = [str(key) for key in missing]
    if any(isinstance(key, int) for key in missing):
        raise EditRefused(f"there is no item {missing[0]} in the list", file, line_of(text, start(parent)))
    check_editable(text, parent, file)
    if isinstance(parent, MappingNode):
        return _add_to_mapping(text, parent, names, value)
    key = _key_of(trail, path)
    if not isinstance(parent, ScalarNode) or plain(parent) is not None or key is None:
        raise EditRefused(f"no mapping to hold the key {names[0]}", file, line_of(text, start(parent)))
    if text[start(parent) : parent.end_mark.index].strip():
        return [(start(parent), content_end(text, parent), inline(_nested(names, value)))]
    at = line_end(text, key.end_mark.index)
    indent = " " * (key.start_mark.column + 2)
    return [(at, at, newline(text) + _lines(names, value, indent, newline(text)))]


def _add_to_mapping(text: str, parent: MappingNode, names: Sequence[str], value: Value) -> list[Splice]:
    if parent.flow_style:
        entry = inline(_nested(names, value))[1:-1]
        if not parent.value:
            return [(start(parent), content_end(text, parent), "{" + entry + "}")]
        at = content_end(text, parent.value[-1][1])
        return [(at, at, f", {entry}")]
    indent = " " * parent.value[0][0].start_mark.column
    at = line_end(text, content_end(text, parent.value[-1][1]))
    return [(at, at, newline(text) + _lines(names, value, indent, newline(text)))]


def _lines(names: Path, value: Value, indent: str, separator: str) -> str:
    return separator.join(block_lines([str(name) for name in names], value, indent))


def _nested(names: Sequence[str], value: Value) -> dict[str, Any]:
    made: Any = value
    for name in reversed(names):
        made = {name: made}
    return dict(made)


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _proved(text: str, edited: str, root: Node, path: Path, value: Any, file: str) -> str:
    """`edited`, once it is seen to hold exactly the old data with the value at `path`."""
    roots = documents(text, file)
    wanted = [plain(found) for found in roots]
    at = next(index for index, found in enumerate(roots) if start(found) == start(root))
    wanted[at] = _set(wanted[at], path, value)
    try:
        same = everything(edited, file) == repr(wanted)
    except EditRefused:
        same = False
    if not same:
        raise EditRefused(
            f"{'.'.join(map(str, path))} cannot be set without changing other values", file, line_of(text, start(root))
        )
    return edited


def _set(data: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(key, int):
        return [*data[:key], _set(data[key], rest, value), *data[key + 1 :]]
    held = data if isinstance(data, dict) else {}
    return {**held, key: _set(held.get(key), rest, value)}
