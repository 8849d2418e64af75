"""Stacks of several regions under mocks, and tests' questions about them."""

from functools import cache
from typing import Any

from components.services import NAMES
from components.services.settings import MATCHING_SERVICE
from sandbox.providers.aws.make import CALLER_ROLE
from tests.support import clouds
from tests.support.clusters import CLUSTER_TYPES, OFFICE
from tests.support.rendering import Rendered, Resource, render, stack_config

GROUP = "11111111-2222-3333-4444-555555555555"
MACHINES = {"gcp": "e2-standard-4", "aws": "m7i.xlarge", "azure": "Standard_D4s_v5"}
GPUS = {"gcp": "g2-standard-4", "aws": "g5.xlarge", "azure": "Standard_NC4as_T4_v3"}
SDKS = {"gcp": "pulumi_gcp", "aws": "pulumi_aws", "azure": "pulumi_azure_native"}
PLATFORMS = {"gcp": "gke", "aws": "eks", "azure": "aks"}
STORAGE = {"gcp": "premium-rwo", "aws": "gp3", "azure": "managed-csi-premium"}

IOWA, BELGIUM, TAIWAN = ("us-central1", "gcp"), ("europe-west1", "gcp"), ("asia-east1", "gcp")
VIRGINIA, SINGAPORE = ("us-east-1", "aws"), ("ap-southeast-1", "aws")
AMSTERDAM = ("westeurope", "azure")
GOOGLE = (IOWA, BELGIUM, TAIWAN)
MIXED = (IOWA, VIRGINIA, AMSTERDAM)
FIVE = (*MIXED, TAIWAN, SINGAPORE)

MUMBAI, STOCKHOLM, CAMPINAS = ("asia-south1", "gcp"), ("eu-north-1", "aws"), ("brazilsouth", "azure")
COMPLETE = (MUMBAI, STOCKHOLM, CAMPINAS)
"""Regions that are in no other test, for a stack with everything."""

# Resources that must know the other regions, by the rest of their names. All of them change in place.
KNOWS_PEERS = {
    "cluster",
    "cockroachdb-peer-0-service",
    "cockroachdb-peers-endpoints",
    "database-jobs-bootstrap-network-policy",
    "database-jobs-bootstrap-settings",
    "database-network-policy",
    "nats-peer-0-service",
    "nats-peers-endpoints",
    "messaging-network-policy",
    "mesh-remote-regions-secret",
    "mesh-east-west-release",
    "mesh-routing-virtualservice-services",
    *(f"mesh-routing-{rule}-{service}" for rule in ("destinationrule", "gateways") for service in NAMES),
}

# Those of them that know only the nearest other region: they change when that is another one.
KNOWS_NEAREST = {f"mesh-routing-destinationrule-{service}" for service in NAMES}

# Resources of the primary region only: the list of regions, and by default the backups.
PRIMARY_REGION_HAS = ("database-jobs-regions", "database-jobs-backup", "backups")

# Resources of the primary region that know the other regions. The Job cannot change in place: it runs again.
PRIMARY_REGION_KNOWS_PEERS = {"database-jobs-regions-job", "database-jobs-regions-settings"}

# Resources that change when a region gets its first peer: database nodes and servers of messaging learn how other
# regions reach them, and restart one by one.
BECOMES_A_PEER = {"database-statefulset", "messaging-settings", "messaging-statefulset"}

EARLY = ("cloud", "base")

BRUSSELS = {
    "latitude": 50.85,
    "longitude": 4.35,
    "timeZone": "Europe/Brussels",
    "languages": ["nl"],
    "country": "BE",
}

SITE = {
    "name": "thimphu",
    "context": "thimphu",
    "geography": {"latitude": 27.47, "longitude": 89.64, "timeZone": "Asia/Thimphu", "languages": ["dz"]},
    "egressAddresses": ["203.0.113.73"],
    "gatewayAddress": "203.0.113.73",
}
"""An edge site without its home, to which the CDN sends users."""

MATCHING = {"enabled": True, "source": "https://models.example.org:8443/hub", "sourceNetworks": ["203.0.113.0/24"]}
"""Matching with a model that a server of ours has."""

