"""Quantities as the API server writes them: "0.1" becomes "100m" (apimachinery, pkg/api/resource)."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}

WRITTEN = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE]?)")

FINEST = Decimal("0.001")
"""Requests and limits are rounded up to it."""


def canonical(written: str | int | float) -> str:
    """The text in its own family of suffixes, with the largest that leaves no fraction; as given where it is none."""
    match = WRITTEN.fullmatch(str(written).strip())
    if match is None:
        return str(written)
    number, suffix = Decimal(match[1]), match[2]
    if suffix in BINARY and suffix:
        value = number * 1024 ** BINARY.index(suffix)
        return _binary(value) if value == value.to_integral_value() and abs(value) >= 1024 else _decimal(value)
    if suffix[:1] in ("e", "E") and len(suffix) > 1:
        return _decimal(number.scaleb(int(suffix[1:])), exponent=True)
    return _decimal(number.scaleb(DECIMAL[suffix]))


def _binary(value: Decimal) -> str:
    steps = 0
    while value and value % 1024 == 0 and steps < len(BINARY) - 1:
        value, steps = value / 1024, steps + 1
    return f"{int(value)}{BINARY[steps]}"


def _decimal(value: Decimal, exponent: bool = False) -> str:
    value = value.quantize(FINEST, ROUND_CEILING)
    if not value:
        return "0"
    power = -3
    while power < 18 and value.scaleb(-power - 3) == value.scaleb(-power - 3).to_integral_value():
        power += 3
    number = int(value.scaleb(-power))
    if exponent:
        return f"{number}e{power}" if power else str(number)
    return f"{number}{next(suffix for suffix, of in DECIMAL.items() if of == power)}"
