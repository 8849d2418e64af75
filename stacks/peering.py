"""What joins the data services of several regions: peer endpoints, their addresses and their names.

Every resource here exists early: reserved addresses, load balancers without pods, DNS names. Workloads of a region get
the `StorePeers` of their data service, which depend on these resources only. Without peering this module makes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import pulumi

from components.cluster import ClusterOutputs
from components.database import cockroachdb_nodes as database
from components.ledger import identities as ledger
from components.messaging import configuration as messaging
from components.metadata import POD_NAME_LABEL, selector
from components.monitoring import names as monitoring
from components.monitoring.network_policies import PROMETHEUS
from components.namespaces import COCKROACHDB, KAFKA, LEDGER, MONITORING, NATS
from components.peering import PeerEndpoint, PeerEndpointArgs, PeerNames, PeerNamesArgs, StorePeers, host
from components.streaming import configuration as streaming
from components.streaming import kafka
from stacks.clouds import RegionCloud
from stacks.data_services import data_services
from stacks.mesh_peers import allowed_source_addresses
from stacks.settings import Settings
from stacks.topology import RegionPlan

METRICS_APP: Final = "monitoring"
"""App label of what leads to the metrics of other regions."""
SITES_SERVICE: Final = "sites"
"""Name of the Services at which edge sites reach the region's NATS and its collector of traces."""

PeerEndpoints = Mapping[str, Sequence[PeerEndpoint]]
"""A region's peer endpoints by the data service's namespace, in the order of their numbers."""


@dataclass(frozen=True, kw_only=True)
class PeerEndpointSpec:
    """A peer endpoint of a data service."""

    app: str
    """App label of its Service and of the other regions' names for it."""
    index: int
    port: int
    """TCP port."""
    pods: Mapping[str, str]
    """Labels of the pods behind it."""
    single: bool
    """Whether it leads to one pod only."""

    @property
    def name(self) -> str:
        """Name of the Service, in the data service's namespace."""
        return f"peer-{self.index}"


def peer_endpoint_specs(settings: Settings) -> Mapping[str, Sequence[PeerEndpointSpec]]:
    """The peer endpoints of every region, by the data service's namespace. Pure.

    Database nodes, Kafka brokers and validators are not interchangeable, so each has its own peer endpoint. NATS
    servers are, so they share one. Metrics, which Thanos reads, share one, too.
    """
    nodes = [
        PeerEndpointSpec(
            app=database.APP,
            index=index,
            port=database.SQL_PORT,
            pods={**selector(database.APP), POD_NAME_LABEL: f"{database.APP}-{index}"},
            single=True,
        )
        for index in range(settings.database.nodes)
    ]
    gateway = PeerEndpointSpec(
        app=messaging.APP, index=0, port=messaging.GATEWAY_PORT, pods=selector(messaging.APP), single=False
    )
    brokers = [
        PeerEndpointSpec(
            app=kafka.APP,
            index=index,
            port=streaming.PEER_PORT,
            pods={streaming.POD_NAME_LABEL: streaming.broker_pod(index)},
            single=True,
        )
        for index in range(settings.streaming.brokers)
    ]
    validators = [
        PeerEndpointSpec(
            app=ledger.APP,
            index=index,
            port=ledger.PEER_PORT,
            pods={**selector(ledger.APP), POD_NAME_LABEL: ledger.pod(index)},
            single=True,
        )
        for index in range(settings.ledger.validators)
    ]
    metrics = PeerEndpointSpec(app=METRICS_APP, index=0, port=monitoring.STORE_PORT, pods=PROMETHEUS, single=False)
    return {
        COCKROACHDB: nodes,
        NATS: [gateway],
        **({KAFKA: brokers} if "streaming" in data_services(settings) else {}),
        **({LEDGER: validators} if "ledger" in data_services(settings) else {}),
        **({MONITORING: [metrics]} if settings.monitoring.enabled else {}),
    }


@dataclass(frozen=True, kw_only=True)
class PeeringSite:
    """A region whose peer endpoints are made here."""

    plan: RegionPlan
    settings: Settings
    clouds: Mapping[str, RegionCloud]
    """All regions, by name."""
    cluster: ClusterOutputs
    namespaces: Mapping[str, pulumi.Output[str]]
    parent: pulumi.Resource
    """Parent of the region's early resources."""


