"""Lengths of time. Pure."""

from typing import Final

DAY_SECONDS: Final = 24 * 60 * 60
