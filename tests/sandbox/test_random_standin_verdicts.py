"""The stand-in of the random provider: its checks, its verdicts, and the protocol around them."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

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
from sandbox.providers.values import UNKNOWN, Secret, decode, encode, has_secret
from tests.support.random_standin import changed, make, provider, reasons, urn

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
            {"length": 3, "specials": False},
            "specials",
            "random:index/randomPassword:RandomPassword has no input specials; did you mean special?",
        ),
        (
            "RandomPassword",
            {"length": 3, "keepers": {"a": "1"}},
            "keepers",
            "random:index/randomPassword:RandomPassword has no input keepers; it has length, special",
        ),
    ],
)
def test_a_bad_input_is_named_with_its_value_and_its_rule(
    name: str, inputs: dict[str, Any], property_name: str, reason: str
) -> None:
    assert reasons(name, **inputs) == {property_name: reason}


def test_all_bad_inputs_are_told_at_once() -> None:
    assert set(reasons("RandomString", length="8", special=1, minUpper=-1)) == {"length", "special", "minUpper"}


def test_values_that_are_not_known_yet_pass() -> None:
    assert reasons("RandomPassword", length=UNKNOWN, special=False) == {}


def test_an_unchanged_resource_has_no_changes() -> None:
    inputs = {"length": 9, "upper": False, "special": False}
    assert changed("RandomString", inputs, inputs) == {}


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("RandomPassword", {"length": 8}, {"length": 9}, {"length": Change("update", True)}),
        ("RandomPassword", {"length": 8}, {"length": 8, "special": False}, {"special": Change("update", True)}),
        ("RandomPassword", {"length": 8}, {"length": UNKNOWN}, {"length": Change("update", True)}),
        ("RandomString", {"length": 8, "upper": False}, {"length": 8}, {"upper": Change("update", True)}),
    ],
)
def test_every_change_replaces(
    name: str, old: dict[str, Any], new: dict[str, Any], expected: dict[str, Change]
) -> None:
    assert changed(name, old, new) == expected


def test_secret_inputs_stay_secret_in_the_state() -> None:
    state = make("RandomString", length=Secret(4))[1]
    assert state["length"] == Secret(4)


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


def test_a_value_cannot_be_imported() -> None:
    with pytest.raises(ProviderError, match="thing: the sandbox cannot import a random:index/randomPassword"):
        asyncio.run(provider().read(ReadRequest(urn("RandomPassword"), "hunter2", {}, {})))


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
