"""A key removed from YAML text with its value, every other byte kept."""

from __future__ import annotations

from typing import Any

from ruamel.yaml.nodes import MappingNode, Node

from k8snet_provision.edits.refused import EditRefused, line_of
from k8snet_provision.edits.yaml_tree import (
    Splice,
    check_keys,
    child,
    content_end,
    document,
    documents,
    line_end,
    line_start,
    plain,
    spliced,
    start,
)


def without(text: str, path: tuple[str, ...], kind: str | None = None, file: str = "") -> str:
    """The text without the key at `path`; unchanged where it is not there. Raises EditRefused."""
    root = document(text, kind, file)
    node, key_of_node = root, None
    for name in path[:-1]:
        key_of_node = next((key for key, _ in _pairs(node) if key.value == name), None)
        node = child(node, name)
    if not isinstance(node, MappingNode) or child(node, path[-1]) is None or root is None:
        return text
    check_keys(text, node, file)
    edited = spliced(text, [_removal(text, key_of_node, node, path[-1], file)])
    roots = documents(text, file)
    at = next(index for index, found in enumerate(roots) if start(found) == start(root))
    wanted = [plain(found) for found in roots]
    wanted[at] = _less(wanted[at], path)
    after = [plain(found) for found in documents(edited, file)]
    if repr(after) != repr(wanted) and not (after == [] and wanted == [{}]):
        raise EditRefused(f"{'.'.join(path)} cannot be removed without changing other values", file)
    return edited


def _pairs(node: Node | None) -> list[tuple[Node, Node]]:
    return list(node.value) if isinstance(node, MappingNode) else []


def _removal(text: str, parent: Node | None, node: MappingNode, name: str, file: str) -> Splice:
    at = next(index for index, (key, _) in enumerate(node.value) if key.value == name)
    key, value = node.value[at]
    end = content_end(text, value)
    if node.flow_style:
        if at:
            return content_end(text, node.value[at - 1][1]), end, ""
        return start(key), start(node.value[1][0]) if len(node.value) > 1 else end, ""
    if len(node.value) == 1 and parent is not None:
        return text.index(":", parent.end_mark.index) + 1, end, " {}"
    begin = line_start(text, start(key))
    if text[begin : start(key)].strip():
        raise EditRefused(f"the key {name} begins an item of a list", file, line_of(text, start(key)))
    stop = line_end(text, end)
    breaks = 2 if text[stop : stop + 2] == "\r\n" else 1
    return begin, min(stop + breaks, len(text)), ""


def _less(data: Any, path: tuple[str, ...]) -> Any:
    if len(path) == 1:
        return {key: value for key, value in data.items() if key != path[0]}
    return {**data, path[0]: _less(data[path[0]], path[1:])}
