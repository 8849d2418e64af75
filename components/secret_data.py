"""What is in the `data` of a Kubernetes Secret."""

import base64

import pulumi


def encoded(text: str) -> str:
    """`text` as a Secret's `data` has it."""
    return base64.b64encode(text.encode()).decode()


def decoded(data: str) -> str:
    """The text in a Secret's `data`; ValueError when it is not base64 of UTF-8."""
    return base64.b64decode(data, validate=True).decode()


def sealed(value: pulumi.Input[str]) -> pulumi.Output[str]:
    """`value` as a Secret's `data` has it, secret in the state."""
    return pulumi.Output.secret(pulumi.Output.from_input(value).apply(encoded))
