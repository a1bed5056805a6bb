"""Which keys there are, and which of them an unknown one was probably meant to be."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel

from .model import Topology

# Longer keys are no typing slips, and difflib's time grows with the square of the length.
_LONGEST_SLIP = 64
Path = tuple[str | int, ...]


def _parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def _table(model: type[BaseModel], path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    yield path, tuple(model.model_fields)
    for name, field in model.model_fields.items():
        for part in _parts(field.annotation):
            yield from _table(part, (*path, name))


KEYS: dict[Path, tuple[str, ...]] = dict(_table(Topology, ()))


def _plain(key: str) -> str:
    return key.lower().replace("-", "").replace("_", "")


def suggestion(path: Path) -> str:
    """A hint for the unknown key that ends `path`: the nearest key there, or where that key belongs."""
    *parent, key = path
    known = KEYS.get(tuple(step for step in parent if isinstance(step, str)), ())
    if not isinstance(key, str) or len(key) > _LONGEST_SLIP:
        return ""
    spelled = {_plain(name): name for name in known}
    near = get_close_matches(_plain(key), spelled, n=1, cutoff=0.6)
    if near:
        return f"did you mean {spelled[near[0]]}?"
    homes = [(*place, key) for place, names in KEYS.items() if key in names]
    if len(homes) == 1:
        return f"the key belongs to {'.'.join(map(str, homes[0][:-1])) or 'topology'}"
    return f"known here: {', '.join(known)}" if known else ""


def nearest(word: str, known: list[str]) -> str:
    """`did you mean ipvs?` when one of the known words is near."""
    near = get_close_matches(word.lower(), known, n=1) if len(word) <= _LONGEST_SLIP else []
    return f"did you mean {near[0]}?" if near else ""
