"""The stand-in of the random provider: its values."""

from __future__ import annotations

import re
from typing import Any

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.providers import generated
from sandbox.providers.generated import Kind
from sandbox.providers.random.characters import DIGITS, LOWER, SPECIAL, UPPER, characters
from sandbox.providers.random.kinds import KINDS as RANDOM
from sandbox.providers.tls.kinds import KINDS as TLS
from sandbox.providers.values import Secret, plain
from tests.conftest import STACKS
from tests.golden import urns
from tests.support.random_standin import kind, make

pytestmark = pytest.mark.unit

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


@pytest.mark.parametrize(("package", "kinds"), [("random", RANDOM), ("tls", TLS)])
def test_the_stand_ins_know_what_the_stacks_have_and_nothing_else(package: str, kinds: tuple[Kind, ...]) -> None:
    listed = "".join(urns.path(stack).read_text() for stack in STACKS)
    used = set(re.findall(rf"\b{package}:index/\w+:\w+", listed))
    assert {kind.name for kind in kinds} == used
    assert used
