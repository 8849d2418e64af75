"""Edge sites: each is planned and built like a region that is alone, with database and messages' home elsewhere.

A site is a stack of one region to the components that it holds: it has no peers, no monitoring of its own but a
collector of traces, and smaller sizes. What it has of its home comes from early resources: addresses of peer endpoints,
and a password. Its home waits for nothing of it but that password.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.cdn import RegionEdge
from components.circles.settings import CirclesSettings
from components.cluster.settings import ExistingRegion
from components.database.credentials import DatabaseCredentials
from components.gitops.settings import GitOpsSettings
from components.ledger.settings import LedgerSettings
from components.matching.settings import MatchingSettings
from components.messaging.settings import WebSocketSettings
from components.messaging.site_links import HomeLink, SiteLink
from components.namespaces import COCKROACHDB, MONITORING, NATS
from components.passwords import random_password
from components.rancher.settings import RancherSettings
from components.scaling.settings import ScalingSettings
from components.services.settings import ServicesSettings
from components.sites import HomeCollector
from components.sites.settings import EdgeSite
from components.streaming.settings import StreamingSettings
from components.trust import RootAuthority, RootAuthorityArgs
from stacks import topology
from stacks.clouds.existing import ExistingCloud
from stacks.region import Home, Region, RegionArgs
from stacks.region_base import RegionBase, RegionBaseArgs
from stacks.settings import Settings
from stacks.topology import RegionPlan

SLOT: Final = topology.LONE_SLOT
"""Of every site: the program makes no network for it, and no other cluster reaches its pods' addresses."""
MOST_REPLICAS: Final = 2
"""Of each service at a site. One machine has no more for a circle's users than that machine."""


@dataclass(frozen=True, kw_only=True)
class SitePassword:
    """The password with which a site logs in to its home's NATS."""

    site: EdgeSite
    password: pulumi.Output[str]
    password_hash: pulumi.Output[str]

    @property
    def link(self) -> SiteLink:
        """The site, as its home's NATS sees it."""
        addresses = self.site.egress_addresses
        return SiteLink(site=self.site.name, password_hash=self.password_hash, egress_addresses=addresses)


def site_passwords(settings: Settings, opts: pulumi.ResourceOptions) -> Mapping[str, SitePassword]:
    """Make the passwords of all sites, by site. They exist before any cluster."""
    sites = sorted(settings.edge_sites, key=lambda site: site.name)
    made = [(site, random_password(f"{site.name}-link-password", opts)) for site in sites]
    return {
        site.name: SitePassword(site=site, password=one.result, password_hash=one.bcrypt_hash) for site, one in made
    }


def settings_of(site: EdgeSite, settings: Settings) -> Settings:
    """The settings of a site: those of its stack, for one cluster with one of everything. Pure."""
    cluster = {
        "name": site.name,
        "cloud": "existing",
        "context": site.context,
        "platform": site.platform,
        "serviceType": site.service_type,
        "egressAddresses": site.egress_addresses,
        "dnsAddresses": site.dns_addresses,
        "gatewayAddress": site.gateway_address,
        "geography": site.geography,
        "slot": SLOT,
    }
    return settings.model_copy(
        update={
            "regions": (ExistingRegion.model_validate(cluster),),
            "edge_sites": (),
            "database": settings.database.model_copy(update={"primary_region": None}),
            "cache": settings.cache.model_copy(update={"engine": "redis", "replicas": 1}),
            "messaging": settings.messaging.model_copy(
                update={"servers": 1, "storage": site.storage, "websocket": WebSocketSettings()}
            ),
            "mesh": settings.mesh.model_copy(update={"replicas": 1}),
            "monitoring": settings.monitoring.model_copy(update={"enabled": False}),
            "services": _small(settings.services),
            "edge": settings.edge
            if site in settings.steered_sites
            else settings.edge.model_copy(update={"cdn": "none"}),
            "streaming": StreamingSettings(),
            "scaling": ScalingSettings(),
            "matching": MatchingSettings(),
            "ledger": LedgerSettings(),
            "circles": CirclesSettings(),
            "gitops": GitOpsSettings(),
            "rancher": RancherSettings(),
        }
    )


def _small(services: ServicesSettings) -> ServicesSettings:
    replicas = {"min_replicas": 1, "max_replicas": MOST_REPLICAS, "follow_the_sun": False}
    fields = {name.replace("-", "_"): service for name, service in services.by_name().items()}
    small = {name: service.model_copy(update=replicas) for name, service in fields.items()}
    # Without matching in the site, nothing answers `sacred-matching`.
    return services.model_copy(update={**small, "sacred_matching": None})


def plan_of(site: EdgeSite, settings: Settings) -> RegionPlan:
    """The plan of a site, which has no peers. Pure."""
    (plan,) = topology.plan(settings_of(site, settings))
    return plan


def steered_plans(settings: Settings) -> tuple[RegionPlan, ...]:
    """The plans of the sites that the CDN sends users to, sorted by name. Pure."""
    return tuple(sorted((plan_of(site, settings) for site in settings.steered_sites), key=lambda plan: plan.name))


def build_site(
    password: SitePassword,
    stack: Settings,
    *,
    home: RegionBase,
    platform_root: RootAuthority,
    database_credentials: DatabaseCredentials,
    chart_renderer: k8s.Provider,
    edge: RegionEdge | None,
    opts: pulumi.ResourceOptions,
) -> Region:
    """Build a site in its cluster. It waits for its home's addresses, and for nothing that runs there.

    `home` is the base of its home region. `edge` is the CDN in front of it; None: the CDN sends no users there.
    """
    site, settings = password.site, settings_of(password.site, stack)
    plan = plan_of(site, stack)
    cloud = ExistingCloud(_cluster_of(settings))
    base = RegionBase(
        f"{site.name}-base",
        RegionBaseArgs(
            plan=plan,
            settings=settings,
            clouds={site.name: cloud},
            platform_root=platform_root,
            # A root of its own: whoever carries the machine away has no key that the regions' meshes trust.
            mesh_root=RootAuthority(
                f"{site.name}-mesh-root",
                RootAuthorityArgs(common_name=f"Sacred Council mesh root of {site.name}"),
                opts,
            ),
            traced=stack.monitoring.enabled,
        ),
        opts,
    )
    return Region(
        site.name,
        RegionArgs(
            plan=plan,
            settings=settings,
            secrets={},
            base=base,
            database_credentials=database_credentials,
            matching_credentials=None,
            chart_renderer=chart_renderer,
            home=_home(password, home),
            edge=edge,
        ),
        opts,
    )


def _cluster_of(settings: Settings) -> ExistingRegion:
    (cluster,) = settings.regions
    if not isinstance(cluster, ExistingRegion):
        raise TypeError(f"{cluster.name}: expected an existing cluster, got one of {cluster.cloud}")
    return cluster


def _home(password: SitePassword, base: RegionBase) -> Home:
    endpoints, home = base.sites_endpoints, password.site.home
    if not endpoints:
        raise ValueError(f"home: {home} has no peer endpoint for {password.site.name}")
    traces = endpoints.get(MONITORING)
    return Home(
        database=[node.addresses for node in base.endpoints[COCKROACHDB]],
        messaging=HomeLink(region=home, password=password.password, addresses=endpoints[NATS].addresses),
        traces=HomeCollector(region=home, addresses=traces.addresses) if traces is not None else None,
    )
