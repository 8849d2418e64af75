"""Stacks keep the mandatory rules with any data services, hub, edge and protection."""

import json
from collections.abc import Callable

import pytest

from policy.rules import messaging
from tests.support.edge_sites import LISBON, OULU
from tests.support.edges import planetary
from tests.support.hubs import hub
from tests.support.managed import CLOUDS, managed
from tests.support.policies import violations
from tests.support.regions import (
    GOOGLE,
    MIXED,
    circled,
    equipped,
    ledgered,
    live,
    matched,
    rendered_with,
    scaled,
    streamed,
)
from tests.support.rendering import Rendered, render, stack_config

pytestmark = pytest.mark.stack

PACKAGES = {"gcp": "gcp:", "aws": "aws:", "azure": "azure-native:"}


def test_every_stack_keeps_to_all_mandatory_rules(stack: Rendered) -> None:
    assert violations(stack) == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_managed_data_services_keep_to_all_mandatory_rules(cloud: str) -> None:
    assert violations(managed(cloud)) == []


def test_a_hub_keeps_to_all_mandatory_rules() -> None:
    assert violations(hub(*MIXED)) == []


@pytest.mark.parametrize("variant", [streamed, scaled, matched, equipped, ledgered, live, circled])
def test_everything_that_is_off_by_default_keeps_to_all_mandatory_rules(variant: Callable[..., Rendered]) -> None:
    assert violations(variant(*MIXED)) == []


def test_edge_sites_and_their_homes_keep_to_all_mandatory_rules() -> None:
    streams = [{"name": "councils", "subjects": ["councils.>"], "home": "europe-west1"}]
    rendered = rendered_with(GOOGLE, messaging={"servers": 3, "streams": streams}, edgeSites=[LISBON, OULU])
    assert violations(rendered) == []


def test_the_rules_see_the_links_of_nats() -> None:
    """A rule that looked for another file would find nothing wrong anywhere."""
    streams = [{"name": "councils", "subjects": ["councils.>"], "home": "europe-west1"}]
    websocket = {"enabled": True, "home": "us-central1"}
    settings = {"servers": 3, "streams": streams, "websocket": websocket}
    rendered = rendered_with(GOOGLE, messaging=settings, edgeSites=[LISBON])
    found = [
        (r.name, key)
        for r in rendered.resources
        if r.type in messaging.TABLE
        for key, text in {**(r.inputs.get("data") or {}), **(r.inputs.get("stringData") or {})}.items()
        if key in messaging.FILES and {"leafnodes", "websocket", "gateway"} & messaging.read(text).keys()
    ]
    assert {name for name, _ in found if name.startswith(("lisbon", "europe-west1"))} >= {
        "lisbon-messaging-users",
        "europe-west1-messaging-settings",
    }
    assert {key for _, key in found} == set(messaging.FILES)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_edge_of_every_cloud_keeps_to_all_mandatory_rules(cloud: str) -> None:
    rendered = planetary(cloud)
    assert any(one.type.startswith(PACKAGES[cloud]) and one.name.startswith("edge") for one in rendered.resources)
    assert violations(rendered) == []


def test_a_stack_that_asks_for_deletion_protection_has_it_everywhere() -> None:
    clouds = json.loads(json.dumps(stack_config("planetary")["sacred-council:clouds"]))
    protected = {cloud: {**values, "deletionProtection": True} for cloud, values in clouds.items()}
    assert violations(render("planetary", {"sacred-council:clouds": protected})) == []