def region_peer_endpoints(site: PeeringSite) -> PeerEndpoints:
    """Make the region's peer endpoints."""
    return {
        data_service: [
            _peer_endpoint(site, data_service, endpoint, service=endpoint.name, callers=_callers(site, data_service))
            for endpoint in endpoints
        ]
        for data_service, endpoints in peer_endpoint_specs(site.settings).items()
    }


def _peer_endpoint(
    site: PeeringSite,
    namespace: str,
    endpoint: PeerEndpointSpec,
    *,
    service: str,
    callers: Sequence[pulumi.Input[str]],
) -> PeerEndpoint:
    region = site.plan.name
    name = f"{region}-{namespace}-{service}"
    return PeerEndpoint(
        name,
        PeerEndpointArgs(
            region=region,
            app=endpoint.app,
            namespace=site.namespaces[namespace],
            service=service,
            port=endpoint.port,
            pods=endpoint.pods,
            annotations=site.cluster.load_balancer_annotations,
            address=site.clouds[region].public_address(name, endpoint.index if endpoint.single else None),
            allowed_sources=callers,
        ),
        pulumi.ResourceOptions(parent=site.parent, providers=[site.cluster.provider]),
    )


def allowed_sources(plan: RegionPlan, clouds: Mapping[str, RegionCloud]) -> Sequence[pulumi.Output[str]]:
    """The other regions' egress addresses. With no peers, the region's own: an empty list would admit everyone."""
    return allowed_source_addresses({name: cloud.egress_addresses for name, cloud in clouds.items()}, plan)


def _callers(site: PeeringSite, data_service: str) -> Sequence[pulumi.Input[str]]:
    """Who may call the region's data service: the other regions, and its edge sites if it is the database."""
    return [
        *allowed_sources(site.plan, site.clouds),
        *(addresses_of_sites(site.settings, site.plan.name) if data_service == COCKROACHDB else ()),
    ]


def addresses_of_sites(settings: Settings, region: str) -> Sequence[str]:
    """The addresses that the edge sites of `region` connect from, each once: sites may have one NAT. Pure."""
    return sorted({address for one in settings.sites_of(region) for address in one.egress_addresses})


def site_endpoint_specs(settings: Settings) -> Mapping[str, PeerEndpointSpec]:
    """The peer endpoints of a region that is the home of edge sites, by namespace. Pure."""
    links = PeerEndpointSpec(
        app=messaging.APP, index=0, port=messaging.LEAF_PORT, pods=selector(messaging.APP), single=False
    )
    traces = PeerEndpointSpec(
        app=monitoring.COLLECTOR, index=0, port=monitoring.SITES_PORT, pods=selector(monitoring.COLLECTOR), single=False
    )
    return {NATS: links, **({MONITORING: traces} if settings.monitoring.enabled else {})}


def edge_sites_endpoints(site: PeeringSite) -> Mapping[str, PeerEndpoint]:
    """Make the peer endpoints for the region's edge sites, by namespace. Empty if the region is no site's home."""
    if not site.settings.sites_of(site.plan.name):
        return {}
    callers = addresses_of_sites(site.settings, site.plan.name)
    return {
        namespace: _peer_endpoint(site, namespace, endpoint, service=SITES_SERVICE, callers=callers)
        for namespace, endpoint in site_endpoint_specs(site.settings).items()
    }


def name_peers(site: PeeringSite, endpoints: Mapping[str, PeerEndpoints]) -> Mapping[str, StorePeers]:
    """Give the other regions' peer endpoints DNS names in this region, and return its peers.

    They are by the data service's namespace. `endpoints` has the peer endpoints of all regions, by region.
    """
    return {
        data_service: _named(site, data_service, ways, endpoints)
        for data_service, ways in peer_endpoint_specs(site.settings).items()
    }


def _named(
    site: PeeringSite, data_service: str, ways: Sequence[PeerEndpointSpec], endpoints: Mapping[str, PeerEndpoints]
) -> StorePeers:
    hosts = {
        host(peer, index): endpoint.addresses
        for peer in site.plan.peers
        for index, endpoint in enumerate(endpoints[peer][data_service])
    }
    PeerNames(
        f"{site.plan.name}-{data_service}-peers",
        PeerNamesArgs(
            region=site.plan.name,
            app=ways[0].app,
            namespace=site.namespaces[data_service],
            port=ways[0].port,
            hosts=hosts,
        ),
        pulumi.ResourceOptions(parent=site.parent, providers=[site.cluster.provider]),
    )
    return StorePeers(
        regions=site.plan.failover,
        endpoints=list(chain.from_iterable(hosts.values())),
        allowed_sources=_callers(site, data_service),
    )
