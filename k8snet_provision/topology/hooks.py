"""Commands of the operator's own machine, run before and after a phase."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from .base import Part
from .values import refuse

WHOLE_RUN = "*"
LONGEST_WORD = 4096
EXPECTED = "a list of the program and its arguments, such as [page, --team, network]"


def _word(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_WORD or "\0" in value:
        raise refuse("not a word of a command", EXPECTED, "" if isinstance(value, str) else "put it in quotes")
    return value


def _phase(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise refuse("not the name of a phase", "a phase as diff prints it, or '*' for the whole run")
    return value


def _no_shell(value: Any) -> Any:
    if isinstance(value, str):
        raise refuse("not a list of words but a line for a shell", EXPECTED)
    return value


PhaseName = Annotated[str, PlainValidator(_phase), WithJsonSchema({"type": "string"})]
Word = Annotated[str, PlainValidator(_word), WithJsonSchema({"type": "string", "minLength": 1})]
Command = Annotated[tuple[Word, ...], Field(min_length=1, max_length=256), BeforeValidator(_no_shell)]


class Hooks(Part):
    """What the operator wants to run on the machine that applies, by the phase it belongs to; `*` is the whole run.

    The command is given the phase's changes as JSON on its standard input. A program with a `/` in its name lies
    beside the inventory, every other one is looked up in `PATH`.
    """

    before: Mapping[PhaseName, Command] = Field(
        default={},
        description="Run before the phase; when it fails, the phase is not begun and the run ends there.",
        examples=[{"kube-apiserver": ["../hooks/silence-alerts", "30m"]}],
    )
    after: Mapping[PhaseName, Command] = Field(
        default={},
        description="Run after the phase, whether or not it failed; when it fails, so does the run, and nothing is put "
        "back for it.",
        examples=[{"*": ["../hooks/tell-everybody"]}],
    )
    seconds: int = Field(default=60, ge=1, le=3600, description="How long a command may take before it is ended.")
