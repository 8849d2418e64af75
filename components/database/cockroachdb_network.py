"""Who may connect to CockroachDB's nodes, and where these may connect to."""

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.database import cockroachdb_plan as plan
from components.database.cockroachdb_arguments import CockroachDBArgs
from components.database.cockroachdb_backup import APP as BACKUP_APP
from components.database.cockroachdb_backup import HTTPS
from components.database.cockroachdb_bootstrap import APP as BOOTSTRAP_APP
from components.database.cockroachdb_regions import APP as REGIONS_APP
from components.metadata import selector
from components.namespaces import MONITORING


def network_policy(
    resource_name: str, args: CockroachDBArgs, opts: pulumi.ResourceOptions
) -> k8s.networking.v1.NetworkPolicy:
    """Open the nodes to each other, to clients, to the region's Jobs and monitoring, and to the other regions."""
    nodes = network.peer(pods=selector(plan.APP))
    jobs = [network.peer(pods=selector(job)) for job in _jobs(args)]
    others = args.peers
    return network.policy(
        resource_name,
        name=plan.APP,
        app=plan.APP,
        region=args.region,
        namespace=args.namespace,
        pods=selector(plan.APP),
        ingress=[
            network.ingress([plan.SQL_PORT], nodes, *jobs, network.peer(namespace=args.client_namespace)),
            network.ingress([plan.HTTP_PORT], network.peer(namespace=MONITORING)),
            *([others.ingress(plan.SQL_PORT)] if others else []),
        ],
        egress=[
            network.egress([plan.SQL_PORT], nodes),
            *([others.egress(plan.SQL_PORT)] if others else []),
            *_to_the_cloud(args),
        ],
        opts=opts,
    )


def _jobs(args: CockroachDBArgs) -> list[str]:
    return [
        BOOTSTRAP_APP,
        *([REGIONS_APP] if args.primary_region == args.region else []),
        *([BACKUP_APP] if args.backup else []),
    ]


def _to_the_cloud(args: CockroachDBArgs) -> list[k8s.networking.v1.NetworkPolicyEgressRuleArgs]:
    """Object storage has no fixed addresses; where an identity's tokens come from is known."""
    if args.backup is None:
        return []
    tokens = args.backup.identity.token_endpoints
    return [
        network.egress([HTTPS], network.cidr("0.0.0.0/0")),
        *(network.egress([port], network.cidr(block)) for block, port in tokens if port != HTTPS),
    ]
