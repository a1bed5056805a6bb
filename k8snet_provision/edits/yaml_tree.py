"""YAML text as nodes that know their places in it: what the edits splice into and prove themselves against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from k8snet_provision.edits.refused import EditRefused, line_of

Key = str | int
Splice = tuple[int, int, str]
_TRUTH = {"true": True, "false": False}


@lru_cache(maxsize=1024)
def documents(text: str, file: str = "") -> tuple[Node, ...]:
    """The root node of every document. Raises EditRefused with file and line where the text is not YAML.

    Remembered by text: nodes are only read here, and two hundred nodes of a cluster have one kubelet
    configuration, which takes the parser 40 ms each time.
    """
    try:
        return tuple(node for node in YAML(typ="safe", pure=True).compose_all(text) if node is not None)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise EditRefused(f"not YAML: {error.problem or error.context}", file, line) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise EditRefused(f"not YAML: {str(error).splitlines()[0]}", file) from None


def document(text: str, kind: str | None, file: str = "") -> Node | None:
    """The one document, or the one of `kind`; None where the text holds no document at all."""
    roots = documents(text, file)
    if kind is not None:
        roots = tuple(root for root in roots if plain(child(root, "kind")) == kind)
        if not roots:
            raise EditRefused(f"there is no document of kind {kind}", file)
    if len(roots) > 1:
        what = f"documents of kind {kind}" if kind else "documents"
        raise EditRefused(f"there are {len(roots)} {what} where one is expected", file)
    return roots[0] if roots else None


def entries(node: Node | None) -> Sequence[tuple[Node, Node]]:
    """The (key, value) nodes of a mapping; nothing for any other node."""
    return node.value if isinstance(node, MappingNode) else ()


def child(node: Node | None, key: Key) -> Node | None:
    """The value under a mapping's key or a sequence's index."""
    if isinstance(key, int):
        items = node.value if isinstance(node, SequenceNode) else []
        return items[key] if -len(items) <= key < len(items) else None
    return next((value for name, value in entries(node) if name.value == key), None)


def plain(node: Node | None) -> Any:
    """The node as Python data, `None` for null and for no node; numbers as YAML 1.2 reads them."""
    if isinstance(node, MappingNode):
        return {str(key.value): plain(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.value]
    return _scalar(node) if isinstance(node, ScalarNode) else None


def _scalar(node: ScalarNode) -> Any:
    kind = str(node.tag).rpartition(":")[2]
    written = str(node.value)
    try:
        if kind == "int":
            return int(written.replace("_", ""), 0 if written.lstrip("+-")[:2].lower() in {"0x", "0o", "0b"} else 10)
        if kind == "float":
            return float(written.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return written
    if kind == "null":
        return None
    return _TRUTH.get(written.lower(), written) if kind == "bool" else written


def everything(text: str, file: str = "") -> str:
    """All data of the text in one comparable string; order of keys and types of scalars count."""
    return repr([plain(root) for root in documents(text, file)])


def start(node: Node) -> int:
    return int(node.start_mark.index)


def content_end(text: str, node: Node) -> int:
    """Where the node's own text ends: block nodes' marks run on over blank lines and comments."""
    if isinstance(node, ScalarNode) and node.style in {"|", ">"}:
        return start(node) + len(text[start(node) : node.end_mark.index].rstrip())
    if not isinstance(node, MappingNode | SequenceNode) or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    return content_end(text, last[1] if isinstance(last, tuple) else last)


def line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """The place before the line break, where a further line can be added."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return end - 1 if end > at and text[end - 1] == "\r" else end


def newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def spliced(text: str, splices: Sequence[Splice]) -> str:
    """The text with every (start, end, new text) put in; splices do not overlap."""
    for begin, end, new in sorted(splices, reverse=True):
        text = text[:begin] + new + text[end:]
    return text


def check_editable(text: str, node: Node, file: str) -> None:
    """Refuse nodes that other places of the document refer to, and keys given twice."""
    for part in walk(node):
        if part.anchor:
            raise EditRefused(
                f"the value is shared by the anchor &{part.anchor}", file, line_of(text, start(part)), "write it out"
            )


def check_keys(text: str, node: Node, file: str) -> None:
    """Refuse a mapping with a key given twice (readers disagree which counts) or with a merge key."""
    seen: set[str] = set()
    for key, _ in entries(node):
        if key.value in seen or key.value == "<<":
            what = "merges another mapping" if key.value == "<<" else "is given twice"
            raise EditRefused(f"the key {key.value} {what}", file, line_of(text, start(key)))
        seen.add(str(key.value))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    yield node
    for part in node.value if isinstance(node, MappingNode | SequenceNode) else ():
        for inner in part if isinstance(part, tuple) else (part,):
            yield from walk(inner)
