"""Ids, integers, pets, shuffles, UUIDs and bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from sandbox.providers.generated import Input, Kind, Made, Problem, State
from sandbox.providers.random.characters import KEEPERS, PASSWORD, STRING, at_least
from sandbox.providers.random.words import ADJECTIVES, ADVERBS, ANIMALS
from sandbox.providers.values import UNKNOWN

_UUID7_VERSION = 7 << 76
_UUID_VARIANT = 2 << 62


def picker(seed: str | None) -> Callable[[int], int]:
    """A function that draws a number from 0 up to, not including, its argument.

    Without a seed the numbers are the operating system's; with one they are always the same. They are then not the
    numbers that the official provider draws from the same seed: its generator exists in Go only.
    """
    if not seed:
        return secrets.randbelow
    rounds = count()

    def draw(bound: int) -> int:
        digest = hashlib.sha512(f"{next(rounds)}:{seed}".encode()).digest()
        return int.from_bytes(digest, "big") % bound

    return draw


def _id(data: bytes, prefix: str) -> Made:
    url = base64.urlsafe_b64encode(data).decode().rstrip("=")
    values = {
        "b64Std": base64.b64encode(data).decode(),
        "b64Url": url,
        "hex": data.hex(),
        "dec": str(int.from_bytes(data, "big")),
    }
    return Made(url, {name: prefix + value for name, value in values.items()})


def _restore_id(resource_id: str) -> Made:
    prefix, _, encoded = resource_id.rpartition(",")
    try:
        data = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(f"import id {resource_id!r} is not [prefix,]URL-safe base64: {error}") from error
    made = _id(data, prefix)
    restored: State = {"byteLength": len(data)} | ({"prefix": prefix} if prefix else {})
    return Made(made.id, made.properties | restored)


def _integer(inputs: State) -> Made:
    low, high = inputs["min"], inputs["max"]
    number = low + picker(inputs.get("seed"))(high - low + 1)
    return Made(str(number), {"result": number})


def _integer_problems(inputs: State) -> Iterator[Problem]:
    low, high = inputs["min"], inputs["max"]
    if UNKNOWN not in (low, high) and high < low:
        yield Problem("max", f"max is {high}; it must not be smaller than min, which is {low}")


def _restore_integer(resource_id: str) -> Made:
    parts = resource_id.split(",")
    rule = f"import id {resource_id!r} must be result,min,max or result,min,max,seed with whole numbers"
    if len(parts) not in (3, 4):
        raise ValueError(rule)
    try:
        result, low, high = (int(part) for part in parts[:3])
    except ValueError as error:
        raise ValueError(rule) from error
    seed = {"seed": parts[3]} if parts[3:] else {}
    return Made(parts[0], {"result": result, "min": low, "max": high} | seed)


def _pet(inputs: State) -> Made:
    words = [secrets.choice(ADVERBS) for _ in range(inputs["length"] - 2)]
    if inputs["length"] > 1:
        words.append(secrets.choice(ADJECTIVES))
    words.append(secrets.choice(ANIMALS))
    prefix = [inputs["prefix"]] if inputs.get("prefix") else []
    return Made(inputs["separator"].join(prefix + words), {})


def _shuffle(inputs: State) -> Made:
    items: list[Any] = inputs["inputs"]
    wanted = inputs.get("resultCount", len(items))
    draw = picker(inputs.get("seed"))
    results: list[Any] = []
    # Whole permutations follow each other, so that no item is repeated before all have come.
    while items and len(results) < wanted:
        deck = list(items)
        while deck and len(results) < wanted:
            results.append(deck.pop(draw(len(deck))))
    return Made("-", {"results": results})


def _uuid(value: uuid.UUID) -> Made:
    return Made(str(value), {"result": str(value)})


def _uuid7() -> uuid.UUID:
    milliseconds = time.time_ns() // 1_000_000
    noise = secrets.randbits(12) << 64 | secrets.randbits(62)
    return uuid.UUID(int=milliseconds << 80 | _UUID7_VERSION | _UUID_VARIANT | noise)


def _restore_uuid(resource_id: str) -> Made:
    try:
        return _uuid(uuid.UUID(resource_id))
    except ValueError as error:
        raise ValueError(f"import id {resource_id!r} is not a UUID such as {uuid.UUID(int=0)}") from error


def _bytes(data: bytes) -> Made:
    # The official provider's id is the base64 text; ids are stored in plain text, so the stand-in does not follow.
    return Made("none", {"base64": base64.b64encode(data).decode(), "hex": data.hex()})


def _restore_bytes(resource_id: str) -> Made:
    try:
        data = base64.b64decode(resource_id, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the import id is not standard base64: {error}") from error
    made = _bytes(data)
    return Made(made.id, made.properties | {"length": len(data)})


def _uuid_kind(name: str, make: Callable[[], uuid.UUID]) -> Kind:
    return Kind(
        name=f"random:index/{name}:{name[0].upper()}{name[1:]}",
        inputs={"keepers": KEEPERS},
        outputs={"result": False},
        make=lambda _inputs: _uuid(make()),
        restore=_restore_uuid,
    )


_SEED = Input(type=str)

KINDS: tuple[Kind, ...] = (
    PASSWORD,
    STRING,
    Kind(
        name="random:index/randomId:RandomId",
        inputs={
            "keepers": KEEPERS,
            "byteLength": Input(type=int, required=True, accepts=at_least(1)),
            "prefix": Input(type=str),
        },
        outputs={"b64Std": False, "b64Url": False, "dec": False, "hex": False},
        make=lambda inputs: _id(secrets.token_bytes(inputs["byteLength"]), inputs.get("prefix", "")),
        restore=_restore_id,
    ),
    Kind(
        name="random:index/randomInteger:RandomInteger",
        inputs={
            "keepers": KEEPERS,
            "min": Input(type=int, required=True),
            "max": Input(type=int, required=True),
            "seed": _SEED,
        },
        outputs={"result": False},
        make=_integer,
        problems=_integer_problems,
        restore=_restore_integer,
    ),
    Kind(
        name="random:index/randomPet:RandomPet",
        inputs={
            "keepers": KEEPERS,
            "length": Input(type=int, default=2, accepts=at_least(1)),
            "prefix": Input(type=str),
            "separator": Input(type=str, default="-"),
        },
        outputs={},
        make=_pet,
    ),
    Kind(
        name="random:index/randomShuffle:RandomShuffle",
        inputs={
            "keepers": KEEPERS,
            "inputs": Input(type=list, required=True),
            "resultCount": Input(type=int, accepts=at_least(0)),
            "seed": _SEED,
        },
        outputs={"results": False},
        make=_shuffle,
    ),
    _uuid_kind("randomUuid", uuid.uuid4),
    _uuid_kind("randomUuid4", uuid.uuid4),
    _uuid_kind("randomUuid7", _uuid7),
    Kind(
        name="random:index/randomBytes:RandomBytes",
        inputs={
            "keepers": Input(type=dict),
            "length": Input(type=int, required=True, accepts=at_least(1)),
        },
        outputs={"base64": True, "hex": True},
        make=lambda inputs: _bytes(secrets.token_bytes(inputs["length"])),
        restore=_restore_bytes,
    ),
)
"""Every resource type of the provider."""
