"""The stand-in of the random provider: its values."""

from __future__ import annotations

import re

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.providers.generated import Kind
from sandbox.providers.random.characters import DIGITS, LOWER, SPECIAL, UPPER
from sandbox.providers.random.kinds import KINDS as RANDOM
from sandbox.providers.tls.kinds import KINDS as TLS
from sandbox.providers.values import Secret, plain
from tests.conftest import STACKS
from tests.golden import urns
from tests.support.random_standin import make

pytestmark = pytest.mark.unit


@given(st.integers(min_value=1, max_value=64))
def test_a_string_has_its_length_and_characters_of_all_classes(length: int) -> None:
    result = make("RandomString", length=length)[1]["result"]
    assert len(result) == length
    assert set(result) <= set(LOWER + UPPER + DIGITS + SPECIAL)


def test_every_class_occurs_unless_it_is_switched_off() -> None:
    result = make("RandomString", length=2000)[1]["result"]
    assert all(set(alphabet) & set(result) for alphabet in (LOWER, UPPER, DIGITS, SPECIAL))


def test_switched_off_classes_do_not_occur() -> None:
    result = make("RandomString", length=500, special=False, upper=False)[1]["result"]
    assert set(result) <= set(LOWER + DIGITS)


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
    assert {name: state[name] for name in ("length", "special", "upper")} == {
        "length": 8,
        "special": True,
        "upper": True,
    }


@pytest.mark.parametrize(("package", "kinds"), [("random", RANDOM), ("tls", TLS)])
def test_the_stand_ins_know_what_the_stacks_have_and_nothing_else(package: str, kinds: tuple[Kind, ...]) -> None:
    listed = "".join(urns.path(stack).read_text() for stack in STACKS)
    used = set(re.findall(rf"\b{package}:index/\w+:\w+", listed))
    assert {kind.name for kind in kinds} == used
    assert used
