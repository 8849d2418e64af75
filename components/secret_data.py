"""Encode and decode the `data` of a Kubernetes Secret."""

import base64

import pulumi


def encoded(text: str) -> str:
    """Encode `text` for a Secret's `data`."""
    return base64.b64encode(text.encode()).decode()


def decoded(data: str) -> str:
    """Decode text from a Secret's `data`. Raise ValueError unless it is base64 of UTF-8."""
    return base64.b64decode(data, validate=True).decode()


def sealed(value: pulumi.Input[str]) -> pulumi.Output[str]:
    """Encode `value` for a Secret's `data`, and mark it secret in the state."""
    return pulumi.Output.secret(pulumi.Output.from_input(value).apply(encoded))
