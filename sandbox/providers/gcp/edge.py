"""Global load balancing, certificates and DNS of Google Cloud. Times [INF]."""

from __future__ import annotations

from typing import Final

from sandbox.providers.cloud.dns import one_address_in_signed_zones
from sandbox.providers.cloud.kinds import GOOGLE, Table, constant
from sandbox.providers.gcp.make import compute, in_place, named, nameless, project, worldwide

KINDS: Final[Table] = {
    "gcp:compute/healthCheck:HealthCheck": compute(
        worldwide("healthChecks"), minutes=0.2, outputs={"creationTimestamp": lambda facts: facts.made}
    ),
    "gcp:compute/backendService:BackendService": compute(
        worldwide("backendServices"), "loadBalancingScheme", minutes=0.5
    ),
    "gcp:compute/backendBucket:BackendBucket": compute(worldwide("backendBuckets"), minutes=0.3),
    "gcp:compute/uRLMap:URLMap": compute(worldwide("urlMaps"), minutes=0.2),
    "gcp:compute/targetHttpsProxy:TargetHttpsProxy": compute(
        worldwide("targetHttpsProxies"), "description proxyBind", minutes=0.2
    ),
    "gcp:compute/targetHttpProxy:TargetHttpProxy": compute(
        worldwide("targetHttpProxies"), "description proxyBind", minutes=0.2
    ),
    "gcp:compute/globalForwardingRule:GlobalForwardingRule": compute(
        worldwide("forwardingRules"),
        "ipAddress ipProtocol ipVersion loadBalancingScheme network portRange subnetwork",
        minutes=0.5,
        outputs={"ipAddress": lambda facts: facts.text("ipAddress") or facts.address(GOOGLE)},
    ),
    "gcp:compute/globalNetworkEndpointGroup:GlobalNetworkEndpointGroup": compute(
        worldwide("networkEndpointGroups"), "defaultPort description networkEndpointType", minutes=0.2
    ),
    "gcp:compute/globalNetworkEndpoint:GlobalNetworkEndpoint": nameless(
        lambda facts: "/".join(
            facts.text(key) for key in ("globalNetworkEndpointGroup", "ipAddress", "fqdn", "port") if facts.text(key)
        ),
        "globalNetworkEndpointGroup ipAddress fqdn port",
        minutes=0.2,
    ),
    "gcp:compute/securityPolicy:SecurityPolicy": compute(worldwide("securityPolicies"), "type", minutes=0.5),
    "gcp:compute/sSLPolicy:SSLPolicy": compute(worldwide("sslPolicies"), "description", minutes=0.1),
    "gcp:compute/managedSslCertificate:ManagedSslCertificate": compute(
        worldwide("sslCertificates"), "managed description type", minutes=0.3
    ),
    "gcp:certificatemanager/dnsAuthorization:DnsAuthorization": named(
        in_place("dnsAuthorizations"),
        "domain type",
        outputs={
            "dnsResourceRecords": lambda facts: [
                {
                    "name": f"_acme-challenge.{facts.text('domain')}.",
                    "type": "CNAME",
                    "data": f"{facts.token[:16]}.authorize.certificatemanager.goog.",
                }
            ]
        },
    ),
    "gcp:certificatemanager/certificate:Certificate": named(in_place("certificates"), "managed scope", minutes=0.5),
    "gcp:certificatemanager/certificateMap:CertificateMap": named(worldwide("certificateMaps", of="locations/global/")),
    "gcp:certificatemanager/certificateMapEntry:CertificateMapEntry": named(
        lambda facts: (
            f"projects/{project(facts)}/locations/global/certificateMaps/{facts.text('map')}/"
            f"certificateMapEntries/{facts.text('name')}"
        ),
        "map hostname matcher",
    ),
    "gcp:dns/managedZone:ManagedZone": named(
        worldwide("managedZones", of=""),
        "dnsName visibility",
        outputs={"nameServers": constant([f"ns-cloud-a{number}.googledomains.com." for number in range(1, 5)])},
    ),
    "gcp:dns/recordSet:RecordSet": nameless(
        lambda facts: (
            f"projects/{project(facts)}/managedZones/{facts.text('managedZone')}/rrsets/"
            f"{facts.text('name')}/{facts.text('type')}"
        ),
        "managedZone",
        minutes=0.2,
        refusal=one_address_in_signed_zones,
    ),
}