SHIFTING = {"agent-network": {"minReplicas": 5, "maxReplicas": 9, "followTheSun": True}}
"""Services of which one has scheduled scaling."""

Where = tuple[str, str]


@cache
def rendered(*regions: Where) -> Rendered:
    """A stack of these regions (name, cloud) without monitoring, which needs no other region, and without a CDN."""
    return render("multiregion", {f"sacred-council:{key}": value for key, value in configured(*regions).items()})


def rendered_with(regions: tuple[Where, ...], **sections: Any) -> Rendered:
    """The stack of `rendered`, with other settings in some sections."""
    settings = {**configured(*regions), **sections}
    return render("multiregion", {f"sacred-council:{key}": value for key, value in settings.items()})


def targets(*regions: Where, **sections: Any) -> Rendered:
    """The stack of `rendered`, with monitoring."""
    return rendered_with(regions, monitoring={}, **sections)


def configured(*regions: Where) -> dict[str, Any]:
    """The settings of such a stack, without what only stages 3 and 4 have."""
    given = stack_config("multiregion")["sacred-council:services"]
    services = {name: service for name, service in given.items() if name != MATCHING_SERVICE}
    return {
        "regions": [
            {"name": name, "cloud": cloud, "nodes": {"type": MACHINES[cloud], "min": 3, "max": 9}}
            for name, cloud in regions
        ],
        "clouds": {
            "gcp": {"project": "my-project", "apiAccess": [OFFICE]},
            "aws": {"administrators": [CALLER_ROLE], "apiAccess": [OFFICE]},
            "azure": {"adminGroups": [GROUP], "apiAccess": [OFFICE]},
        },
        "database": {"primaryRegion": IOWA[0]} if IOWA in regions and len(regions) > 1 else {},
        "messaging": {"servers": 3},
        "monitoring": {"enabled": False},
        "scaling": {},
        "streaming": {},
        "matching": {},
        "services": services,
        "edge": {"domain": "example.org"},
    }


def everything() -> Rendered:
    """A stack with all that stages 3 and 4 have."""
    values = complete(*COMPLETE, primary=COMPLETE[0])
    return render("multiregion", {f"sacred-council:{key}": value for key, value in values.items()})


def complete(*regions: Where, primary: Where) -> dict[str, Any]:
    """The settings of such a stack with all that stages 3 and 4 have, and an edge site of the `primary` region."""
    home = primary[0]
    streams = [{"name": "councils", "subjects": ["councils.>"], "home": home, "mirroredIn": "all"}]
    return {
        **configured(*regions),
        "database": {"primaryRegion": home},
        "messaging": {
            "servers": 3,
            "storage": "5Gi",
            "streams": streams,
            "websocket": {"enabled": True, "home": home},
        },
        "streaming": {"enabled": True, "topics": [{"name": "decisions", "replicatedTo": "all"}]},
        "matching": MATCHING,
        "scaling": {"enabled": True},
        "monitoring": {"retention": "4w"},
        "ledger": {"enabled": True, "genesisRegions": [home]},
        "circles": {"enabled": True},
        "edgeSites": [{**SITE, "home": home}],
        "edge": {"domain": "example.org", "cdn": "gcp"},
    }


def own(name: str) -> dict[str, Any]:
    """The settings of a region on an existing cluster, in Brussels."""
    return {
        "name": name,
        "cloud": "existing",
        "context": name,
        "egressAddresses": ["192.0.2.10"],
        "slot": 200,
        "geography": BRUSSELS,
    }


def streamed(*regions: Where) -> Rendered:
    """The stack of `rendered`, with Kafka and a topic that goes to every region."""
    topics = [{"name": "decisions", "replicatedTo": "all"}]
    return rendered_with(regions, streaming={"enabled": True, "topics": topics})


def live(*regions: Where, **keys: object) -> Rendered:
    """The stack of `rendered`, with live collaboration that has other settings in some `keys`."""
    websocket = {"enabled": True, "home": IOWA[0], **keys}
    return rendered_with(regions, messaging={"servers": 3, "websocket": websocket})


