"""Definitions that do not go: how long they are waited for, and what is told then."""

import asyncio
from typing import Any, cast

import pytest

from sandbox.providers.base import ProviderError
from sandbox.providers.kubernetes import helm_definitions
from sandbox.providers.kubernetes.client import Api
from sandbox.providers.kubernetes.config import Settings
from sandbox.providers.kubernetes.helm_definitions import Definitions
from sandbox.providers.kubernetes.helm_tool import HelmError
from sandbox.providers.kubernetes.session import Session
from tests.engine.standin import Recorded

REASON = {"type": "Terminating", "reason": "InstanceDeletionPending", "message": "could not list instances"}
ESTABLISHED = {"type": "Established", "reason": "InitialNamesAccepted", "message": "all is well"}


class Stuck:
    """An API server that takes every order, and deletes nothing."""

    async def get(self, _: str, **__: str) -> dict[str, Any]:
        """The definition, which is there for ever."""
        return {"status": {"conditions": [ESTABLISHED, REASON]}}

    async def request(self, *_: object) -> dict[str, Any]:
        """The definition without a claim."""
        return {"metadata": {"resourceVersion": "1"}}


def test_definitions_that_do_not_go_are_named_with_their_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helm_definitions, "_GONE_SECONDS", 0.4)
    monkeypatch.setattr(helm_definitions, "_POLL_SECONDS", 0.01)

    async def disclaim() -> None:
        session = Session(Recorded(), Settings(), connection=cast(Api, Stuck()))
        definitions = Definitions(session, "shop/shop")
        await asyncio.wait_for(definitions.disclaim(["carts.shop.org", "bills.shop.org"]), timeout=20)

    condition = r"\(InstanceDeletionPending: could not list instances\)"
    message = rf"bills\.shop\.org {condition}; carts\.shop\.org {condition}\. .*kubectl get bills\.shop\.org"
    with pytest.raises(ProviderError, match=message):
        asyncio.run(disclaim())


def test_a_release_that_was_cut_off_does_not_stop_a_preview() -> None:
    assert HelmError("another operation (install/upgrade/rollback) is in progress").may_pass
    assert not HelmError("values don't meet the specifications of the schema").may_pass
