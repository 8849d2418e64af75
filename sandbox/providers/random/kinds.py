"""The provider's resource types: only those that the program uses."""

from __future__ import annotations

from sandbox.providers.generated import Kind
from sandbox.providers.random.characters import PASSWORD, STRING

KINDS: tuple[Kind, ...] = (PASSWORD, STRING)
