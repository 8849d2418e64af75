"""Stacks keep the mandatory rules with any data services, hub, edge and protection."""

import json
from collections.abc import Callable

import pytest

from tests.support.edges import planetary
from tests.support.hubs import hub
from tests.support.managed import CLOUDS, managed
from tests.support.policies import violations
from tests.support.regions import MIXED, circled, equipped, ledgered, matched, scaled, streamed
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


@pytest.mark.parametrize("variant", [streamed, scaled, matched, equipped, ledgered, circled])
def test_what_is_off_by_default_keeps_to_all_mandatory_rules(variant: Callable[..., Rendered]) -> None:
    assert violations(variant(*MIXED)) == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_edge_of_every_cloud_keeps_to_all_mandatory_rules(cloud: str) -> None:
    rendered = planetary(cloud)
    assert any(one.type.startswith(PACKAGES[cloud]) and one.name.startswith("edge") for one in rendered.resources)
    assert violations(rendered) == []


def test_a_stack_that_asks_for_deletion_protection_has_it_everywhere() -> None:
    clouds = json.loads(json.dumps(stack_config("planetary")["sacred-council:clouds"]))
    protected = {cloud: {**values, "deletionProtection": True} for cloud, values in clouds.items()}
    assert violations(render("planetary", {"sacred-council:clouds": protected})) == []
