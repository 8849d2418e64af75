"""The whole platform: shared resources first, then the regions."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_random as random
import pulumi_tls as tls

from components.cdn import Edge, RegionEdge
from components.circles.endpoints import ServerAddresses
from components.database.credentials import DatabaseCredentials
from components.gitops import ArgoCD
from components.ledger.ledger_keys import LedgerMembers
from components.local_chart import chart_renderer
from components.matching.index import USERNAME
from components.messaging.live_keys import LiveKeys
from components.trust import RootAuthority, RootAuthorityArgs
from stacks import circles, clusters, ledger, quotas, standbys, topology
from stacks.clouds import RegionCloud
from stacks.edge import build_edge, region_edges
from stacks.gitops import build_gitops, build_rancher
from stacks.mesh_peers import mesh_east_west
from stacks.region import Region, RegionArgs
from stacks.region_base import RegionBase, RegionBaseArgs
from stacks.settings import Settings
from stacks.sites import SitePassword, build_site, site_passwords, steered_plans


class Platform(pulumi.ComponentResource):
    """Every region of the stack. Regions depend on each other's region bases, never on each other's workloads.

    `secrets` are by name, with None for one that is not set.

    Outputs: `outputs`, what a user needs to reach each region. Nothing in it is secret.
    """

    outputs: Mapping[str, Any]

    def __init__(
        self,
        name: str,
        settings: Settings,
        secrets: Mapping[str, pulumi.Output[str] | None],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:stack:Platform", name, None, opts)
        self._name = name
        self._settings, self._secrets = settings, secrets
        self._mine = pulumi.ResourceOptions(parent=self)
        generators = [random.Provider(f"{name}-random", opts=self._mine), tls.Provider(f"{name}-tls", opts=self._mine)]
        self._child = pulumi.ResourceOptions(parent=self, providers=generators)
        child = self._child
        quotas_told = (*quotas.exceeded(settings), *quotas.few_processors(settings))
        for warning in (*quotas_told, *standbys.blocked(settings), *ledger.weak(settings)):
            pulumi.log.warn(warning, self)
        plans = topology.plan(settings)
        clouds = {plan.name: clusters.region_cloud(plan, settings, child) for plan in plans}
        origins = (*plans, *steered_plans(settings))
        edges = region_edges(settings, origins, clouds, child)
        self._platform_root = _root(f"{self._name}-root", "Sacred Council platform root", self._child)
        self._credentials = DatabaseCredentials(f"{self._name}-database-credentials", opts=self._child)
        self._renderer = chart_renderer(f"{self._name}-charts", self._mine)
        bases = self._bases(plans, clouds)
        passwords = site_passwords(settings, child)
        addresses = circles.reserve_addresses(settings, plans, clouds)
        regions = self._regions(plans, bases, edges, passwords, addresses)
        sites = self._sites(bases, passwords, edges)
        edge = build_edge(settings, origins, edges, circles.server_hosts(addresses), child)
        gitops = build_gitops(settings, bases, regions, secrets, child)
        rancher = build_rancher(settings, bases, regions, child)
        self.outputs = {
            "stage": settings.stage,
            **({"edge": _how_to_reach(edge)} if edge else {}),
            **({"gitops": _how_to_log_in(gitops)} if gitops else {}),
            **({"rancher": {"url": rancher.url, "secret": rancher.secret_name}} if rancher else {}),
            "regions": {region: built.outputs for region, built in regions.items()},
            **({"edgeSites": {site: built.outputs for site, built in sites.items()}} if sites else {}),
        }
        self.register_outputs({})

    def _bases(
        self, plans: Sequence[topology.RegionPlan], clouds: Mapping[str, RegionCloud]
    ) -> Mapping[str, RegionBase]:
        mesh_root = _root(f"{self._name}-mesh-root", "Sacred Council mesh root", self._child)
        return {
            plan.name: RegionBase(
                f"{plan.name}-base",
                RegionBaseArgs(
                    plan=plan,
                    settings=self._settings,
                    clouds=clouds,
                    platform_root=self._platform_root,
                    mesh_root=mesh_root,
                ),
                self._child,
            )
            for plan in plans
        }

    def _regions(
        self,
        plans: Sequence[topology.RegionPlan],
        bases: Mapping[str, RegionBase],
        edges: Mapping[str, RegionEdge],
        passwords: Mapping[str, SitePassword],
        addresses: Mapping[str, Sequence[ServerAddresses]],
    ) -> Mapping[str, Region]:
        settings = self._settings
        matching = (
            DatabaseCredentials(f"{self._name}-matching-credentials", username=USERNAME, opts=self._child)
            if settings.matching.enabled
            else None
        )
        east_wests = mesh_east_west(plans, bases) if settings.mesh.enabled else {}
        endpoints = {name: base.endpoints for name, base in bases.items()}
        live = self._live_keys()
        members = self._ledger_members(plans)
        calls = circles.access(f"{self._name}-circles-keys", settings, plans, self._child)
        return {
            plan.name: Region(
                plan.name,
                RegionArgs(
                    plan=plan,
                    settings=settings,
                    secrets=self._secrets,
                    base=bases[plan.name],
                    database_credentials=self._credentials,
                    matching_credentials=matching,
                    chart_renderer=self._renderer,
                    east_west=east_wests.get(plan.name),
                    peers=bases[plan.name].peers(endpoints),
                    edge=edges.get(plan.name),
                    live=live,
                    ledger=members,
                    circles=calls,
                    circles_addresses=addresses.get(plan.name, ()),
                    sites=[passwords[site.name].link for site in settings.sites_of(plan.name)],
                ),
                self._child,
            )
            for plan in plans
        }

    def _ledger_members(self, plans: Sequence[topology.RegionPlan]) -> LedgerMembers | None:
        settings = self._settings.ledger
        return LedgerMembers.of((plan.name for plan in plans), settings, self._child) if settings.enabled else None

    def _sites(
        self,
        bases: Mapping[str, RegionBase],
        passwords: Mapping[str, SitePassword],
        edges: Mapping[str, RegionEdge],
    ) -> Mapping[str, Region]:
        return {
            name: build_site(
                password,
                self._settings,
                home=bases[password.site.home],
                platform_root=self._platform_root,
                database_credentials=self._credentials,
                chart_renderer=self._renderer,
                edge=edges.get(name),
                opts=self._child,
            )
            for name, password in passwords.items()
        }

    def _live_keys(self) -> LiveKeys | None:
        settings = self._settings.messaging.websocket
        return LiveKeys(f"{self._name}-live-keys", settings, self._child) if settings.enabled else None


def _how_to_reach(edge: Edge) -> dict[str, Any]:
    return {"url": edge.url, "hostname": edge.hostname, "nameServers": edge.name_servers}


def _how_to_log_in(gitops: ArgoCD) -> dict[str, Any]:
    return {"url": gitops.url, "portForward": gitops.port_forward, "secret": gitops.secret_name}


def _root(name: str, common_name: str, opts: pulumi.ResourceOptions) -> RootAuthority:
    return RootAuthority(name, RootAuthorityArgs(common_name=common_name), opts)
