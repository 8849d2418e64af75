"""Kubernetes quantities (`500m`, `1Gi`) in the one form the API server stores them in."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

_BINARY: Final = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL: Final = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_PATTERN: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))((?:[KMGTPE]i)|[numkMGTPE]|(?:[eE][+-]?\d+))?")
_NANO: Final = Decimal("1e-9")


def canonical(value: str | int | float) -> str:
    """Write a quantity as the API server does. Raises `ValueError` if it is not one."""
    match = _PATTERN.fullmatch(str(value).strip())
    if not match:
        raise ValueError(f"{value!r} is not a quantity such as 500m, 2 or 1.5Gi")
    digits, suffix = match.group(1), match.group(2) or ""
    try:
        amount = Decimal(digits)
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is not a number") from error
    if suffix in _BINARY:
        return _binary(amount * 1024 ** _BINARY[suffix])
    if suffix and suffix[0] in "eE" and suffix not in _DECIMAL:
        return _exponent(amount.scaleb(int(suffix[1:])))
    return _decimal(amount.scaleb(3 * _DECIMAL[suffix]))


def _round_up(amount: Decimal) -> Decimal:
    """Nothing smaller than a billionth is kept; the rest is rounded away from zero."""
    return amount.quantize(_NANO, rounding="ROUND_UP") if amount % _NANO else amount


def _binary(amount: Decimal) -> str:
    if abs(amount) < 1024 or amount % 1:
        return _decimal(amount)
    whole = int(amount)
    power = 0
    while whole % 1024 == 0 and whole and power < 6:
        whole //= 1024
        power += 1
    names = {number: suffix for suffix, number in _BINARY.items()}
    return f"{whole}{names.get(power, '')}"


def _scaled(amount: Decimal) -> tuple[int, int]:
    """The amount as mantissa and power of a thousand, without trailing groups of zeros."""
    amount = _round_up(amount)
    if not amount:
        return 0, 0
    power = 0
    while amount % 1 and power > -3:
        amount, power = amount * 1000, power - 1
    whole = int(amount)
    while whole % 1000 == 0 and power < 6:
        whole, power = whole // 1000, power + 1
    return whole, power


def _decimal(amount: Decimal) -> str:
    whole, power = _scaled(amount)
    names = {number: suffix for suffix, number in _DECIMAL.items()}
    return f"{whole}{names[power]}"


def _exponent(amount: Decimal) -> str:
    whole, power = _scaled(amount)
    return f"{whole}e{3 * power}" if power else str(whole)
