"""The functions of Azure's provider that this repository's programs call."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import yaml

from sandbox.providers.azure_native import data
from sandbox.providers.azure_native.cluster import CLUSTER, control_plane
from sandbox.providers.base import CheckFailedError, ProviderError, Values
from sandbox.providers.cloud.provider import CloudStandIn, Function

DATABASE_KEYS: Final = "azure-native:redisenterprise:listDatabaseKeys"
USER_CREDENTIALS: Final = "azure-native:containerservice:listManagedClusterUserCredentials"


def user_credentials(name: str, server: str, certificate_authority: str) -> Values:
    """What Azure answers: a kubeconfig in base64. It holds no credential but the call of the login plugin."""
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "kubelogin", "args": ["get-token"]}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {"name": name, "cluster": {"server": server, "certificate-authority-data": certificate_authority}}
        ],
        "users": [{"name": name, "user": {"exec": {**plugin, "provideClusterInfo": True}}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    encoded = base64.b64encode(yaml.safe_dump(document, sort_keys=False).encode()).decode()
    return {"kubeconfigs": [{"name": "clusterUser", "value": encoded}]}


def database_keys(token: str) -> Values:
    """What Azure answers: two keys in base64, as good as random, and the database's own as long as it lives."""
    keys = (hashlib.sha256(f"{purpose} key of {token}".encode()).digest() for purpose in ("primary", "secondary"))
    primary, secondary = (base64.b64encode(key).decode() for key in keys)
    return {"primaryKey": primary, "secondaryKey": secondary}


async def _list_user_credentials(cloud: CloudStandIn, args: Values) -> Values:
    group, name = (_required(args, key) for key in ("resourceGroupName", "resourceName"))
    for record in cloud.store.of_type(CLUSTER):
        if (record.inputs.get("resourceGroupName"), record.inputs.get("resourceName")) == (group, name):
            found = control_plane(cloud.facts_of(record))
            return user_credentials(name, found.server, found.certificate_authority)
    raise ProviderError(f"there is no managed cluster {name} in the resource group {group}")


async def _list_database_keys(cloud: CloudStandIn, args: Values) -> Values:
    wanted = {key: _required(args, key) for key in ("resourceGroupName", "clusterName", "databaseName")}
    for record in cloud.store.of_type(data.REDIS_DATABASE):
        if all(record.inputs.get(key) == value for key, value in wanted.items()):
            return database_keys(cloud.facts_of(record).token)
    raise ProviderError(f"there is no Redis database {wanted['clusterName']}/{wanted['databaseName']}")


def _required(args: Mapping[str, Any], key: str) -> str:
    value = args.get(key)
    if not isinstance(value, str) or not value:
        raise CheckFailedError([(key, f"{key} is missing; set it to a string")])
    return value


FUNCTIONS: Final[Mapping[str, Function]] = {
    USER_CREDENTIALS: _list_user_credentials,
    DATABASE_KEYS: _list_database_keys,
}
