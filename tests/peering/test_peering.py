"""Names and peer endpoints between regions, decided without any stack."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.peering import PEER_NAMES, PeerEndpointArgs, StorePeers, host, peer_name
from components.peering.peer_endpoint import given_address
from stacks.peering import peer_endpoint_specs
from stacks.settings import parse

pytestmark = pytest.mark.unit

LABEL_LIMIT = 63
names = st.from_regex(r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?", fullmatch=True)
numbers = st.integers(min_value=0, max_value=999)


@given(names, numbers)
def test_a_name_is_covered_by_the_wildcards_of_certificates(region: str, index: int) -> None:
    first, _, rest = peer_name(region, "nats", index).partition(".")
    assert f"*.{rest}" in {pattern.format("nats") for pattern in PEER_NAMES}
    assert first == host(region, index)
    assert len(first) <= LABEL_LIMIT


@given(names, numbers, names, numbers)
def test_no_two_peer_endpoints_have_the_same_name(one: str, first: int, other: str, second: int) -> None:
    # With regions named a-1 and a, the hosts a-1-0 and a-1 must not collide.
    if (one, first) != (other, second):
        assert host(one, first) != host(other, second)


def test_every_database_node_has_a_peer_endpoint_and_all_servers_of_messaging_share_one() -> None:
    settings = parse(
        {
            "stage": "regional",
            "regions": [{"name": "here", "cloud": "existing"}],
            "database": {"nodes": 4},
            "messaging": {"servers": 3},
        }
    )
    planned = peer_endpoint_specs(settings)
    pods = [endpoint.pods["statefulset.kubernetes.io/pod-name"] for endpoint in planned["cockroachdb"]]
    assert pods == [f"cockroachdb-{index}" for index in range(4)]
    assert [endpoint.pods for endpoint in planned["nats"]] == [{"app.kubernetes.io/name": "nats"}]


class _Entry:
    def __init__(self, ip: str | None = None, hostname: str | None = None) -> None:
        self.ip, self.hostname = ip, hostname


class _Status:
    def __init__(self, *entries: _Entry) -> None:
        self.load_balancer = type("Balancer", (), {"ingress": list(entries)})


def test_a_load_balancer_with_a_host_name_only_is_refused_with_the_way_out() -> None:
    assert given_address(_Status(_Entry(hostname="a.example"), _Entry(ip="198.51.100.7"))) == "198.51.100.7"
    with pytest.raises(
        ValueError, match=r"no IPv4 address but a\.example; .*make the region's cloud gcp, aws or azure"
    ):
        given_address(_Status(_Entry(hostname="a.example")))
    with pytest.raises(ValueError, match="but nothing"):
        given_address(None)


ENDPOINT: Final = PeerEndpointArgs(
    region="here",
    app="nats",
    namespace="nats",
    service="peer-0",
    port=1,
    pods={"is": "nats"},
    allowed_sources=["198.51.100.7"],
)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="pods: expected labels"):
        replace(ENDPOINT, pods={})


def test_nothing_is_open_to_anyone() -> None:
    with pytest.raises(ValueError, match="allowed_sources: expected addresses, got none"):
        replace(ENDPOINT, allowed_sources=[])
    with pytest.raises(ValueError, match="allowed_sources: expected addresses, got none"):
        StorePeers(regions=["there"], endpoints=["198.51.100.7"], allowed_sources=[])
