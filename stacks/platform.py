"""The whole platform: what all regions share, then the regions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_random as random
import pulumi_tls as tls

from components.cdn import Edge
from components.database.credentials import DatabaseCredentials, DatabaseCredentialsArgs
from components.gitops import ArgoCD
from components.local_chart import chart_renderer
from components.trust import RootAuthority, RootAuthorityArgs
from stacks import clusters, topology
from stacks.delivery import build_fleet, build_gitops
from stacks.edge import build_edge, region_edges
from stacks.foundation import Foundation, FoundationArgs
from stacks.mesh_peers import MeshSite, mesh_crossings
from stacks.region import Region, RegionArgs
from stacks.region_mesh import CONTROL_PLANE
from stacks.settings import Settings


@dataclass(frozen=True, kw_only=True)
class PlatformArgs:
    """The stack's `settings`, and its `secrets` by name (None where one is not set)."""

    settings: Settings
    secrets: Mapping[str, pulumi.Output[str] | None]


class Platform(pulumi.ComponentResource):
    """Every region of the stack. Regions know each other's foundations, never each other's workloads.

    Outputs: `outputs`, what a user needs to reach each region. Nothing in it is secret.
    """

    outputs: Mapping[str, Any]

    def __init__(self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:stack:Platform", name, None, opts)
        mine = pulumi.ResourceOptions(parent=self)
        generators = [random.Provider(f"{name}-random", opts=mine), tls.Provider(f"{name}-tls", opts=mine)]
        child = pulumi.ResourceOptions(parent=self, providers=generators)
        platform_root = _root(f"{name}-root", "Sacred Council platform root", child)
        mesh_root = _root(f"{name}-mesh-root", "Sacred Council mesh root", child)
        credentials = DatabaseCredentials(f"{name}-database-credentials", DatabaseCredentialsArgs(), child)
        renderer = chart_renderer(f"{name}-charts", mine)
        plans = topology.plan(args.settings)
        grounds = {plan.name: clusters.ground(plan, args.settings.region(plan.name), child) for plan in plans}
        edges = region_edges(args.settings, plans, grounds, child)
        foundations = {
            plan.name: Foundation(
                f"{plan.name}-foundation",
                FoundationArgs(
                    plan=plan,
                    settings=args.settings,
                    grounds=grounds,
                    platform_root=platform_root,
                    mesh_root=mesh_root,
                ),
                child,
            )
            for plan in plans
        }
        sites = [_mesh_site(plan, foundations[plan.name]) for plan in plans if args.settings.mesh.enabled]
        crossings = mesh_crossings(sites)
        doors = {name: foundation.doors for name, foundation in foundations.items()}
        regions = {
            plan.name: Region(
                plan.name,
                RegionArgs(
                    plan=plan,
                    settings=args.settings,
                    secrets=args.secrets,
                    foundation=foundations[plan.name],
                    database_credentials=credentials,
                    chart_renderer=renderer,
                    crossing=crossings.get(plan.name),
                    neighbours=foundations[plan.name].neighbours(doors),
                    edge=edges.get(plan.name),
                ),
                child,
            )
            for plan in plans
        }
        edge = build_edge(args.settings, plans, edges, child)
        gitops = build_gitops(args.settings, foundations, args.secrets, child)
        certificates = {name: region.certificates for name, region in regions.items()}
        fleet = build_fleet(args.settings, foundations, certificates, child)
        self.outputs = {
            "stage": args.settings.stage,
            **({"edge": _how_to_reach(edge)} if edge else {}),
            **({"gitops": _how_to_log_in(gitops)} if gitops else {}),
            **({"fleet": {"url": fleet.url, "secret": fleet.secret_name}} if fleet else {}),
            "regions": {region: built.outputs for region, built in regions.items()},
        }
        self.register_outputs({})


def _how_to_reach(edge: Edge) -> dict[str, Any]:
    return {"url": edge.url, "hostname": edge.hostname, "nameServers": edge.name_servers}


def _how_to_log_in(gitops: ArgoCD) -> dict[str, Any]:
    return {"url": gitops.url, "portForward": gitops.port_forward, "secret": gitops.secret_name}


def _mesh_site(plan: topology.RegionPlan, foundation: Foundation) -> MeshSite:
    namespace = foundation.namespaces[CONTROL_PLANE]
    return MeshSite(plan=plan, cluster=foundation.cluster, namespace=namespace, parent=foundation)


def _root(name: str, common_name: str, opts: pulumi.ResourceOptions) -> RootAuthority:
    return RootAuthority(name, RootAuthorityArgs(common_name=common_name), opts)
