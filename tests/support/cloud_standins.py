"""Call the stand-ins of the clouds as the engine does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox.providers.aws.__main__ import Aws
from sandbox.providers.azure_native.__main__ import AzureNative
from sandbox.providers.base import (
    CheckFailedError,
    CheckRequest,
    CreateRequest,
    DeleteRequest,
    Diff,
    DiffRequest,
    ReadRequest,
    UpdateRequest,
    Values,
)
from sandbox.providers.cloud.provider import CloudStandIn
from sandbox.providers.gcp.__main__ import Gcp
from sandbox.providers.server import EngineClient

CLOUDS: dict[str, type[CloudStandIn]] = {"gcp": Gcp, "aws": Aws, "azure-native": AzureNative}
NETWORK = "gcp:compute/network:Network"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
GKE = "gcp:container/cluster:Cluster"
EKS = "aws:eks/cluster:Cluster"
AKS = "azure-native:containerservice:ManagedCluster"
REDIS_DATABASE = "azure-native:redisenterprise:Database"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
SQL_USER = "gcp:sql/user:User"
SUBNET_INPUTS = {"network": "n", "ipCidrRange": "10.0.0.0/20", "region": "europe-west1"}
VPC_CONFIG = {"subnetIds": ["subnet-1"]}


def urn(token: str, name: str = "thing") -> str:
    return f"urn:pulumi:test::project::{token}::{name}"


def cloud_of(token: str) -> CloudStandIn:
    return CLOUDS[token.partition(":")[0]](EngineClient())


def cloud(token: str, **settings: Any) -> CloudStandIn:
    """A new provider for the token, without memory of earlier calls, like the plugin in a new run."""
    provider = cloud_of(token)
    asyncio.run(provider.configure(settings))
    return provider


def check(token: str, inputs: Values, olds: Values | None = None, **options: Any) -> Values:
    return asyncio.run(cloud(token).check(CheckRequest(urn(token), olds or {}, inputs, **options)))


def failures(token: str, inputs: Values) -> dict[str, str]:
    with pytest.raises(CheckFailedError) as error:
        check(token, inputs)
    return dict(error.value.failures)


def create(token: str, inputs: Values, *, preview: bool = False, name: str = "thing") -> tuple[str, Values, Values]:
    """The id, the checked inputs and the outputs of a new resource."""
    checked = check(token, inputs, seed=name.encode())
    found = asyncio.run(cloud(token, project="council").create(CreateRequest(urn(token, name), checked, 0, preview)))
    return found[0], checked, found[1]


def read(token: str, resource_id: str, outputs: Values, inputs: Values) -> tuple[str, Values, Values]:
    return asyncio.run(cloud(token).read(ReadRequest(urn(token), resource_id, outputs, inputs)))


def update(token: str, made: tuple[str, Values, Values], news: Values, *, preview: bool = False) -> Values:
    resource_id, inputs, outputs = made
    checked = check(token, news, inputs)
    request = UpdateRequest(urn(token), resource_id, outputs, checked, inputs, [], preview=preview)
    return asyncio.run(cloud(token, project="council").update(request))


def delete(token: str, resource_id: str) -> None:
    asyncio.run(cloud(token).delete(DeleteRequest(urn(token), resource_id, {}, {})))


def diff(token: str, old: Values, new: Values) -> Diff:
    before = check(token, old, seed=b"x")
    request = DiffRequest(urn(token), "id", before, check(token, new, before), before, [])
    return asyncio.run(cloud(token).diff(request))
