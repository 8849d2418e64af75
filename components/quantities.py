"""Convert Kubernetes quantities of CPU, memory and storage to numbers. Pure."""

import math
import re
from fractions import Fraction

_UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_QUANTITY = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?)(?P<unit>[A-Za-z]*)")
_CPUS = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?)(?P<milli>m?)")


def quantity_bytes(field: str, quantity: str) -> int:
    """Return the bytes of `quantity`, such as 20Gi or 1.5Gi, rounded up.

    Raises ValueError, naming `field`, unless `quantity` is a number above zero with a unit of Kubernetes.
    """
    match = _QUANTITY.fullmatch(quantity)
    if match is None or match["unit"] not in _UNITS or Fraction(match["number"]) == 0:
        raise ValueError(
            f"{field}: expected a number above zero with a unit ({', '.join(filter(None, _UNITS))}),"
            f" got {quantity!r}; write it as, for example, 512Mi or 20Gi"
        )
    return math.ceil(Fraction(match["number"]) * _UNITS[match["unit"]])


def cpus(field: str, quantity: str) -> float:
    """Return the CPUs of `quantity`, such as 500m (0.5) or 2. Raise ValueError, naming `field`, for anything else."""
    match = _CPUS.fullmatch(quantity)
    if match is None or float(match["number"]) == 0:
        raise ValueError(f"{field}: expected a number of CPUs above zero, such as 500m or 2, got {quantity!r}")
    return float(match["number"]) / (1000 if match["milli"] else 1)


def gibibytes(field: str, quantity: str) -> int:
    """Return `quantity` in whole GiB, rounded up. Raise ValueError like `quantity_bytes`."""
    return -(-quantity_bytes(field, quantity) // 2**30)
