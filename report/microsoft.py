"""Charges of Azure resources. Data and pure functions."""

from typing import Final

from report.charges import FREE_NETWORK, FREE_PART, FREE_RIGHTS, Charge, Charger, Charges, always, by_use, number, text
from report.machines import AKS_CLUSTER, AKS_POOL, machines_of, premium_disk
from report.preview import Plan, Planned


def _cluster(cluster: Planned, plan: Plan) -> Charges:
    tier = text(cluster.inputs, "sku.tier", "Free")
    return (Charge(what=f"Kubernetes control plane, {tier}", item=f"azure.cluster.{tier}"), *_pools(cluster, plan))


def _pools(pools: Planned, plan: Plan) -> Charges:
    charges: list[Charge] = []
    for machines in machines_of(pools, plan):
        charges += [
            Charge(
                what=f"machines {machines.type}",
                item=f"azure.vm.{machines.type}",
                least=machines.least,
                most=machines.most,
            ),
            Charge(
                what=f"machines' disks {machines.disk} {machines.disk_gb:g} GB",
                item=_disk(machines.disk, machines.disk_gb),
                least=machines.least,
                most=machines.most,
            ),
        ]
    return tuple(charges)


def _disk(kind: str, gigabytes: float) -> str:
    # All machine types here have an s in their name, so their managed disks are premium ones.
    return f"azure.disk.{premium_disk(gigabytes)}" if kind == "Managed" else f"azure.disk.{kind.lower()}"


def _postgresql(server: Planned, _plan: Plan) -> Charges:
    size = text(server.inputs, "sku.name")
    standby = text(server.inputs, "highAvailability.mode", "Disabled") != "Disabled"
    return (
        Charge(
            what=f"PostgreSQL {size}",
            item=f"azure.postgresql.{size}",
            least=2 if standby else 1,
            note="a standby is a second server" if standby else "",
        ),
        Charge(
            what="PostgreSQL, disk", item="azure.postgresql.disk", least=number(server.inputs, "storage.storageSizeGB")
        ),
    )


def _redis(cluster: Planned, _plan: Plan) -> Charges:
    size = text(cluster.inputs, "sku.name")
    kind = "ha" if text(cluster.inputs, "highAvailability", "Enabled") == "Enabled" else "single"
    return (Charge(what=f"Managed Redis {size}, {kind}", item=f"azure.redis.{size}.{kind}"),)


def _nat(_nat: Planned, _plan: Plan) -> Charges:
    data = by_use(("NAT, data", "azure.nat.data"), ("data to the internet", "azure.egress"))
    return (Charge(what="NAT gateway", item="azure.nat"), *data)


def _one(what: str, item: str) -> Charger:
    return always(Charge(what=what, item=item))


CHARGERS: Final[dict[str, Charger]] = {
    AKS_CLUSTER: _cluster,
    AKS_POOL: _pools,
    "azure-native:network:NatGateway": _nat,
    "azure-native:network:PublicIPAddress": _one("public address", "azure.address"),
    "azure-native:network:PublicIPPrefix": _one("public addresses", "azure.address-range"),
    "azure-native:network:PrivateEndpoint": _one("private endpoint", "azure.endpoint"),
    "azure-native:network:FlowLog": always(*by_use(("flow logs", "azure.flow-logs"))),
    "azure-native:keyvault:Key": always(*by_use(("encryption key", "azure.key"))),
    "azure-native:operationalinsights:Workspace": always(*by_use(("logs", "azure.logs"))),
    "azure-native:dbforpostgresql:Server": _postgresql,
    "azure-native:redisenterprise:RedisEnterprise": _redis,
    "azure-native:storage:StorageAccount": always(*by_use(("storage", "azure.storage"))),
    "azure-native:cdn:Profile": always(
        Charge(what="Front Door", item="azure.cdn.profile"), *by_use(("CDN, data", "azure.cdn.data"))
    ),
    "azure-native:frontdoor:Policy": _one("web firewall", "azure.waf"),
    "azure-native:dns:Zone": _one("DNS zone", "azure.dns.zone"),
    "azure-native:privatedns:PrivateZone": _one("private DNS zone", "azure.dns.private-zone"),
    "azure-native:trafficmanager:Profile": always(*by_use(("traffic manager", "azure.traffic-manager"))),
}
"""Types that cost something. The report lists an item without a price as unknown."""


FREE: Final = {
    **dict.fromkeys(
        (
            "azure-native:network:VirtualNetwork",
            "azure-native:network:Subnet",
            "azure-native:network:NetworkSecurityGroup",
            "azure-native:network:RouteTable",
        ),
        FREE_NETWORK,
    ),
    **dict.fromkeys(
        (
            "azure-native:authorization:RoleAssignment",
            "azure-native:authorization:ManagementLockByScope",
            "azure-native:managedidentity:UserAssignedIdentity",
            "azure-native:managedidentity:FederatedIdentityCredential",
            "azure-native:resources:ResourceGroup",
        ),
        FREE_RIGHTS,
    ),
    **dict.fromkeys(
        (
            "azure-native:cdn:AFDCustomDomain",
            "azure-native:cdn:AFDEndpoint",
            "azure-native:cdn:AFDOrigin",
            "azure-native:cdn:AFDOriginGroup",
            "azure-native:cdn:Route",
            "azure-native:cdn:Rule",
            "azure-native:cdn:RuleSet",
            "azure-native:cdn:SecurityPolicy",
            "azure-native:containerservice:MaintenanceConfiguration",
            "azure-native:dbforpostgresql:Configuration",
            "azure-native:dbforpostgresql:Database",
            "azure-native:dns:RecordSet",
            "azure-native:keyvault:Vault",
            "azure-native:monitor:DiagnosticSetting",
            "azure-native:network:PrivateDnsZoneGroup",
            "azure-native:privatedns:VirtualNetworkLink",
            "azure-native:redisenterprise:Database",
            "azure-native:storage:BlobContainer",
            "azure-native:storage:BlobServiceProperties",
            "azure-native:storage:ManagementPolicy",
        ),
        FREE_PART,
    ),
}
"""Types without a charge of their own, and why."""
