"""Passwords and strings: their characters, the minimum of each class, and the checks of inputs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import bcrypt

from sandbox.providers.generated import Input, Kind, Made, Problem, State
from sandbox.providers.values import UNKNOWN

LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
DIGITS = "0123456789"
SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
# bcrypt reads no more than this many bytes of a password.
BCRYPT_BYTES = 72

_MINIMUMS = ("minUpper", "minLower", "minNumeric", "minSpecial")
_CLASSES = ("upper", "lower", "numeric", "special")


def at_least(minimum: int) -> Any:
    """An input check: the number is not smaller than `minimum`."""

    def accepts(value: int) -> str | None:
        return None if value >= minimum else f"is {value}; it must be at least {minimum}"

    return accepts


def keepers_replace(old: Any, new: Any) -> bool:
    """Keepers replace unless all that was added are entries without a value."""
    before, after = old or {}, new or {}
    return any(key not in after for key in before) or any(
        before.get(key) != value for key, value in after.items() if not (value is None and key not in before)
    )


KEEPERS = Input(type=dict, replaces=keepers_replace)


def _override_replaces(old: Any, new: Any) -> bool:
    # An empty list of characters means the same as none.
    return not (new is None and old == "")


_STRING_INPUTS = {
    "keepers": KEEPERS,
    "length": Input(type=int, required=True, accepts=at_least(1)),
    "lower": Input(type=bool, default=True),
    "upper": Input(type=bool, default=True),
    "number": Input(type=bool),
    "numeric": Input(type=bool),
    "special": Input(type=bool, default=True),
    "minLower": Input(type=int, default=0, accepts=at_least(0)),
    "minUpper": Input(type=int, default=0, accepts=at_least(0)),
    "minNumeric": Input(type=int, default=0, accepts=at_least(0)),
    "minSpecial": Input(type=int, default=0, accepts=at_least(0)),
    "overrideSpecial": Input(type=str, replaces=_override_replaces),
}


def _settle(inputs: State) -> State:
    """`number` is the old name of `numeric`; each follows the other."""
    numeric = inputs.get("numeric", inputs.get("number", True))
    return inputs | {"numeric": numeric, "number": inputs.get("number", numeric)}


def _problems(inputs: State) -> Iterator[Problem]:
    if UNKNOWN in (inputs["number"], inputs["numeric"]):
        return
    if inputs["number"] != inputs["numeric"]:
        yield Problem("number", f"number is {inputs['number']} but numeric is {inputs['numeric']}; set numeric only")
    if not any(inputs[name] for name in _CLASSES):
        yield Problem("special", "upper, lower, numeric and special are all false; set at least one of them to true")
    needed = [inputs[name] for name in _MINIMUMS]
    if UNKNOWN not in (inputs["length"], *needed) and inputs["length"] < sum(needed):
        yield Problem(
            "length",
            f"length is {inputs['length']}; it must be at least {sum(needed)}, the sum of {', '.join(_MINIMUMS)}",
        )


def characters(inputs: State) -> str:
    """A random string that satisfies the inputs, in random order."""
    special = inputs.get("overrideSpecial") or SPECIAL
    sets = {"upper": UPPER, "lower": LOWER, "numeric": DIGITS, "special": special}
    # Minimums count even when their class is switched off, as the official provider has it.
    chosen = [
        secrets.choice(sets[name])
        for name, minimum in zip(_CLASSES, _MINIMUMS, strict=True)
        for _ in range(inputs[minimum])
    ]
    alphabet = "".join(sets[name] for name in _CLASSES if inputs[name])
    chosen += [secrets.choice(alphabet) for _ in range(inputs["length"] - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def bcrypt_hash(password: str) -> str:
    """The bcrypt hash (cost 10) of the password's first 72 bytes."""
    return bcrypt.hashpw(password.encode()[:BCRYPT_BYTES], bcrypt.gensalt(rounds=10, prefix=b"2a")).decode()


def _password(result: str) -> Made:
    # The id stays free of the password: ids are stored in plain text.
    return Made("none", {"result": result, "bcryptHash": bcrypt_hash(result)})


def _string(result: str) -> Made:
    return Made(result, {"result": result})


def _restored(made: Made, result: str) -> Made:
    return Made(made.id, made.properties | {"length": len(result)})


def _refuse_empty(resource_id: str) -> str:
    if not resource_id:
        raise ValueError("the import id is empty; give the value to import")
    return resource_id


PASSWORD = Kind(
    name="random:index/randomPassword:RandomPassword",
    inputs=_STRING_INPUTS,
    outputs={"result": True, "bcryptHash": True},
    make=lambda inputs: _password(characters(inputs)),
    problems=_problems,
    settle=_settle,
    restore=lambda resource_id: _restored(_password(_refuse_empty(resource_id)), resource_id),
)

STRING = Kind(
    name="random:index/randomString:RandomString",
    inputs=_STRING_INPUTS,
    outputs={"result": False},
    make=lambda inputs: _string(characters(inputs)),
    problems=_problems,
    settle=_settle,
    restore=lambda resource_id: _restored(_string(_refuse_empty(resource_id)), resource_id),
)
