"""Every connection that crosses regions says something, or ends, before a cloud on its way forgets it."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.regions import MIXED, of_region, rendered_with
from tests.support.rendering import Rendered

pytestmark = pytest.mark.stack

FORGETS = 240
"""Seconds after which Azure's load balancers and NATs forget a silent connection. AWS: 350, Google Cloud: 600."""
REGIONS = [name for name, _ in MIXED]


def stack() -> Rendered:
    """A stack in which everything crosses regions that can."""
    topics = [{"name": "decisions", "replicatedTo": "all"}]
    return rendered_with(MIXED, monitoring={}, streaming={"enabled": True, "topics": topics})


def part(region: str, rest: str) -> dict[str, Any]:
    return stack().named(f"{region}-{rest}").inputs


def kafka(region: str) -> list[float]:
    # Default of brokers: 600,000. Default of clients: 540,000. A connector's clients take their configuration from its
    # own keys with the client's prefix (Kafka's MirrorConnectorConfig): `source.config` would not reach them.
    brokers = part(region, "streaming-cluster")["spec"]["kafka"]["config"].get("connections.max.idle.ms", 600_000)
    clients = [
        mirror[connector]["config"].get(f"{client}.connections.max.idle.ms", 540_000)
        for mirror in part(region, "streaming-mirror")["spec"]["mirrors"]
        for connector in ("sourceConnector", "checkpointConnector")
        for client in ("consumer", "producer", "admin")
    ]
    assert clients
    # The clients of a worker's group and topics, which call the region's brokers.
    clients.append(part(region, "streaming-mirror")["spec"]["target"]["config"].get("connections.max.idle.ms", 540_000))
    # As with the defaults, clients end a connection first. Otherwise a request may meet one that the broker just ended.
    assert max(clients) < brokers
    return [milliseconds / 1000 for milliseconds in (brokers, *clients)]


def nats(region: str) -> list[float]:
    # A fact of the program: gateways ping every 15 seconds, or more often if `ping_interval` says so
    # (`adjustPingInterval` in NATS' server/client.go). A region writes nothing about pings.
    assert not re.search(r"\bping_", part(region, "messaging-settings")["data"]["nats.conf"])
    return [15.0]


def cockroachdb(region: str) -> list[float]:
    # Nodes ping every second, unless the environment says otherwise (CockroachDB's pkg/base/config.go).
    pod = part(region, "database-statefulset")["spec"]["template"]["spec"]
    values = {each["name"]: each.get("value") for container in pod["containers"] for each in container.get("env", [])}
    return [float((values.get("COCKROACH_PING_INTERVAL") or "1s").removesuffix("s"))]


def thanos(region: str) -> list[float]:
    # A fact of the program: the querier asks every endpoint for its information every 5 seconds, and no argument
    # changes that (Thanos' cmd/thanos/query.go). An endpoint that is not in the file is not asked.
    listed = part(region, "monitoring-thanos-query-endpoints")["data"]["endpoints.yaml"]
    assert all(f"{other}-0.peers.monitoring.svc" in listed for other in REGIONS if other != region)
    return [5.0]


def mesh(region: str) -> list[float]:
    (values,) = [
        r.inputs["values"]["meshConfig"]
        for r in of_region(stack(), region).values()
        if "meshConfig" in (r.inputs.get("values") or {})
    ]
    # Envoy's default is the kernel's: two hours.
    return [float((values.get("tcpKeepalive") or {"time": "7200s"})["time"].removesuffix("s"))]


SILENCE: dict[int, Callable[[str], list[float]]] = {
    7222: nats,
    9094: kafka,
    10901: thanos,
    15443: mesh,
    26257: cockroachdb,
}
"""The longest silence in seconds on connections to a port that other regions reach."""


@pytest.mark.parametrize("region", REGIONS)
def test_each_port_that_other_regions_reach_has_a_known_silence(region: str) -> None:
    mine = of_region(stack(), region).values()
    reached = {
        port["port"]
        for resource in mine
        if resource.type == "kubernetes:core/v1:Service" and "-peer-" in resource.name
        for port in resource.inputs["spec"]["ports"]
    }
    # The health port of the gateway is for its load balancer.
    east_west = part(region, "mesh-east-west-release")["values"]["service"]["ports"]
    reached |= {port["port"] for port in east_west} - {15021}
    assert reached == SILENCE.keys()


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("port", SILENCE)
def test_no_connection_between_regions_is_silent_until_a_cloud_forgets_it(region: str, port: int) -> None:
    assert max(SILENCE[port](region)) < FORGETS
