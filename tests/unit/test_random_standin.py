"""The random provider stand-in: its values, its checks, its verdicts, and the protocol around them."""

from __future__ import annotations

import asyncio
import base64
import uuid
from typing import Any

import bcrypt
import grpc
import grpc.aio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.providers import generated
from sandbox.providers.base import (
    CheckFailedError,
    CheckRequest,
    CreateRequest,
    DiffKind,
    DiffRequest,
    ProviderError,
    ReadRequest,
    UpdateRequest,
)
from sandbox.providers.generated import Change, Kind
from sandbox.providers.random.__main__ import Random
from sandbox.providers.random.characters import DIGITS, LOWER, SPECIAL, UPPER, characters
from sandbox.providers.random.kinds import KINDS
from sandbox.providers.server import EngineClient, start
from sandbox.providers.values import UNKNOWN, Secret, decode, encode, has_secret, plain

_BY_NAME = {kind.name.rpartition(":")[2]: kind for kind in KINDS}


def kind(name: str) -> Kind:
    return _BY_NAME[name]


def make(name: str, **inputs: Any) -> tuple[str, dict[str, Any]]:
    assert generated.check(kind(name), inputs) == []
    return generated.create(kind(name), inputs)


def reasons(name: str, **inputs: Any) -> dict[str, str]:
    return {problem.property: problem.reason for problem in generated.check(kind(name), inputs)}


def changed(name: str, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Change]:
    _, state = make(name, **old)
    return generated.changes(kind(name), state, new)


def urn(name: str) -> str:
    return f"urn:pulumi:test::project::{kind(name).name}::thing"


def provider() -> Random:
    return Random(EngineClient())


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


@pytest.mark.parametrize(
    ("name", "inputs", "property_name", "reason"),
    [
        ("RandomString", {}, "length", "length is missing; set it to a whole number"),
        ("RandomString", {"length": 0}, "length", "length is 0; it must be at least 1"),
        ("RandomString", {"length": 2.5}, "length", "length is 2.5; it must be a whole number"),
        ("RandomString", {"length": True}, "length", "length is True; it must be a whole number"),
        (
            "RandomPassword",
            {"length": 3, "minLower": 2, "minUpper": 2},
            "length",
            "length is 3; it must be at least 4, the sum of minUpper, minLower, minNumeric, minSpecial",
        ),
        ("RandomPassword", {"length": 3, "minLower": -1}, "minLower", "minLower is -1; it must be at least 0"),
        (
            "RandomPassword",
            {"length": 3, "lower": False, "upper": False, "numeric": False, "special": False},
            "special",
            "upper, lower, numeric and special are all false; set at least one of them to true",
        ),
        (
            "RandomPassword",
            {"length": 3, "number": False, "numeric": True},
            "number",
            "number is False but numeric is True; set numeric only",
        ),
        (
            "RandomPassword",
            {"length": 3, "min_lower": 1},
            "min_lower",
            "random:index/randomPassword:RandomPassword has no input min_lower; did you mean minLower?",
        ),
        ("RandomInteger", {"min": 5, "max": 4}, "max", "max is 4; it must not be smaller than min, which is 5"),
        ("RandomId", {"byteLength": 0}, "byteLength", "byteLength is 0; it must be at least 1"),
        ("RandomShuffle", {"inputs": "ab"}, "inputs", "inputs is 'ab'; it must be a list"),
        ("RandomPet", {"length": 0}, "length", "length is 0; it must be at least 1"),
    ],
)
def test_a_bad_input_is_named_with_its_value_and_its_rule(
    name: str, inputs: dict[str, Any], property_name: str, reason: str
) -> None:
    assert reasons(name, **inputs) == {property_name: reason}


def test_all_bad_inputs_are_told_at_once() -> None:
    assert set(reasons("RandomPassword", length="8", lower=1, minUpper=-1)) == {"length", "lower", "minUpper"}


def test_values_that_are_not_known_yet_pass() -> None:
    assert reasons("RandomPassword", length=UNKNOWN, minLower=3) == {}
    assert reasons("RandomInteger", min=UNKNOWN, max=3) == {}


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