def matched(*regions: Where, **sections: Any) -> Rendered:
    """The stack of `rendered`, with matching, and with other settings in some sections."""
    return rendered_with(regions, **{"matching": MATCHING, **sections})


def equipped(*regions: Where, gpus: tuple[Where, ...] | None = None) -> Rendered:
    """The stack of `matched`, in which these regions have machines with GPUs. None: all of them."""
    given = [one | {"nodes": dict(one["nodes"])} for one in configured(*regions)["regions"]]
    for one, where in zip(given, regions, strict=True):
        if gpus is None or where in gpus:
            one["nodes"]["gpu"] = {"type": GPUS[where[1]]}
    settings = {**configured(*regions), "matching": MATCHING, "regions": given}
    return render("multiregion", {f"sacred-council:{key}": value for key, value in settings.items()})


def ledgered(*regions: Where, genesis_regions: tuple[Where, ...] = MIXED, **keys: object) -> Rendered:
    """The stack of `rendered`, with a ledger that has other settings in some `keys`."""
    ledger = {"enabled": True, "genesisRegions": [name for name, _ in genesis_regions], **keys}
    return rendered_with(regions, ledger=ledger)


def circled(*regions: Where, **keys: object) -> Rendered:
    """The stack of `rendered`, with a CDN, and with circles' servers that have other settings in some `keys`."""
    edge = {"domain": "example.org", "cdn": "gcp", "project": "my-project"}
    return rendered_with(regions, edge=edge, circles={"enabled": True, **keys})


def scaled(*regions: Where, **keys: object) -> Rendered:
    """The stack of `rendered`, with monitoring, and with KEDA that has other settings in some `keys`."""
    return rendered_with(regions, monitoring={"retention": "4w"}, scaling={"enabled": True, **keys})


def of_region(stack: Rendered, name: str) -> dict[str, Resource]:
    """The region's resources, by the rest of their names and their type. Raises AssertionError if there are none."""
    mine = [r for r in stack.resources if r.name == name or r.name.startswith(f"{name}-")]
    assert mine, f"there is no region {name}"
    return {f"{r.name.removeprefix(name).lstrip('-')} {r.type}": r for r in mine}


def changed(before: Rendered, after: Rendered, region: str) -> set[str]:
    """The rests of the names of the region's resources that both stacks have and that differ."""
    old, new = of_region(before, region), of_region(after, region)
    return {key.partition(" ")[0] for key in old.keys() & new.keys() if not same(old[key], new[key])}


def same(one: Resource, other: Resource) -> bool:
    """Whether the engine would leave the resource unchanged."""
    return (one.urn, one.inputs, one.provider, one.protected) == (
        other.urn,
        other.inputs,
        other.provider,
        other.protected,
    )


def cluster(stack: Rendered, where: Where) -> dict[str, Any]:
    """Inputs of the cloud's own cluster resource."""
    name, cloud = where
    (found,) = [r for r in stack.of_type(CLUSTER_TYPES[PLATFORMS[cloud]]) if r.name == f"{name}-cluster"]
    return found.inputs


def authorized(stack: Rendered, where: Where) -> list[str]:
    """The networks that may reach the region's Kubernetes API."""
    inputs = cluster(stack, where)
    match where[1]:
        case "gcp":
            return [one["cidrBlock"] for one in inputs["masterAuthorizedNetworksConfig"]["cidrBlocks"]]
        case "aws":
            return list(inputs["vpcConfig"]["publicAccessCidrs"])
        case _:
            return list(inputs["apiServerAccessProfile"]["authorizedIPRanges"])


def egress(stack: Rendered, region: str) -> list[str]:
    """The egress addresses of the region's pods, as networks."""
    types = {
        "gcp:compute/address:Address": "address",
        "aws:ec2/eip:Eip": "publicIp",
        "azure-native:network:PublicIPAddress": "ipAddress",
    }
    found = [r for r in of_region(stack, region).values() if r.type in types and r.name.endswith("-egress")]
    return sorted(f"{clouds.outputs_of(r.type, r.name, r.inputs)[types[r.type]]}/32" for r in found)
