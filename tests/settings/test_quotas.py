"""The quotas that a region needs, and the warnings about them."""

from typing import Any

import pytest

from stacks.quotas import (
    ADDRESSES,
    PROCESSORS,
    USUAL_RULES,
    exceeded,
    few_processors,
    processors,
    public_addresses,
    security_group_rules,
)
from stacks.settings import Settings, parse
from tests.support.regions import MACHINES
from tests.support.rendering import render, stack_config

pytestmark = pytest.mark.unit

PUBLIC_ADDRESS = "azure-native:network:PublicIPAddress"

SAO_PAULO, SYDNEY, VIRGINIA, IOWA, AMSTERDAM = (
    ("sa-east-1", "aws"),
    ("ap-southeast-2", "aws"),
    ("us-east-1", "aws"),
    ("us-central1", "gcp"),
    ("westeurope", "azure"),
)


def settings(*regions: tuple[str, str], **more: Any) -> Settings:
    """Parse the settings of a stack of these regions (name, cloud)."""
    data_services = (
        {"database": {"primaryRegion": regions[0][0]}, "messaging": {"servers": 3}} if len(regions) > 1 else {}
    )
    return parse(
        {
            "stage": "planetary",
            "regions": [
                {"name": name, "cloud": cloud, "nodes": {"type": MACHINES[cloud], "min": 3, "max": 9}}
                for name, cloud in regions
            ],
            "clouds": {
                "gcp": {"project": "my-project"},
                "aws": {"administrators": ["arn:aws:iam::123456789012:role/deployers"]},
                "azure": {"adminGroups": ["11111111-2222-3333-4444-555555555555"]},
            },
            **data_services,
            **more,
        }
    )


def planetary() -> Settings:
    return parse({key.partition(":")[2]: value for key, value in stack_config("planetary").items() if "sacred" in key})


def test_of_a_lone_region_only_the_public_gateway_counts() -> None:
    assert security_group_rules(settings(SAO_PAULO), "sa-east-1") == 1 + 3 + 1
    assert security_group_rules(settings(SAO_PAULO, mesh={"enabled": False}), "sa-east-1") == 1


def test_every_port_has_a_rule_for_each_address_of_the_others_and_one_for_each_subnet() -> None:
    two = settings(SAO_PAULO, IOWA, monitoring={"enabled": False})
    database, messaging, east_west, gateway, icmp, own = 1 + 1, 1 + 3, 2 * (1 + 3), 3, 1 + 1, 1
    assert security_group_rules(two, "sa-east-1") == database + messaging + east_west + gateway + icmp + own


def test_a_cluster_that_was_there_already_counts_with_the_addresses_that_it_says() -> None:
    def stack(*addresses: str) -> Settings:
        cellar = {"name": "europe-west1", "cloud": "existing", "context": "cellar", "egressAddresses": addresses}
        machines = {"type": "m7i.xlarge", "min": 3, "max": 9}
        administrators = ["arn:aws:iam::123456789012:role/deployers"]
        brazil = {"name": "sa-east-1", "cloud": "aws", "nodes": machines, "administrators": administrators}
        data_services = {"database": {"primaryRegion": "sa-east-1"}, "messaging": {"servers": 3}}
        return parse({"stage": "planetary", "regions": [brazil, cellar], **data_services})

    one, two = (
        security_group_rules(stack(*given), "sa-east-1") for given in (["203.0.113.1"], ["203.0.113.1", "203.0.113.2"])
    )
    assert two - one == 3 + 2 + 1


def test_the_planetary_stack_needs_more_than_aws_gives_unasked() -> None:
    stack = planetary()
    needed = {
        region.name: security_group_rules(stack, region.name) for region in stack.regions if region.cloud == "aws"
    }
    assert needed == dict.fromkeys(["sa-east-1", "ap-southeast-2"], 142)
    rules = [warning for warning in exceeded(stack) if "L-0EA8095F" in warning]
    assert [warning.partition(":")[0] for warning in rules] == ["sa-east-1", "ap-southeast-2"]
    assert all(f"about {needed['sa-east-1']} rules" in warning for warning in rules)


