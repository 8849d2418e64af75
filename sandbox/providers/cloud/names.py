"""Automatic names: `<logical name>-<7 hex digits>`, as the official providers make them."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, Final

from sandbox.providers.base import CheckFailedError, CheckRequest
from sandbox.providers.cloud.kinds import Kind

MARKER: Final = "__defaults"
"""An input that lists the inputs with defaults, as in the official providers."""


def is_automatic(kind: Kind, inputs: dict[str, Any]) -> bool:
    """Whether the resource has an automatic name."""
    return kind.name_input is not None and kind.name_input in (inputs.get(MARKER) or [])


def settle(kind: Kind, request: CheckRequest) -> dict[str, Any]:
    """The inputs with a name: the program's, else the resource's existing one, else a new one.

    Raises `CheckFailedError` if a name is too long, or if the stack disables automatic names.
    """
    key = kind.name_input
    given = {name: value for name, value in request.news.items() if value is not None and name != MARKER}
    if key is None or key in given:
        return given
    if is_automatic(kind, request.olds) and request.olds.get(key):
        return {**given, key: request.olds[key], MARKER: [key]}
    if prefix := given.get(f"{key}Prefix"):
        # A name with a given beginning is Terraform's to make: 26 digits behind it.
        return {**given, key: f"{prefix}{secrets.token_hex(13)}", MARKER: [key]}
    if request.naming == "disable":
        raise CheckFailedError([(key, f"{key} is missing, and automatic names are switched off for this stack")])
    name = request.proposed_name or f"{request.name}-{_digits(request.seed)}"
    if len(name) > kind.longest:
        reason = f"the automatic name {name!r} has {len(name)} characters, the cloud takes {kind.longest}; set {key}"
        raise CheckFailedError([(key, f"{reason}, or give the resource a shorter logical name")])
    return {**given, key: name, MARKER: [key]}


def _digits(seed: bytes) -> str:
    return hashlib.sha256(seed).hexdigest()[:7] if seed else secrets.token_hex(4)[:7]
