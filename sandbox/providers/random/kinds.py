"""The resource types of the provider: those that the program uses, and no other."""

from __future__ import annotations

from sandbox.providers.generated import Kind
from sandbox.providers.random.characters import PASSWORD, STRING

KINDS: tuple[Kind, ...] = (PASSWORD, STRING)
