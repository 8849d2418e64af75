"""Passwords and strings: their characters, and the checks of inputs. Only inputs that the program sets are known."""

from __future__ import annotations

import secrets

import bcrypt

from sandbox.providers.generated import Input, Kind, Made, State

LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
DIGITS = "0123456789"
SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
# bcrypt reads no more than this many bytes of a password.
BCRYPT_BYTES = 72

_CLASSES = {"upper": UPPER, "lower": LOWER, "numeric": DIGITS, "special": SPECIAL}


def _length_problem(value: int) -> str | None:
    return None if value >= 1 else f"is {value}; it must be at least 1"


_LENGTH = Input(type=int, required=True, accepts=_length_problem)
_SPECIAL = Input(type=bool, default=True)
_STRING_INPUTS = {"length": _LENGTH, "special": _SPECIAL, "upper": Input(type=bool, default=True)}


def characters(inputs: State) -> str:
    """A random string of the classes that are not switched off."""
    alphabet = "".join(known for name, known in _CLASSES.items() if inputs.get(name, True))
    return "".join(secrets.choice(alphabet) for _ in range(inputs["length"]))


def bcrypt_hash(password: str) -> str:
    """The bcrypt hash (cost 10) of the password's first 72 bytes."""
    return bcrypt.hashpw(password.encode()[:BCRYPT_BYTES], bcrypt.gensalt(rounds=10, prefix=b"2a")).decode()


def _password(inputs: State) -> Made:
    result = characters(inputs)
    # The id stays free of the password: ids are stored in plain text.
    return Made("none", {"result": result, "bcryptHash": bcrypt_hash(result)})


def _string(inputs: State) -> Made:
    result = characters(inputs)
    return Made(result, {"result": result})


PASSWORD = Kind(
    name="random:index/randomPassword:RandomPassword",
    inputs={"length": _LENGTH, "special": _SPECIAL},
    outputs={"result": True, "bcryptHash": True},
    make=_password,
)

STRING = Kind(
    name="random:index/randomString:RandomString",
    inputs=_STRING_INPUTS,
    outputs={"result": False},
    make=_string,
)
