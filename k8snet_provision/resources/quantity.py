"""Quantities as the API server writes them: "0.1" becomes "100m" (apimachinery, pkg/api/resource)."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}

WRITTEN = re.compile(r"[+-]?(\d*)\.?(\d*)([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE]?)")

FINEST = Decimal("0.001")
"""Requests and limits are rounded up to it."""

MOST_DIGITS = 18
"""Of a number that the server looks at without arithmetic of its own (maxInt64Factors)."""


def canonical(written: str | int | float) -> str:
    """The text in its own family of suffixes, with the largest that leaves no fraction.

    What the server takes for canonical at a glance it leaves as it is: "1.500" too. So is what is no quantity here.
    """
    text = str(written).strip()
    match = WRITTEN.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        return str(written)
    whole, fraction, suffix = match[1].lstrip("0") or "0", match[2], match[3]
    number = Decimal(text.removesuffix(suffix))
    if suffix in BINARY and suffix:
        value = number * 1024 ** BINARY.index(suffix)
        if not fraction and int(whole) % 8:
            return text
        return _binary(value) if value == value.to_integral_value() and abs(value) >= 1024 else _decimal(value)
    exponent = int(suffix[1:]) if len(suffix) > 1 else DECIMAL[suffix]
    if _passes(whole + fraction, exponent - len(fraction)):
        return text
    return _decimal(number.scaleb(exponent), exponent=len(suffix) > 1)


def _passes(digits: str, scale: int) -> bool:
    """Whether the server takes it for canonical: ParseQuantity, and RoundUp of what is finer than FINEST."""
    fits = len(digits) <= MOST_DIGITS and scale >= -3 and scale % 3 == 0
    return fits and not digits.endswith("000") and not digits.startswith("0")


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