def test_an_unchanged_resource_has_no_changes() -> None:
    inputs = {"length": 9, "keepers": {"a": "1"}, "numeric": False}
    assert changed("RandomPassword", inputs, inputs) == {}
    assert changed("RandomPet", {}, {"length": 2, "separator": "-"}) == {}


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("RandomPassword", {"length": 8}, {"length": 9}, {"length": Change("update", True)}),
        ("RandomPassword", {"length": 8}, {"length": 8, "special": False}, {"special": Change("update", True)}),
        (
            "RandomPassword",
            {"length": 8},
            {"length": 8, "numeric": False},
            {"numeric": Change("update", True), "number": Change("update", True)},
        ),
        ("RandomPassword", {"length": 8}, {"length": UNKNOWN}, {"length": Change("update", True)}),
        (
            "RandomPassword",
            {"length": 8},
            {"length": 8, "overrideSpecial": "_"},
            {"overrideSpecial": Change("add", True)},
        ),
        (
            "RandomPassword",
            {"length": 8, "overrideSpecial": ""},
            {"length": 8},
            {"overrideSpecial": Change("delete", False)},
        ),
        ("RandomUuid", {}, {"keepers": {"a": "1"}}, {"keepers": Change("add", True)}),
        ("RandomUuid", {}, {"keepers": {"a": None}}, {"keepers": Change("add", False)}),
        ("RandomUuid", {"keepers": {"a": "1"}}, {"keepers": {"a": "2"}}, {"keepers": Change("update", True)}),
        ("RandomUuid", {"keepers": {"a": "1"}}, {}, {"keepers": Change("delete", True)}),
        (
            "RandomUuid",
            {"keepers": {"a": "1"}},
            {"keepers": {"a": "1", "b": None}},
            {"keepers": Change("update", False)},
        ),
        ("RandomPet", {}, {"prefix": "x"}, {"prefix": Change("add", True)}),
        ("RandomShuffle", {"inputs": ["a"]}, {"inputs": ["b"]}, {"inputs": Change("update", True)}),
    ],
)
def test_changes_replace_except_those_without_effect(
    name: str, old: dict[str, Any], new: dict[str, Any], expected: dict[str, Change]
) -> None:
    assert changed(name, old, new) == expected


def test_a_change_without_effect_keeps_the_value() -> None:
    _, state = make("RandomPassword", length=8, overrideSpecial="")
    updated = generated.update(kind("RandomPassword"), state, {"length": 8})
    assert updated["result"] == state["result"]
    assert "overrideSpecial" not in updated


def test_secret_inputs_stay_secret_in_the_state() -> None:
    state = make("RandomId", byteLength=4, keepers=Secret({"key": "hidden"}))[1]
    assert state["keepers"] == Secret({"key": "hidden"})


@pytest.mark.parametrize(
    ("name", "import_id", "expected"),
    [
        ("RandomPassword", "hunter2", {"result": "hunter2", "length": 7, "special": True}),
        ("RandomString", "abc", {"result": "abc", "length": 3}),
        ("RandomId", "pre,3q2-7w", {"prefix": "pre", "byteLength": 4, "hex": "predeadbeef", "dec": "pre3735928559"}),
        ("RandomId", "3q2-7w", {"byteLength": 4, "b64Std": "3q2+7w=="}),
        ("RandomInteger", "5,1,9,s", {"result": 5, "min": 1, "max": 9, "seed": "s"}),
        ("RandomUuid", str(uuid.UUID(int=1)), {"result": str(uuid.UUID(int=1))}),
        ("RandomBytes", "3q2+7w==", {"hex": "deadbeef", "length": 4}),
    ],
)
def test_values_can_be_imported(name: str, import_id: str, expected: dict[str, Any]) -> None:
    _, state, inputs = generated.imported(kind(name), import_id)
    assert {key: plain(state).get(key) for key in expected} == expected
    assert generated.check(kind(name), inputs) == []
    assert generated.changes(kind(name), state, inputs) == {}


def test_an_imported_password_is_secret() -> None:
    _, state, inputs = generated.imported(kind("RandomPassword"), "hunter2")
    assert (state["result"], inputs) == (Secret("hunter2"), {"length": 7})