def test_the_planetary_stack_needs_more_addresses_than_aws_and_google_give_unasked() -> None:
    stack = planetary()
    # Database nodes, messaging, metrics, brokers, and a validator.
    ways_out, endpoints, gateways, calls = 1, 3 + 1 + 1 + 3 + 1, 2, 2
    assert (
        public_addresses(stack, "asia-east1") == ways_out + endpoints + gateways + calls == 14 > ADDRESSES["gcp"].usual
    )
    # Edge sites reach the messaging and the collector of their home.
    assert public_addresses(stack, "us-central1") == public_addresses(stack, "asia-east1") + 2 == 16
    # NAT, messaging, metrics and the public gateway have an address in each of three zones; each database node,
    # each broker and the validator have one; a server of circles has one for UDP and one for TCP.
    assert public_addresses(stack, "sa-east-1") == 3 * 4 + 3 + 3 + 1 + 2 * calls
    assert public_addresses(stack, "southafricanorth") == 3 + endpoints + gateways + calls < ADDRESSES["azure"].usual
    told = [warning.partition(":")[0] for warning in exceeded(stack) if "public addresses" in warning]
    assert told == ["us-central1", "europe-west1", "asia-east1", "sa-east-1", "ap-southeast-2"]


def test_the_planetary_stack_has_as_many_addresses_as_are_counted() -> None:
    stack, rendered = planetary(), render("planetary")
    reserved = {"gcp": "gcp:compute/address:Address", "aws": "aws:ec2/eip:Eip", "azure": PUBLIC_ADDRESS}
    for region in stack.regions:
        made = [r for r in rendered.of_type(reserved[region.cloud]) if r.name.startswith(f"{region.name}-")]
        # The east-west gateway's load balancer brings its own address, which counts on every cloud but AWS.
        assert public_addresses(stack, region.name) == len(made) + (region.cloud != "aws")


def test_a_lone_region_has_its_way_out_and_its_gateway() -> None:
    assert public_addresses(settings(IOWA), "us-central1") == 1 + 1
    assert public_addresses(settings(SAO_PAULO), "sa-east-1") == 3
    assert public_addresses(settings(AMSTERDAM), "westeurope") == 3 + 1


def test_the_quota_is_named_as_the_cloud_names_it() -> None:
    told = {warning.partition(":")[0]: warning for warning in exceeded(planetary()) if "public addresses" in warning}
    # https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
    assert "L-0263D0A3" in told["sa-east-1"]
    assert "IN-USE-ADDRESSES-per-project-region" in told["us-central1"]


@pytest.mark.parametrize("stack", [settings(IOWA, AMSTERDAM), settings(SAO_PAULO), settings(AMSTERDAM)])
def test_nobody_is_told_where_the_usual_quota_is_enough(stack: Settings) -> None:
    assert list(exceeded(stack)) == []


@pytest.mark.parametrize(
    ("where", "least", "most"),
    [
        (IOWA, 3 * 4, 9 * 4),
        (SAO_PAULO, 3 * 4, 9 * 4),
        # Azure's own pods have a machine of two processors in each zone, which may become two.
        (AMSTERDAM, 3 * 4 + 3 * 2, 9 * 4 + 3 * 2 * 2),
    ],
)
def test_the_processors_of_the_nodes_are_counted(where: tuple[str, str], least: int, most: int) -> None:
    (region,) = settings(where).regions
    assert processors(region) == (least, most)


def test_a_region_whose_first_nodes_are_too_many_is_told_before_it_waits_for_them() -> None:
    # Twelve processors: AWS gives new accounts five (L-1216C47A), Google 24 and Azure 20.
    (told,) = few_processors(settings(IOWA, SAO_PAULO, AMSTERDAM))
    assert told.startswith("sa-east-1: the nodes have 12 processors at first, and up to 36 later. ")
    assert "L-1216C47A" in told
    assert {cloud: quota.usual for cloud, quota in PROCESSORS.items()} == {"aws": 5, "gcp": 24, "azure": 20}


def test_each_region_more_adds_rules() -> None:
    counts = [
        security_group_rules(settings(*regions), "sa-east-1")
        for regions in (
            (SAO_PAULO, IOWA),
            (SAO_PAULO, IOWA, AMSTERDAM),
            (SAO_PAULO, IOWA, AMSTERDAM, SYDNEY),
            (SAO_PAULO, IOWA, AMSTERDAM, SYDNEY, VIRGINIA),
        )
    ]
    assert counts == sorted(set(counts))
    assert counts[0] < USUAL_RULES < counts[-1]
