"""Rules between circles' settings and the rest."""

from typing import Any

import pytest

from stacks.quotas import public_addresses, security_group_rules
from stacks.settings import parse
from stacks.settings.parsing import check
from tests.support.regions import IOWA, MIXED, VIRGINIA, configured

pytestmark = pytest.mark.unit

EDGE = {"domain": "example.org", "cdn": "gcp", "project": "my-project"}


def said(*regions: tuple[str, str], **sections: Any) -> list[str]:
    """The paths of the mistakes in the settings of these regions."""
    _, mistakes = check({"stage": "planetary", **configured(*regions), **sections})
    return [mistake.path for mistake in mistakes]


def test_several_regions_need_the_names_that_a_cdn_s_dns_gives_them() -> None:
    on = {"enabled": True}
    assert said(*MIXED, circles=on) == ["circles.enabled"]
    assert said(*MIXED, circles=on, edge=EDGE) == []
    assert said(IOWA, circles=on) == []
    assert said(*MIXED) == []


def test_participants_need_the_gateway_of_the_mesh() -> None:
    assert said(IOWA, circles={"enabled": True}, mesh={"enabled": False}) == ["circles.enabled"]


@pytest.mark.parametrize(("kind", "found"), [("NodePort", ["regions[0].serviceType"]), ("LoadBalancer", [])])
def test_servers_need_load_balancers(kind: str, found: list[str]) -> None:
    region = {"name": "local", "cloud": "existing", "serviceType": kind}
    assert said(regions=[region], clouds={}, circles={"enabled": True}) == found
    assert said(regions=[region], clouds={}) == []


def test_servers_take_addresses_from_the_cloud_s_quota() -> None:
    off, on = (
        {"stage": "planetary", **configured(*MIXED), "edge": EDGE, "circles": {"enabled": on}} for on in (False, True)
    )
    more = {name: public_addresses(parse(on), name) - public_addresses(parse(off), name) for name, _ in MIXED}
    assert more == {"us-central1": 2, "us-east-1": 4, "westeurope": 2}
    rules = security_group_rules(parse(on), VIRGINIA[0]) - security_group_rules(parse(off), VIRGINIA[0])
    # For each server: two ports of UDP, two of TCP, and one for ICMP.
    assert rules == 10
