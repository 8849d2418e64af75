"""The super-cluster of messaging: references between regions, and the changes of adding or removing a region."""

from typing import Any

import pytest

from components.messaging import configuration as nats
from tests.peering.test_peering_of_regions import endpoints
from tests.support.data_services import container, unchanging
from tests.support.regions import FIVE, GOOGLE, IOWA, MIXED, Where, changed, egress, rendered
from tests.support.rendering import Rendered

pytestmark = pytest.mark.stack

PRIMARY_REGION = IOWA[0]


def part(stack: Rendered, region: str, rest: str) -> dict[str, Any]:
    """Return the inputs of a part of the region's messaging."""
    return stack.named(f"{region}-messaging-{rest}").inputs


def configuration(stack: Rendered, region: str) -> str:
    """Return the region's nats.conf."""
    return str(part(stack, region, "settings")["data"]["nats.conf"])


def across(stack: Rendered, region: str, direction: str) -> list[str]:
    """List the address ranges that may reach the region's gateway, or that the gateway may reach."""
    peers = "from" if direction == "ingress" else "to"
    rules = part(stack, region, "network-policy")["spec"][direction]
    (found,) = [rule for rule in rules if [port["port"] for port in rule["ports"]] == [nats.GATEWAY_PORT]]
    return sorted(peer["ipBlock"]["cidr"] for peer in found[peers])


@pytest.mark.parametrize("where", FIVE)
def test_a_region_names_itself_and_the_one_that_all_meet_at(where: Where) -> None:
    stack, region = rendered(*FIVE), where[0]
    gateway = configuration(stack, region).partition("\ngateway {")[2]
    assert f'advertise: "{region}-0.peers.nats.svc:7222"' in gateway
    named = [name for name, _ in FIVE if f'name: "{name}"' in gateway.partition("gateways:")[2]]
    assert named == ([] if region == PRIMARY_REGION else [PRIMARY_REGION])
    assert "verify: true" in gateway


def test_one_region_alone_has_no_gateway() -> None:
    stack = rendered(IOWA)
    assert "gateway" not in configuration(stack, PRIMARY_REGION)
    server = container(part(stack, PRIMARY_REGION, "statefulset")["spec"]["template"], "nats")
    assert "gateway" not in {port["name"] for port in server["ports"]}
    assert nats.GATEWAY_PORT not in {
        port["port"]
        for direction in ("ingress", "egress")
        for rule in part(stack, PRIMARY_REGION, "network-policy")["spec"][direction]
        for port in rule["ports"]
    }


@pytest.mark.parametrize("where", FIVE)
def test_only_the_other_regions_reach_a_gateway_and_it_reaches_only_their_peer_endpoints(where: Where) -> None:
    stack, region = rendered(*FIVE), where[0]
    others = [name for name, _ in FIVE if name != region]
    assert across(stack, region, "ingress") == sorted(block for name in others for block in egress(stack, name))
    targets = [address for found in endpoints(stack, region, "nats").values() for address in found]
    assert across(stack, region, "egress") == sorted(f"{address}/32" for address in targets)


@pytest.mark.parametrize("more", [GOOGLE, MIXED])
def test_the_second_region_gives_the_first_a_gateway_in_place(more: tuple[Where, ...]) -> None:
    before, after = rendered(IOWA), rendered(*more)
    touched = {name for name in changed(before, after, PRIMARY_REGION) if name.startswith("messaging")}
    assert touched == {"messaging-settings", "messaging-statefulset", "messaging-network-policy"}
    sets = [part(stack, PRIMARY_REGION, "statefulset") for stack in (before, after)]
    assert unchanging(sets[0]) == unchanging(sets[1])


@pytest.mark.parametrize("where", MIXED)
def test_later_regions_restart_no_server_of_the_others(where: Where) -> None:
    before, after = rendered(*MIXED), rendered(*FIVE)
    touched = {name for name in changed(before, after, where[0]) if name.startswith("messaging")}
    assert touched == {"messaging-network-policy"}
