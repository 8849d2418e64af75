"""Kubernetes quantities (`500m`, `1Gi`) in the one form the API server stores them in."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Final

_BINARY: Final = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL: Final = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_BINARY_NAMES: Final = {power: suffix for suffix, power in _BINARY.items()} | {0: ""}
_DECIMAL_NAMES: Final = {power: suffix for suffix, power in _DECIMAL.items()}
_LARGEST_POWER: Final = 6
_SMALLEST_POWER: Final = -3
_PATTERN: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))((?:[KMGTPE]i)|[numkMGTPE]|(?:[eE][+-]?\d{1,3}))?")


def canonical(value: str | int | float) -> str:
    """Write a quantity as the API server does. Raises `ValueError` if it is not one."""
    match = _PATTERN.fullmatch(str(value).strip())
    if not match:
        raise ValueError(f"{value!r} is not a quantity such as 500m, 2 or 1.5Gi")
    amount, suffix = Fraction(match.group(1)), match.group(2) or ""
    if suffix in _BINARY:
        return _binary(amount * 1024 ** _BINARY[suffix])
    if suffix in _DECIMAL:
        whole, power = _scaled(amount * Fraction(1000) ** _DECIMAL[suffix])
        return f"{whole}{_DECIMAL_NAMES[power]}"
    whole, power = _scaled(amount * Fraction(10) ** int(suffix[1:]))
    return f"{whole}e{3 * power}" if power else str(whole)


def _binary(amount: Fraction) -> str:
    if abs(amount) < 1024 or amount.denominator != 1:
        whole, power = _scaled(amount)
        return f"{whole}{_DECIMAL_NAMES[power]}"
    whole, power = int(amount), 0
    while whole % 1024 == 0 and power < _LARGEST_POWER:
        whole, power = whole // 1024, power + 1
    return f"{whole}{_BINARY_NAMES[power]}"


def _scaled(amount: Fraction) -> tuple[int, int]:
    """Mantissa and power of a thousand, the power as large as can be; less than a billionth is rounded up."""
    nanos = amount * 10**9
    whole = math.ceil(nanos) if nanos > 0 else math.floor(nanos)
    power = _SMALLEST_POWER
    while whole % 1000 == 0 and whole and power < _LARGEST_POWER:
        whole, power = whole // 1000, power + 1
    return (whole, power) if whole else (0, 0)
