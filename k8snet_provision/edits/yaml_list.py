"""Lists inside YAML text: items are changed, removed or added one by one, so that comments beside them stay."""

from __future__ import annotations

from collections.abc import Sequence

from ruamel.yaml.nodes import Node, ScalarNode, SequenceNode

from k8snet_provision.edits.yaml_scalar import Scalar, inline, scalar
from k8snet_provision.edits.yaml_tree import Splice, content_end, line_end, line_start, newline, plain, start


def with_items(text: str, key: Node | None, node: SequenceNode, wanted: Sequence[Scalar]) -> list[Splice]:
    """The splices that make the list `wanted`. `key` is the list's key node, needed to write an empty block list."""
    if not wanted or not node.value:
        begin = start(node) if node.flow_style or key is None else text.index(":", key.end_mark.index) + 1
        return [(begin, content_end(text, node), inline(wanted) if node.flow_style else f" {inline(wanted)}")]
    common = list(zip(node.value, wanted, strict=False))
    edits = [with_item(text, item, value, node) for item, value in common if repr(plain(item)) != repr(value)]
    edits += _removed(text, node, len(common))
    added = [scalar(value, _style(node.value[-1]), flow=bool(node.flow_style)) for value in wanted[len(common) :]]
    return [*edits, appended(text, node, added)] if added else edits


def with_item(text: str, item: Node, value: Scalar, node: SequenceNode) -> Splice:
    """The splice that writes another value over one item, in its quoting where that can hold it."""
    return start(item), content_end(text, item), scalar(value, _style(item), flow=bool(node.flow_style))


def appended(text: str, node: SequenceNode, written: Sequence[str]) -> Splice:
    """The splice that adds items behind the last one, in the list's own layout."""
    end = content_end(text, node.value[-1])
    if node.flow_style:
        return end, end, "".join(f", {item}" for item in written)
    at = line_end(text, end)
    begin = line_start(text, start(node))
    indent = " " * (start(node) - begin)
    dash = text[start(node) : start(node.value[0])]
    dash = dash if dash.startswith("-") and not dash[1:].strip(" ") else "- "
    return at, at, "".join(f"{newline(text)}{indent}{dash}{item}" for item in written)


def _removed(text: str, node: SequenceNode, kept: int) -> list[Splice]:
    gone = node.value[kept:]
    if not gone:
        return []
    if node.flow_style:
        return [(content_end(text, node.value[kept - 1]), content_end(text, gone[-1]), "")]
    return [
        (line_end(text, content_end(text, before)), line_end(text, content_end(text, item)), "")
        for before, item in zip(node.value[kept - 1 :], gone, strict=False)
    ]


def _style(item: Node) -> str | None:
    return str(item.style) if isinstance(item, ScalarNode) and item.style else None
