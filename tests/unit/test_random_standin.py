"""The random provider stand-in: its values."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.providers import generated
from sandbox.providers.random.characters import DIGITS, LOWER, SPECIAL, UPPER, characters
from sandbox.providers.values import Secret, plain
from tests.unit.random_standin import kind, make

counts = st.integers(min_value=0, max_value=6)


@given(counts, counts, counts, counts, counts)
def test_a_string_has_its_length_and_at_least_the_minimum_of_each_class(
    lower: int, upper: int, numeric: int, special: int, more: int
) -> None:
    length = lower + upper + numeric + special + more + 1
    wanted = {"minLower": lower, "minUpper": upper, "minNumeric": numeric, "minSpecial": special}
    _, state = make("RandomString", length=length, **wanted)
    result = state["result"]
    assert len(result) == length
    for minimum, alphabet in ((lower, LOWER), (upper, UPPER), (numeric, DIGITS), (special, SPECIAL)):
        assert sum(character in alphabet for character in result) >= minimum
    assert set(result) <= set(LOWER + UPPER + DIGITS + SPECIAL)


def test_switched_off_classes_do_not_occur() -> None:
    result = make("RandomString", length=500, special=False, upper=False, numeric=False)[1]["result"]
    assert set(result) <= set(LOWER)


def test_the_special_characters_can_be_chosen() -> None:
    inputs: dict[str, Any] = {"length": 100, "overrideSpecial": "é_", "upper": False, "lower": False, "number": False}
    assert set(make("RandomString", **inputs)[1]["result"]) == {"é", "_"}


def test_minimums_count_even_when_their_class_is_off() -> None:
    inputs = generated.planned(kind("RandomString"), {"length": 4, "upper": False, "minUpper": 4})
    assert set(characters(inputs)) <= set(UPPER)


def test_the_order_of_the_characters_is_random() -> None:
    results = [make("RandomString", length=2, minUpper=1, minLower=1)[1]["result"] for _ in range(60)]
    assert {result[0] in UPPER for result in results} == {True, False}


def test_a_password_and_its_hash_are_secret_and_belong_together() -> None:
    resource_id, state = make("RandomPassword", length=24)
    assert resource_id == "none"
    assert isinstance(state["result"], Secret)
    assert isinstance(state["bcryptHash"], Secret)
    assert state["bcryptHash"].value.startswith("$2a$10$")
    assert bcrypt.checkpw(state["result"].value.encode(), state["bcryptHash"].value.encode())


def test_the_hash_of_a_long_password_is_of_its_first_72_bytes() -> None:
    state = plain(make("RandomPassword", length=100)[1])
    assert bcrypt.checkpw(state["result"][:72].encode(), state["bcryptHash"].encode())


def test_two_passwords_differ() -> None:
    assert make("RandomPassword", length=16)[1]["result"] != make("RandomPassword", length=16)[1]["result"]


def test_defaults_are_in_the_state() -> None:
    state = make("RandomString", length=8)[1]
    assert {name: state[name] for name in ("lower", "upper", "number", "numeric", "special")} == dict.fromkeys(
        ("lower", "upper", "number", "numeric", "special"), True
    )
    assert (state["minLower"], state["minSpecial"]) == (0, 0)


@given(st.integers(min_value=1, max_value=64), st.text(max_size=5))
def test_the_forms_of_an_id_are_of_the_same_bytes(length: int, prefix: str) -> None:
    resource_id, state = make("RandomId", byteLength=length, prefix=prefix)
    data = base64.urlsafe_b64decode(resource_id + "=" * (-len(resource_id) % 4))
    assert len(data) == length
    assert state["b64Url"] == prefix + resource_id
    assert state["b64Std"] == prefix + base64.b64encode(data).decode()
    assert state["hex"] == prefix + data.hex()
    assert state["dec"] == prefix + str(int.from_bytes(data, "big"))


@given(st.integers(-1000, 1000), st.integers(0, 1000), st.none() | st.text(max_size=8))
def test_an_integer_lies_in_its_range(low: int, span: int, seed: str | None) -> None:
    resource_id, state = make("RandomInteger", min=low, max=low + span, **({"seed": seed} if seed is not None else {}))
    assert low <= state["result"] <= low + span
    assert resource_id == str(state["result"])


def test_a_seed_always_gives_the_same_value() -> None:
    first, second = (make("RandomInteger", min=0, max=10**12, seed="circle")[1]["result"] for _ in range(2))
    assert first == second
    assert make("RandomInteger", min=0, max=10**12, seed="square")[1]["result"] != first


@given(st.lists(st.text(max_size=3), max_size=8), st.integers(0, 20))
def test_a_shuffle_repeats_nothing_before_all_have_come(items: list[str], wanted: int) -> None:
    results = make("RandomShuffle", inputs=items, resultCount=wanted)[1]["results"]
    assert len(results) == (wanted if items else 0)
    for first in range(0, len(results) - len(items) + 1, len(items) or 1):
        assert sorted(results[first : first + len(items)]) == sorted(items)


def test_a_shuffle_returns_all_items_by_default() -> None:
    assert sorted(make("RandomShuffle", inputs=["a", "b", "c"])[1]["results"]) == ["a", "b", "c"]


def test_a_pet_has_its_words_its_prefix_and_its_separator() -> None:
    assert len(make("RandomPet")[0].split("-")) == 2
    pet = make("RandomPet", length=4, separator="_", prefix="the")[0].split("_")
    assert (pet[0], len(pet)) == ("the", 5)
    assert "-" not in make("RandomPet", length=1)[0]


@pytest.mark.parametrize(("name", "version"), [("RandomUuid", 4), ("RandomUuid4", 4), ("RandomUuid7", 7)])
def test_uuids_have_their_version(name: str, version: int) -> None:
    resource_id, state = make(name)
    assert state["result"] == resource_id
    assert uuid.UUID(resource_id).version == version
    assert uuid.UUID(resource_id).variant == uuid.RFC_4122


def test_uuids_of_version_7_sort_by_time() -> None:
    first, second = (uuid.UUID(make("RandomUuid7")[0]).int >> 80 for _ in range(2))
    assert first <= second


def test_bytes_are_secret_and_not_in_the_id() -> None:
    resource_id, state = make("RandomBytes", length=16)
    assert base64.b64decode(plain(state["base64"])) == bytes.fromhex(plain(state["hex"]))
    assert isinstance(state["base64"], Secret)
    assert isinstance(state["hex"], Secret)
    assert resource_id == "none"
