"""What the clouds' providers would answer under mocks: the outputs, ids and look-ups that the program reads."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import yaml

AZURE_SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000"
CERTIFICATE_AUTHORITY = base64.b64encode(b"certificate authority").decode()

Outputs = Callable[[str, Mapping[str, Any]], dict[str, Any]]


def _own_name(key: str) -> Outputs:
    """Providers name what has no name: after the logical name, with something random."""
    return lambda name, inputs: {"name": inputs.get(key) or f"{name}-0a1b2c3"}


def _address(network: str, name: str) -> str:
    """An address that depends on the name alone, in a network for documentation."""
    return f"{network}.{sum(name.encode()) % 250}"


_GCP: dict[str, Outputs] = {
    "gcp:compute/network:Network": _own_name("name"),
    "gcp:compute/router:Router": _own_name("name"),
    "gcp:compute/address:Address": lambda name, _: {
        "address": _address("203.0.113", name),
        "selfLink": f"https://compute/{name}",
    },
    "gcp:projects/serviceIdentity:ServiceIdentity": lambda _, inputs: {
        "email": f"service-123456789012@{inputs['service'].partition('.')[0]}-engine-robot.iam.gserviceaccount.com"
    },
    "gcp:serviceaccount/account:Account": lambda _, inputs: {
        "email": f"{inputs['accountId']}@{inputs['project']}.iam.gserviceaccount.com"
    },
    "gcp:container/cluster:Cluster": lambda name, inputs: {
        **_own_name("name")(name, inputs),
        "endpoint": "192.0.2.10",
        "masterAuth": {"clusterCaCertificate": CERTIFICATE_AUTHORITY},
    },
}

_AWS: dict[str, Outputs] = {
    "aws:ec2/eip:Eip": lambda name, _: {
        "publicIp": _address("198.51.100", name),
        "allocationId": f"{name}-allocation",
    },
    "aws:ec2/launchTemplate:LaunchTemplate": lambda _, __: {"latestVersion": 1},
    "aws:iam/role:Role": lambda name, inputs: {
        **_own_name("name")(name, inputs),
        "arn": f"arn:aws:iam::123456789012:role/{name}",
    },
    "aws:kms/key:Key": lambda name, inputs: {"arn": f"arn:aws:kms:{inputs['region']}:123456789012:key/{name}"},
    "aws:eks/cluster:Cluster": lambda name, inputs: {
        "arn": f"arn:aws:eks:{inputs['region']}:123456789012:cluster/{name}",
        "endpoint": "https://example.eks.amazonaws.com",
        "certificateAuthority": {"data": CERTIFICATE_AUTHORITY},
        "vpcConfig": {**inputs["vpcConfig"], "clusterSecurityGroupId": f"{name}-group"},
    },
}

_AZURE: dict[str, Outputs] = {
    "azure-native:resources:ResourceGroup": _own_name("resourceGroupName"),
    "azure-native:network:VirtualNetwork": _own_name("virtualNetworkName"),
    "azure-native:network:PublicIPAddress": lambda name, _: {"ipAddress": _address("192.0.2", name)},
    "azure-native:keyvault:Vault": _own_name("vaultName"),
    "azure-native:keyvault:Key": lambda name, _: {"keyUriWithVersion": f"https://vault/keys/{name}/1"},
    "azure-native:managedidentity:UserAssignedIdentity": lambda name, inputs: {
        **_own_name("resourceName")(name, inputs),
        "principalId": f"principal of {name}",
        "clientId": f"client of {name}",
        "tenantId": "11111111-1111-1111-1111-111111111111",
    },
    "azure-native:containerservice:ManagedCluster": lambda name, inputs: {
        **_own_name("resourceName")(name, inputs),
        "oidcIssuerProfile": {"enabled": True, "issuerURL": f"https://issuer/{name}"},
        # A list goes in, a map comes out.
        "identity": {**inputs["identity"], "userAssignedIdentities": {}},
    },
}

_TABLE = {**_GCP, **_AWS, **_AZURE}


def outputs_of(resource_type: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What a cloud adds to the inputs of a resource. Nothing for types that are not in the table."""
    known = _TABLE.get(resource_type)
    return known(name, inputs) if known else {}


def id_of(resource_type: str, name: str) -> str:
    """The id of a resource: Azure's say which subscription they are in."""
    if resource_type.startswith("azure-native:"):
        return f"{AZURE_SUBSCRIPTION}/{resource_type.partition(':')[2].replace(':', '/')}/{name}"
    return f"{name}-id"


def answer(token: str, args: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a look-up gives; None for those that the program must not make."""
    if token != "azure-native:containerservice:listManagedClusterUserCredentials":
        return None
    name = args["resourceName"]
    cluster = {"server": f"https://{name}.azmk8s.io:443", "certificate-authority-data": CERTIFICATE_AUTHORITY}
    document = yaml.safe_dump({"clusters": [{"name": name, "cluster": cluster}]})
    return {"kubeconfigs": [{"name": "clusterUser", "value": base64.b64encode(document.encode()).decode()}]}