@pytest.mark.parametrize(
    ("name", "import_id", "message"),
    [
        ("RandomInteger", "5", "must be result,min,max"),
        ("RandomInteger", "a,1,2", "must be result,min,max"),
        ("RandomUuid", "no", "is not a UUID such as"),
        ("RandomId", "*", r"is not \[prefix,\]URL-safe base64"),
        ("RandomPet", "clever-fox", "cannot be imported"),
        ("RandomPassword", "", "the import id is empty"),
    ],
)
def test_an_import_id_of_the_wrong_form_is_refused(name: str, import_id: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generated.imported(kind(name), import_id)


async def _preview_then_create(stand_in: Random) -> None:
    inputs = await stand_in.check(CheckRequest(urn("RandomPassword"), {}, {"length": 12}))
    planned_id, planned = await stand_in.create(CreateRequest(urn("RandomPassword"), inputs, preview=True))
    assert (planned_id, planned["length"]) == ("", 12)
    assert planned["result"] == Secret(UNKNOWN)
    resource_id, state = await stand_in.create(CreateRequest(urn("RandomPassword"), inputs))
    again = await stand_in.read(ReadRequest(urn("RandomPassword"), resource_id, state, inputs))
    assert again == (resource_id, state, inputs)
    same = await stand_in.diff(DiffRequest(urn("RandomPassword"), resource_id, state, inputs, inputs, []))
    assert not same.changed
    other = await stand_in.diff(DiffRequest(urn("RandomPassword"), resource_id, state, {"length": 13}, inputs, []))
    assert other.replaces == ["length"]
    assert other.details["length"].kind is DiffKind.UPDATE_REPLACE
    ignored = await stand_in.diff(
        DiffRequest(urn("RandomPassword"), resource_id, state, {"length": 13}, inputs, ["length"])
    )
    assert not ignored.changed
    kept = await stand_in.update(UpdateRequest(urn("RandomPassword"), resource_id, state, inputs, inputs, []))
    assert kept == state


def test_the_life_of_a_password() -> None:
    asyncio.run(_preview_then_create(provider()))


def test_bad_inputs_become_check_failures() -> None:
    with pytest.raises(CheckFailedError) as caught:
        asyncio.run(provider().check(CheckRequest(urn("RandomPassword"), {}, {"length": 0})))
    assert caught.value.failures == [("length", "length is 0; it must be at least 1")]


def test_an_unknown_type_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ProviderError, match="has no type random:index/randomPasword:RandomPasword; did you mean"):
        asyncio.run(
            provider().check(CheckRequest("urn:pulumi:s::p::random:index/randomPasword:RandomPasword::x", {}, {}))
        )


def test_an_import_reads_the_value_from_the_id() -> None:
    found = asyncio.run(provider().read(ReadRequest(urn("RandomPassword"), "hunter2", {}, {})))
    assert found[0] == "none"
    assert found[1]["result"] == Secret("hunter2")
    with pytest.raises(ProviderError, match=r"thing: .* cannot be imported"):
        asyncio.run(provider().read(ReadRequest(urn("RandomPet"), "clever-fox", {}, {})))


def test_a_refresh_of_a_resource_without_inputs_keeps_its_state() -> None:
    state = {"length": 2, "separator": "-"}
    assert asyncio.run(provider().read(ReadRequest(urn("RandomPet"), "clever-fox", state, {}))) == (
        "clever-fox",
        state,
        {},
    )


async def _over_the_wire() -> dict[str, Any]:
    engine = EngineClient()
    server, port = await start(Random(engine), engine)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        response = await stub.Create(
            provider_pb2.CreateRequest(urn=urn("RandomPassword"), properties=encode({"length": 20}))
        )
    await server.stop(grace=None)
    return decode(response.properties)


def test_a_password_is_marked_secret_on_the_wire() -> None:
    state = asyncio.run(_over_the_wire())
    assert isinstance(state["result"], Secret)
    assert len(state["result"].value) == 20
    assert {name for name, value in state.items() if has_secret(value)} == {"result", "bcryptHash"}
