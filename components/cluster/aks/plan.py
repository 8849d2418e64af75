"""What follows from ids and addresses alone. Pure functions."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import yaml

from components.cluster.arguments import NodePool, ipv4_network, shares

KEY_VAULT_CRYPTO_USER: Final = "12338af0-0e69-4776-bea7-57ae8d297424"
KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER: Final = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
NETWORK_CONTRIBUTOR: Final = "4d97b98b-1d4f-4787-a291-c67834d212e7"
ZONE_SLOTS: Final = 16
"""Equal parts of the nodes' range, one for each number that a zone can have."""
LEAST_SYSTEM_NODES: Final = 2
"""Nodes of AKS's own pods in a region: one for each zone, and two where there is one zone."""
_DNS_HOST = 10


@dataclass(frozen=True, kw_only=True)
class ApiServer:
    """URL and certificate authority (PEM in base64) of a Kubernetes API."""

    url: str
    certificate_authority: str


def role_definition(resource_id: str, role: str) -> str:
    """The id of a built-in role (a GUID), in the subscription that `resource_id` is in."""
    parts = resource_id.split("/")
    if len(parts) < 3 or parts[1].lower() != "subscriptions":
        raise ValueError(f"resource_id: {resource_id!r} does not begin with /subscriptions/<id>")
    return f"/subscriptions/{parts[2]}/providers/Microsoft.Authorization/roleDefinitions/{role}"


def vault_name(resource_group_id: str) -> str:
    """A name for the key vault of a resource group: unique in all of Azure, 24 characters that begin with a letter.

    A deleted vault keeps its name for months, but a resource group that is made anew has another id.
    """
    return "keys-" + hashlib.sha256(resource_group_id.lower().encode()).hexdigest()[:19]


def flow_log_account(network_id: str) -> str:
    """A name for the storage account of a network's flow logs: unique in all of Azure, 24 letters and digits."""
    return "flows" + hashlib.sha256(network_id.lower().encode()).hexdigest()[:19]


def zone_subnets(nodes: str, zones: Sequence[str]) -> dict[str, str]:
    """A part of the nodes' range for each zone, by its number alone: it stays when zones come or go."""
    parts = list(ipv4_network("nodes", nodes).subnets(prefixlen_diff=(ZONE_SLOTS - 1).bit_length()))
    return {zone: str(parts[int(zone)]) for zone in sorted(zones)}


def system_nodes(zones: Sequence[str]) -> tuple[int, int]:
    """Least and most nodes of each zone for AKS's own pods."""
    least = -(-LEAST_SYSTEM_NODES // len(zones))
    return least, 2 * least


def nodes_per_zone(nodes: NodePool, zones: Sequence[str]) -> Mapping[str, tuple[int, int]]:
    """Least and most nodes of each zone for all other pods. They add up to the pool's."""
    if nodes.max < len(zones):
        raise ValueError(f"max: {nodes.max} nodes are not enough for {len(zones)} zones; raise max or name fewer zones")
    ordered = sorted(zones)
    least, most = shares(nodes.min, len(ordered)), shares(nodes.max, len(ordered))
    return dict(zip(ordered, zip(least, most, strict=True), strict=True))


def pool_name(zone: str, machine_type: str) -> str:
    """Name of a zone's node pool, which Azure takes in 12 letters and digits.

    Another machine type has another name, so that its pool is there before the old one goes.
    """
    return f"n{zone}" + hashlib.sha256(machine_type.encode()).hexdigest()[:8]


def dns_address(services: str) -> str:
    """The address of the cluster's DNS: by custom the tenth of the Services' range."""
    return str(ipv4_network("services", services)[_DNS_HOST])


def api_server(encoded_kubeconfig: str) -> ApiServer:
    """Where the API is and who signed its certificate, from the kubeconfig that Azure gives (YAML in base64)."""
    document = yaml.safe_load(base64.b64decode(encoded_kubeconfig))
    cluster = document["clusters"][0]["cluster"]
    return ApiServer(url=cluster["server"], certificate_authority=cluster["certificate-authority-data"])
