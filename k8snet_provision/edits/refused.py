"""What an edit says when it cannot be done safely: the file is left alone and the operator is told why."""

from __future__ import annotations


class EditRefused(Exception):
    """`text` is one sentence; `file` and `line` (1-based, 0: whole file) say where; `hint` says what to do."""

    def __init__(self, text: str, file: str = "", line: int = 0, hint: str = "") -> None:
        self.text, self.file, self.line, self.hint = text, file, line, hint
        where = f"{file}:{line}: " if line else f"{file}: " if file else ""
        super().__init__(f"{where}{text}" + (f"; hint: {hint}" if hint else ""))


class FlagGivenTwice(EditRefused):
    """The flag stands on the command line more than once; `lines` are its (file, line) places, the last one wins."""

    def __init__(self, name: str, lines: tuple[tuple[str, int], ...]) -> None:
        self.name, self.lines = name, lines
        places = " and ".join(f"{file}:{line}" for file, line in lines)
        super().__init__(
            f"--{name} is given {len(lines)} times, at {places}",
            *lines[-1],
            hint="keep the one that is meant; the program obeys the last",
        )


def line_of(text: str, offset: int) -> int:
    """The 1-based line of a character offset."""
    return text.count("\n", 0, offset) + 1
