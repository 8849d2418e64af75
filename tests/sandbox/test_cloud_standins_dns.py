"""The stand-ins of the clouds: records that their DNS refuses."""

from __future__ import annotations

import pytest

from sandbox.providers.base import ProviderError
from tests.support.cloud_standins import create, update

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("simulated_clouds")]

RECORD = "aws:route53/record:Record"
HOST = {"zoneId": "Z1", "name": "origin.example.org"}
AUTHORITIES = {**HOST, "type": "CAA", "ttl": 60, "records": ['0 issue "letsencrypt.org"']}
ALIAS = {**HOST, "type": "CNAME", "ttl": 60, "records": ["here.example.org"], "setIdentifier": "here"}

GOOGLE_ZONE = "gcp:dns/managedZone:ManagedZone"
GOOGLE_RECORD = "gcp:dns/recordSet:RecordSet"


@pytest.mark.parametrize(
    ("first", "second"), [(AUTHORITIES, ALIAS), (ALIAS, {**AUTHORITIES, "name": "ORIGIN.example.org."})]
)
def test_route_53_has_nothing_beside_an_alias(first: dict[str, object], second: dict[str, object]) -> None:
    create(RECORD, first)
    with pytest.raises(ProviderError, match=r"origin\.example\.org has records of type .*; beside an alias \(CNAME\)"):
        create(RECORD, second)


def test_route_53_has_several_aliases_that_are_steered_and_aliases_beside_other_hosts() -> None:
    made = create(RECORD, ALIAS)
    create(RECORD, {**ALIAS, "setIdentifier": "there", "records": ["there.example.org"]})
    create(RECORD, {**AUTHORITIES, "name": "example.org"})
    create(RECORD, {**AUTHORITIES, "zoneId": "Z2"})
    assert update(RECORD, made, {**ALIAS, "ttl": 30})["ttl"] == 30


def steered(zone: str, *addresses: str) -> dict[str, object]:
    """A record set of Cloud DNS with routing by place and health."""
    item = {"location": "us-central1", "healthCheckedTargets": {"externalEndpoints": list(addresses)}}
    return {
        "managedZone": zone,
        "name": "origin.example.org.",
        "type": "A",
        "ttl": 60,
        "routingPolicy": {"geos": [item], "healthCheck": "health"},
    }


def test_cloud_dns_checks_one_address_per_place_in_a_signed_zone() -> None:
    create(GOOGLE_ZONE, {"name": "signed", "dnsName": "example.org.", "dnssecConfig": {"state": "on"}})
    made = create(GOOGLE_RECORD, steered("signed", "192.0.2.1"))
    with pytest.raises(ProviderError, match=r"the zone signed is signed: .* one address with health checks"):
        update(GOOGLE_RECORD, made, steered("signed", "192.0.2.1", "192.0.2.2"))


@pytest.mark.parametrize("dnssec", [None, {"state": "off"}])
def test_cloud_dns_checks_several_addresses_per_place_in_a_zone_that_is_not_signed(
    dnssec: dict[str, str] | None,
) -> None:
    create(GOOGLE_ZONE, {"name": "plain", "dnsName": "example.org.", "dnssecConfig": dnssec})
    create(GOOGLE_RECORD, steered("plain", "192.0.2.1", "192.0.2.2"))
