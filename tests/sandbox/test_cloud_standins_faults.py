"""The stand-ins of the clouds: their faults and delays."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path

import pytest

from sandbox.providers.base import (
    CreateRequest,
    ProviderError,
)
from sandbox.providers.gcp.__main__ import Gcp
from tests.support.cloud_standins import GKE, NETWORK, SUBNET_INPUTS, SUBNETWORK, cloud_of, create, delete, read, urn

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("simulated_clouds")]


def test_an_interrupted_creation_ends_at_once_and_leaves_nothing(
    simulated_clouds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupt() -> None:
        provider = cloud_of(NETWORK)
        making = asyncio.create_task(provider.create(CreateRequest(urn(NETWORK), {"name": "n"})))
        await asyncio.sleep(0.05)
        await provider.cancel()
        await making

    monkeypatch.setenv("SACRED_COUNCIL_MODEL_TIMES", "1")
    with pytest.raises(ProviderError, match="making thing was interrupted"):
        asyncio.run(interrupt())
    assert not (simulated_clouds / "clouds").exists()


def test_a_fault_fails_always_or_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACRED_COUNCIL_CLOUD_FAULTS", f"{NETWORK}=once delete@::project::{SUBNETWORK}")
    with pytest.raises(ProviderError, match="create of thing fails"):
        create(NETWORK, {})
    create(NETWORK, {})
    made = create(SUBNETWORK, SUBNET_INPUTS)
    for _ in range(2):
        with pytest.raises(ProviderError, match="delete of thing fails"):
            delete(SUBNETWORK, made[0])
    assert read(SUBNETWORK, made[0], made[2], made[1])[0] == made[0]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SACRED_COUNCIL_CLOUD_FAULTS", "x=twice", "must be"),
        ("SACRED_COUNCIL_CLOUD_FAULTS", "build@x", "one of the operations"),
        ("SACRED_COUNCIL_MODEL_TIMES", "soon", "must be a number"),
        ("SACRED_COUNCIL_MODEL_TIMES", "-1", "must be a number"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ProviderError, match=said):
        create(NETWORK, {})


def test_things_take_their_modelled_time_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def wait_for(interruption: Coroutine[None, None, bool], seconds: float) -> None:
        interruption.close()
        waited.append(seconds)
        raise TimeoutError

    monkeypatch.setattr("sandbox.providers.cloud.provider.asyncio.wait_for", wait_for)
    monkeypatch.setenv("SACRED_COUNCIL_MODEL_TIMES", "0.5")
    create(GKE, {"location": "europe-west1"}, preview=True)
    assert waited == []
    create(GKE, {"location": "europe-west1"})
    assert waited == [Gcp.table[GKE].minutes * 60 * 0.5]


def test_without_a_sandbox_the_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SACRED_COUNCIL_CLOUDS")
    with pytest.raises(ProviderError, match="SACRED_COUNCIL_CLOUDS is not set"):
        create(NETWORK, {})
