"""Charges of Google Cloud resources. Data and pure functions."""

import re
from typing import Final

from report.charges import FREE_NETWORK, FREE_PART, FREE_RIGHTS, Charge, Charger, Charges, always, by_use, number, text
from report.machines import GKE_POOL, charges_of, count_beside, machines_of
from report.preview import Plan, Planned


def _pool(pool: Planned, plan: Plan) -> Charges:
    (machines,) = machines_of(pool, plan)
    return charges_of(machines)


def _nat(nat: Planned, plan: Plan) -> Charges:
    least, most = count_beside(nat, plan)
    return (
        Charge(what="NAT, by machine", item="gcp.nat.vm", least=least, most=most),
        *by_use(("NAT, data", "gcp.nat.data"), ("data to the internet", "gcp.egress.premium")),
    )


def _postgresql(instance: Planned, _plan: Plan) -> Charges:
    tier = text(instance.inputs, "settings.tier")
    kind = text(instance.inputs, "settings.availabilityType", "ZONAL").lower()
    disk = Charge(
        what="PostgreSQL, disk",
        item=f"gcp.postgresql.disk.{kind}",
        least=number(instance.inputs, "settings.diskSize", 10),
    )
    custom = re.fullmatch(r"db-custom-(\d+)-(\d+)", tier)
    if custom is None:
        return (Charge(what=f"PostgreSQL {tier}, {kind}", item=f"gcp.postgresql.{tier}.{kind}"), disk)
    memory = Charge(
        what=f"PostgreSQL, memory, {kind}",
        item=f"gcp.postgresql.memory.{kind}",
        least=int(custom[2]) / 1024,
    )
    processors = Charge(what="PostgreSQL, processors", item=f"gcp.postgresql.cpu.{kind}", least=int(custom[1]))
    return (processors, memory, disk)


def _redis(instance: Planned, _plan: Plan) -> Charges:
    tier = "standard" if text(instance.inputs, "tier") == "STANDARD_HA" else "basic"
    size = f"{number(instance.inputs, 'memorySizeGb'):g}"
    return (Charge(what=f"Memorystore {tier} {size} GB", item=f"gcp.redis.{tier}.{size}"),)


def _address(address: Planned, _plan: Plan) -> Charges:
    if text(address.inputs, "addressType", "EXTERNAL") == "INTERNAL" or text(address.inputs, "purpose", ""):
        return ()
    return (Charge(what="public address", item="gcp.address"),)


def _unknown(what: str, item: str) -> Charger:
    return always(Charge(what=what, item=item))


def _subnetwork(subnetwork: Planned, _plan: Plan) -> Charges:
    return by_use(("flow logs", "gcp.flow-logs")) if subnetwork.inputs.get("logConfig") else ()


CHARGERS: Final[dict[str, Charger]] = {
    "gcp:container/cluster:Cluster": _unknown("Kubernetes control plane", "gcp.cluster"),
    GKE_POOL: _pool,
    "gcp:compute/routerNat:RouterNat": _nat,
    "gcp:compute/subnetwork:Subnetwork": _subnetwork,
    "gcp:compute/address:Address": _address,
    "gcp:compute/globalAddress:GlobalAddress": _address,
    "gcp:compute/forwardingRule:ForwardingRule": _unknown("private endpoint", "gcp.endpoint"),
    "gcp:compute/globalForwardingRule:GlobalForwardingRule": _unknown("forwarding rule", "gcp.forwarding-rule"),
    "gcp:compute/backendService:BackendService": always(*by_use(("CDN, data", "gcp.cdn.data"))),
    "gcp:compute/backendBucket:BackendBucket": always(*by_use(("CDN, data", "gcp.cdn.data"))),
    "gcp:compute/securityPolicy:SecurityPolicy": _unknown("security policy", "gcp.armor.policy"),
    "gcp:certificatemanager/certificate:Certificate": _unknown("certificate", "gcp.certificate"),
    "gcp:dns/managedZone:ManagedZone": _unknown("DNS zone", "gcp.dns.zone"),
    "gcp:kms/cryptoKey:CryptoKey": _unknown("encryption key", "gcp.key"),
    "gcp:secretmanager/secret:Secret": _unknown("secret", "gcp.secret"),
    "gcp:sql/databaseInstance:DatabaseInstance": _postgresql,
    "gcp:redis/instance:Instance": _redis,
    "gcp:storage/bucket:Bucket": always(*by_use(("storage", "gcp.storage"))),
}
"""Types that cost something. The report lists an item without a price as unknown."""

_PART: Final = "part of a load balancer, which is charged by its forwarding rules"

FREE: Final = {
    "gcp:compute/network:Network": FREE_NETWORK,
    "gcp:compute/router:Router": FREE_NETWORK,
    "gcp:compute/firewall:Firewall": FREE_NETWORK,
    "gcp:servicenetworking/connection:Connection": FREE_NETWORK,
    "gcp:compute/globalNetworkEndpoint:GlobalNetworkEndpoint": _PART,
    "gcp:compute/globalNetworkEndpointGroup:GlobalNetworkEndpointGroup": _PART,
    "gcp:compute/healthCheck:HealthCheck": _PART,
    "gcp:compute/targetHttpProxy:TargetHttpProxy": _PART,
    "gcp:compute/targetHttpsProxy:TargetHttpsProxy": _PART,
    "gcp:compute/uRLMap:URLMap": _PART,
    "gcp:compute/sSLPolicy:SSLPolicy": _PART,
    "gcp:compute/managedSslCertificate:ManagedSslCertificate": _PART,
    "gcp:certificatemanager/certificateMap:CertificateMap": _PART,
    "gcp:certificatemanager/certificateMapEntry:CertificateMapEntry": _PART,
    "gcp:certificatemanager/dnsAuthorization:DnsAuthorization": _PART,
    "gcp:dns/recordSet:RecordSet": FREE_PART,
    "gcp:sql/database:Database": FREE_PART,
    "gcp:sql/user:User": FREE_PART,
    "gcp:kms/keyRing:KeyRing": FREE_PART,
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": FREE_RIGHTS,
    "gcp:projects/iAMMember:IAMMember": FREE_RIGHTS,
    "gcp:projects/service:Service": FREE_RIGHTS,
    "gcp:projects/serviceIdentity:ServiceIdentity": FREE_RIGHTS,
    "gcp:serviceaccount/account:Account": FREE_RIGHTS,
    "gcp:serviceaccount/iAMMember:IAMMember": FREE_RIGHTS,
    "gcp:storage/bucketIAMMember:BucketIAMMember": FREE_RIGHTS,
}
"""Types without a charge of their own, and why."""
