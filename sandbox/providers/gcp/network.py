"""Networks of Google Cloud.

Times are estimates [INF] in the order of what the official provider shows for these types.
"""

from __future__ import annotations

from typing import Final

from sandbox.providers.cloud.kinds import GOOGLE, Table
from sandbox.providers.gcp.make import below, compute, in_place, named, nameless, place, worldwide

_REGIONS: Final = "regions"

KINDS: Final[Table] = {
    "gcp:compute/network:Network": compute(
        worldwide("networks"),
        "autoCreateSubnetworks description internalIpv6Range enableUlaInternalIpv6 networkProfile",
        minutes=0.7,
        outputs={"gatewayIpv4": lambda facts: "", "numericId": lambda facts: str(int(facts.token[:12], 16))},
    ),
    "gcp:compute/subnetwork:Subnetwork": compute(
        in_place("subnetworks", of=_REGIONS),
        "network ipCidrRange purpose description externalIpv6Prefix",
        minutes=0.4,
        outputs={"gatewayAddress": lambda facts: facts.text("ipCidrRange").rpartition(".")[0] + ".1", "region": place},
    ),
    "gcp:compute/address:Address": compute(
        in_place("addresses", of=_REGIONS),
        "address addressType description network networkTier prefixLength purpose subnetwork "
        "ipVersion ipv6EndpointType",
        minutes=0.1,
        outputs={"address": lambda facts: facts.text("address") or facts.address(GOOGLE)},
    ),
    "gcp:compute/globalAddress:GlobalAddress": compute(
        worldwide("addresses"),
        "address addressType description network prefixLength purpose ipVersion",
        minutes=0.2,
        outputs={"address": lambda facts: facts.text("address") or facts.address(GOOGLE)},
    ),
    "gcp:compute/forwardingRule:ForwardingRule": compute(
        in_place("forwardingRules", of=_REGIONS),
        "network subnetwork ipAddress target loadBalancingScheme ipProtocol allPorts backendService ports portRange",
        minutes=0.5,
        outputs={
            "pscConnectionId": lambda facts: str(int(facts.token[:14], 16)),
            "pscConnectionStatus": lambda facts: "ACCEPTED",
        },
    ),
    "gcp:compute/router:Router": compute(
        in_place("routers", of=_REGIONS), "network encryptedInterconnectRouter", minutes=0.2
    ),
    "gcp:compute/routerNat:RouterNat": named(
        lambda facts: f"{in_place('routers', 'router', of=_REGIONS)(facts)}/{facts.text('name')}",
        "router type autoNetworkTier",
        minutes=1.0,
    ),
    "gcp:compute/firewall:Firewall": compute(worldwide("firewalls"), "network direction", minutes=0.2),
    "gcp:servicenetworking/connection:Connection": nameless(
        below("network", "$service"), "network service", minutes=1.0, peering=lambda facts: "servicenetworking"
    ),
    "gcp:projects/service:Service": nameless(
        lambda facts: f"{facts.text('project')}/{facts.text('service')}", "service", minutes=0.3
    ),
}
