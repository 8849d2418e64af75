"""What a region needs of quotas, and who is told."""

from typing import Any

import pytest

from stacks.quotas import USUAL_RULES, exceeded, security_group_rules
from stacks.settings import Settings, parse
from tests.rendering import stack_config

MACHINES = {"gcp": "e2-standard-4", "aws": "m7i.xlarge", "azure": "Standard_D4s_v5"}
SAO_PAULO, SYDNEY, VIRGINIA, IOWA, AMSTERDAM = (
    ("sa-east-1", "aws"),
    ("ap-southeast-2", "aws"),
    ("us-east-1", "aws"),
    ("us-central1", "gcp"),
    ("westeurope", "azure"),
)


def settings(*regions: tuple[str, str], **more: Any) -> Settings:
    """A stack of these regions (name, cloud)."""
    stores = {"database": {"founder": regions[0][0]}, "messaging": {"servers": 3}} if len(regions) > 1 else {}
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
            **stores,
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
        stores = {"database": {"founder": "sa-east-1"}, "messaging": {"servers": 3}}
        return parse({"stage": "planetary", "regions": [brazil, cellar], **stores})

    one, two = (
        security_group_rules(stack(*given), "sa-east-1") for given in (["203.0.113.1"], ["203.0.113.1", "203.0.113.2"])
    )
    assert two - one == 3 + 2 + 1


def test_the_planetary_stack_needs_more_than_aws_gives_unasked() -> None:
    stack = planetary()
    needed = {
        region.name: security_group_rules(stack, region.name) for region in stack.regions if region.cloud == "aws"
    }
    assert needed == {"sa-east-1": 76, "ap-southeast-2": 76}
    assert [warning.partition(":")[0] for warning in exceeded(stack)] == ["sa-east-1", "ap-southeast-2"]
    assert all("about 76 rules" in warning and "L-0EA8095F" in warning for warning in exceeded(stack))


@pytest.mark.parametrize("stack", [settings(IOWA, AMSTERDAM), settings(SAO_PAULO), settings(SAO_PAULO, IOWA)])
def test_nobody_is_told_where_the_usual_quota_is_enough(stack: Settings) -> None:
    assert list(exceeded(stack)) == []


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
