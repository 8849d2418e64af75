"""Random passwords. They are letters and digits, so no URL, file or shell has to quote them."""

from typing import Final

import pulumi
import pulumi_random as random

PASSWORD_LENGTH: Final = 32


def random_password(name: str, opts: pulumi.ResourceOptions, *, length: int = PASSWORD_LENGTH) -> random.RandomPassword:
    """Create a password of `length` characters. It is kept in the state, as a secret; another length replaces it."""
    return random.RandomPassword(name, length=length, special=False, opts=opts)
