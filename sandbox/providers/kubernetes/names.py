"""Automatic names: `<logical name>-<8 hex digits>`, kept over updates, marked with an annotation."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from sandbox.providers.base import CheckRequest, ProviderError
from sandbox.providers.kubernetes.objects import Obj, annotation, get, name, put
from sandbox.providers.values import Unknown

AUTONAMED: Final = "pulumi.com/autonamed"


def unique(prefix: str, seed: bytes = b"") -> str:
    """The prefix and 8 hex digits, the same ones for the same seed."""
    digits = hashlib.sha256(seed).hexdigest()[:8] if seed else secrets.token_hex(4)
    return f"{prefix}{digits}"


def is_named(obj: Obj) -> bool:
    """Whether the object has a name, known or not yet."""
    return bool(name(obj)) or isinstance(get(obj, "metadata", "name"), Unknown)


def is_autonamed(obj: Obj) -> bool:
    """Whether the name was made here."""
    return annotation(obj, AUTONAMED) == "true"


def uses_generate_name(obj: Obj) -> bool:
    """Whether the API server is asked to make the name."""
    wish = get(obj, "metadata", "generateName")
    return not is_named(obj) and (isinstance(wish, Unknown) or bool(wish))


def adopt(obj: Obj, old: Obj) -> None:
    """Keep the automatic name that the object had, if the program still gives none."""
    if not is_named(obj) and is_autonamed(old):
        _mark(obj, name(old))


def assign(obj: Obj, request: CheckRequest) -> None:
    """Name a new object, unless the program or the API server does. Raises `ProviderError` if the engine forbids it."""
    if is_named(obj) or uses_generate_name(obj):
        return
    if request.naming == "disable":
        raise ProviderError("metadata.name is required, because automatic names are switched off for this stack.")
    _mark(obj, request.proposed_name or unique(f"{request.name}-", request.seed))


def _mark(obj: Obj, chosen: str) -> None:
    if isinstance(obj.get("metadata"), Unknown):
        return
    put(obj, ("metadata", "name"), chosen)
    if not isinstance(get(obj, "metadata", "annotations"), Unknown):
        put(obj, ("metadata", "annotations", AUTONAMED), "true")
