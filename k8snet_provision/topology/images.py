"""Image names: the one place where mirrors, tags and digests are applied."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from .base import Part
from .values import refuse

# The grammar of distribution/reference; lengths are checked before any of these is tried.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
_NAME = re.compile(rf"(?:{_REGISTRY}/)?{_COMPONENT}(?:/{_COMPONENT})*\Z")
_PREFIX = re.compile(rf"{_REGISTRY}(?:/{_COMPONENT})*\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def split(image: str) -> tuple[str, str, str]:
    """`(name, tag, digest)` of an image name; a missing tag or digest is empty."""
    rest, _, digest = image.partition("@")
    head, slash, last = rest.rpartition("/")
    last, _, tag = last.partition(":")
    return head + slash + last, tag, digest


def qualified(name: str) -> str:
    """The name with its registry: `nginx` is `docker.io/library/nginx` to every container runtime."""
    first, slash, _ = name.partition("/")
    if slash and (any(char in first for char in ".:") or first == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def _checked(text: str, pattern: re.Pattern[str], expected: str) -> PlainValidator:
    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) > 255 or not pattern.match(value):
            raise refuse(f"not {text}", expected, "" if isinstance(value, str) else "put it in quotes")
        return value

    return PlainValidator(check)


def _image(value: Any) -> str:
    expected = "a name such as registry.k8s.io/coredns/coredns:v1.14.2, a digest may follow"
    name, tag, digest = split(value) if isinstance(value, str) and len(value) <= 512 else ("", "", "")
    if not _NAME.match(name) or (tag and not _TAG.match(tag)) or (digest and not _DIGEST.match(digest)):
        raise refuse("not the name of an image", expected)
    return str(value)


_string = WithJsonSchema({"type": "string"})
ImageName = Annotated[str, PlainValidator(_image), _string]
Prefix = Annotated[
    str, _checked("a registry or a path in one", _PREFIX, "registry.corp:5000/k8s, for instance"), _string
]
Tag = Annotated[str, _checked("a tag", _TAG, "letters, digits, '_', '.' and '-', such as v1.14.2"), _string]
Digest = Annotated[str, _checked("a digest", _DIGEST, "sha256: and 64 hexadecimal digits"), _string]


class Images(Part):
    """Where images come from and which version of each is used."""

    mirrors: Mapping[Prefix, Prefix] = Field(
        default={},
        description="A registry, or a path in one, and what replaces it; the longest match wins.",
        examples=[{"registry.k8s.io": "registry.corp:5000/k8s"}],
    )
    tags: Mapping[ImageName, Tag] = Field(
        default={},
        description="Tags by image name (before mirrors apply).",
        examples=[{"registry.k8s.io/coredns/coredns": "v1.14.2"}],
    )
    digests: Mapping[ImageName, Digest] = Field(
        default={},
        description="Digests by image name, with or without its tag (before mirrors apply).",
        examples=[{"registry.k8s.io/coredns/coredns:v1.14.2": "sha256:" + "0" * 64}],
    )


def resolve(images: Images, image: str) -> str:
    """The name to pull: tag and digest of the topology, then the mirror with the longest matching prefix.

    A new tag drops the digest that `image` was written with, which belonged to the old one.
    """
    written, tag, digest = split(image)
    name = qualified(written)
    new_tag = _lookup(images.tags, name) or tag
    if new_tag != tag:
        digest = ""
    pinned = _lookup(images.digests, f"{name}:{new_tag}") or _lookup(images.digests, name) or digest
    mirrored = _mirrored(images.mirrors, name)
    result = written if mirrored == name else mirrored
    return result + (f":{new_tag}" if new_tag else "") + (f"@{pinned}" if pinned else "")


def _lookup(table: Mapping[str, str], name: str) -> str:
    return next((value for key, value in table.items() if qualified(key) == name), "")


def _mirrored(mirrors: Mapping[str, str], name: str) -> str:
    parts = name.split("/")
    for length in range(len(parts), 0, -1):
        prefix = "/".join(parts[:length])
        if prefix in mirrors:
            return "/".join([mirrors[prefix], *parts[length:]])
    return name
