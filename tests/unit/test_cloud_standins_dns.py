"""The stand-ins of the clouds: what their DNS refuses."""

from __future__ import annotations

import pytest

from sandbox.providers.base import ProviderError
from tests.unit.cloud_standins import create, update

pytestmark = pytest.mark.usefixtures("sandbox")

RECORD = "aws:route53/record:Record"
HOST = {"zoneId": "Z1", "name": "origin.example.org"}
AUTHORITIES = {**HOST, "type": "CAA", "ttl": 60, "records": ['0 issue "letsencrypt.org"']}
ALIAS = {**HOST, "type": "CNAME", "ttl": 60, "records": ["here.example.org"], "setIdentifier": "here"}


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
