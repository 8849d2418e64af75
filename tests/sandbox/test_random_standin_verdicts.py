"""The stand-in of the random provider: its checks, its verdicts, its imports, and the protocol around them."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
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
from sandbox.providers.generated import Change
from sandbox.providers.random.__main__ import Random
from sandbox.providers.server import EngineClient, start
from sandbox.providers.values import UNKNOWN, Secret, decode, encode, has_secret, plain
from tests.support.random_standin import changed, kind, make, provider, reasons, urn

pytestmark = pytest.mark.unit


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


def test_an_unchanged_resource_has_no_changes() -> None:
    inputs = {"length": 9, "keepers": {"a": "1"}, "numeric": False}
    assert changed("RandomPassword", inputs, inputs) == {}


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
        ("RandomString", {"length": 8}, {"length": 8, "keepers": {"a": "1"}}, {"keepers": Change("add", True)}),
        ("RandomString", {"length": 8}, {"length": 8, "keepers": {"a": None}}, {"keepers": Change("add", False)}),
        (
            "RandomString",
            {"length": 8, "keepers": {"a": "1"}},
            {"length": 8, "keepers": {"a": "2"}},
            {"keepers": Change("update", True)},
        ),
        ("RandomString", {"length": 8, "keepers": {"a": "1"}}, {"length": 8}, {"keepers": Change("delete", True)}),
        (
            "RandomString",
            {"length": 8, "keepers": {"a": "1"}},
            {"length": 8, "keepers": {"a": "1", "b": None}},
            {"keepers": Change("update", False)},
        ),
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
    state = make("RandomString", length=4, keepers=Secret({"key": "hidden"}))[1]
    assert state["keepers"] == Secret({"key": "hidden"})


@pytest.mark.parametrize(
    ("name", "import_id", "expected"),
    [
        ("RandomPassword", "hunter2", {"result": "hunter2", "length": 7, "special": True}),
        ("RandomString", "abc", {"result": "abc", "length": 3}),
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
    with pytest.raises(ProviderError, match="thing: the import id is empty"):
        asyncio.run(provider().read(ReadRequest(urn("RandomPassword"), "", {}, {})))


def test_a_refresh_of_a_resource_without_inputs_keeps_its_state() -> None:
    state = {"length": 2, "result": "ab"}
    assert asyncio.run(provider().read(ReadRequest(urn("RandomString"), "ab", state, {}))) == ("ab", state, {})


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
