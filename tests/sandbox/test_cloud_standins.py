"""The stand-ins of the clouds: the inputs that they accept, and their answers."""

from __future__ import annotations

import asyncio
import base64
import re
from typing import Any

import grpc
import grpc.aio
import pytest
import yaml
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.providers.azure_native.functions import DATABASE_KEYS, USER_CREDENTIALS
from sandbox.providers.base import (
    CheckFailedError,
    CheckRequest,
    ProviderError,
)
from sandbox.providers.cloud.sdk import Sdk
from sandbox.providers.gcp.__main__ import Gcp
from sandbox.providers.server import EngineClient, start
from sandbox.providers.values import UNKNOWN, Secret, decode, encode, plain
from tests.support.cloud_standins import (
    AKS,
    CLOUDS,
    EKS,
    GKE,
    NETWORK,
    REDIS_DATABASE,
    SQL_USER,
    SUBNETWORK,
    VPC_CONFIG,
    check,
    cloud,
    create,
    failures,
    urn,
)

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("simulated_clouds")]

NODE_POOL = "gcp:container/nodePool:NodePool"


@pytest.mark.parametrize("plugin", CLOUDS)
def test_every_type_of_a_table_is_in_the_sdk_with_its_name_outputs_and_paths(plugin: str) -> None:
    provider = CLOUDS[plugin]
    sdk = Sdk(provider.package)
    # Many types of a cloud share these paths, but not all have them.
    common = {"name", "project", "location", "region", "zone", "resourceGroupName"}
    wrong: list[str] = []
    assert provider.table
    for token, kind in provider.table.items():
        source = sdk.find(token)
        assert source, token
        known, given = source.inputs(), source.outputs()
        paths = {path.partition(".")[0] for path in kind.immutable} - common
        strange = [
            *(paths - set(known)),
            *(set(kind.outputs) - given),
            *({kind.name_input or "name"} - {*known, "name"}),
        ]
        wrong += [f"{token}: {one}" for one in strange]
    assert wrong == []


def test_an_unknown_input_is_refused_with_what_was_meant() -> None:
    reason = failures(NETWORK, {"autoCreateSubnetwork": False})["autoCreateSubnetwork"]
    assert "did you mean autoCreateSubnetworks?" in reason


def test_an_unknown_input_deep_inside_is_named_with_its_path() -> None:
    found = failures(GKE, {"nodeConfig": {"shieldedInstanceConfig": {"enableSecureBot": True}}})
    assert list(found) == ["nodeConfig.shieldedInstanceConfig.enableSecureBot"]


def test_a_missing_input_is_named() -> None:
    assert failures(SUBNETWORK, {"ipCidrRange": "10.0.0.0/20"}) == {
        "network": "Subnetwork needs network; set it to a string"
    }
    assert "roleArn" in failures(EKS, {"vpcConfig": VPC_CONFIG})
    assert "virtualNetworkName" in failures("azure-native:network:Subnet", {"resourceGroupName": "group"})


def test_a_value_of_another_type_is_refused() -> None:
    found = failures(GKE, {"initialNodeCount": "1", "enableShieldedNodes": "true", "resourceLabels": {"a": 1}})
    assert set(found) == {"initialNodeCount", "enableShieldedNodes", "resourceLabels.a"}
    assert found["initialNodeCount"] == "initialNodeCount is '1'; it must be a whole number"


def test_a_refused_secret_is_not_shown() -> None:
    found = failures(SQL_USER, {"instance": "db", "password": Secret(123456)})
    assert "123456" not in found["password"]


def test_what_is_not_known_yet_is_accepted() -> None:
    checked = check(SUBNETWORK, {"network": UNKNOWN, "ipCidrRange": Secret(UNKNOWN)})
    assert checked["network"] is UNKNOWN


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("gcp:compute/netwrk:Netwrk", "did you mean network?"),
        ("gcp:nothing/at:All", "has no type gcp:nothing/at:All"),
        ("gcp:bigquery/dataset:Dataset", "does not simulate gcp:bigquery/dataset:Dataset"),
        ("azure-native:batch:BatchAccount", "sandbox/providers/azure_native"),
    ],
)
def test_types_that_do_not_exist_or_are_not_simulated_are_refused(token: str, said: str) -> None:
    with pytest.raises(ProviderError, match=said.replace("?", r"\?")):
        check(token, {})


def test_settings_that_a_provider_does_not_have_are_refused() -> None:
    request = CheckRequest("urn:pulumi:t::p::pulumi:providers:gcp::g", {}, {"projct": "x"})
    with pytest.raises(CheckFailedError, match="did you mean project"):
        asyncio.run(cloud(NETWORK).check_config(request))


def test_a_resource_without_a_name_gets_one_and_keeps_it() -> None:
    first = check(NETWORK, {}, seed=b"1")
    assert first["name"].startswith("thing-")
    assert check(NETWORK, {"description": "new"}, first, seed=b"2")["name"] == first["name"]
    assert check(NETWORK, {}, seed=b"2")["name"] != first["name"]
    assert check(NETWORK, {"name": "mine"}, first) == {"name": "mine"}


def test_a_name_with_a_given_beginning_is_made_and_kept() -> None:
    wanted = {"cluster": "projects/p/locations/l/clusters/c", "namePrefix": "nodes-"}
    first = check(NODE_POOL, wanted)
    assert re.fullmatch(r"nodes-[0-9a-f]{26}", first["name"])
    assert check(NODE_POOL, wanted, first)["name"] == first["name"]
    assert check(NODE_POOL, wanted)["name"] != first["name"]


def test_the_engines_wish_for_names_is_followed() -> None:
    assert check(NETWORK, {}, proposed_name="wish", naming="enforce")["name"] == "wish"
    with pytest.raises(CheckFailedError, match="automatic names are switched off"):
        check(NETWORK, {}, naming="disable")


def test_an_automatic_name_that_the_cloud_would_refuse_is_told() -> None:
    request = CheckRequest(urn(GKE, "a" * 40), {}, {})
    with pytest.raises(CheckFailedError, match="has 48 characters, the cloud takes 40; set name"):
        asyncio.run(cloud(GKE).check(request))


def test_a_preview_knows_names_but_nothing_that_the_cloud_decides() -> None:
    resource_id, inputs, outputs = create(GKE, {"location": "europe-west1"}, preview=True)
    assert resource_id == ""
    assert outputs["name"] == inputs["name"]
    assert outputs["endpoint"] is UNKNOWN
    assert outputs["masterAuth"] is UNKNOWN


def test_a_managed_cluster_is_the_control_plane_of_its_location_or_of_the_region_it_is_labelled_with() -> None:
    _, _, gke = create(GKE, {"location": "europe-west1-b"})
    assert (gke["endpoint"], gke["masterAuth"]["clusterCaCertificate"]) == ("127.0.0.1:20600", "CA0")
    eks_inputs = {"region": "eu-west-1", "tags": {"region": "ireland"}, "roleArn": "r", "vpcConfig": VPC_CONFIG}
    _, _, eks = create(EKS, eks_inputs)
    assert (eks["endpoint"], eks["certificateAuthority"]["data"]) == ("https://127.0.0.1:20601", "CA1")
    assert eks["vpcConfig"]["subnetIds"] == VPC_CONFIG["subnetIds"]
    assert eks["vpcConfig"]["clusterSecurityGroupId"].startswith("sg-")


def test_a_cluster_in_a_region_without_a_control_plane_says_what_to_do() -> None:
    with pytest.raises(
        ProviderError, match=r"region asia-east1; it has: europe-west1, ireland. Start .* sandbox start"
    ):
        create(GKE, {"location": "asia-east1"})


def test_aks_gives_its_identities_as_a_map_and_its_kubeconfig_through_the_function() -> None:
    identity = {"type": "UserAssigned", "userAssignedIdentities": ["/subscriptions/s/identity"]}
    given = {
        "resourceGroupName": "group",
        "location": "West Europe",
        "tags": {"region": "ireland"},
        "identity": identity,
    }
    resource_id, inputs, outputs = create(AKS, given)
    assert resource_id.startswith("/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/group/")
    assert list(outputs["identity"]["userAssignedIdentities"]) == ["/subscriptions/s/identity"]
    args = {"resourceGroupName": "group", "resourceName": inputs["resourceName"], "format": "exec"}
    answer = asyncio.run(cloud(AKS).invoke(USER_CREDENTIALS, args))
    kubeconfig = yaml.safe_load(base64.b64decode(answer["kubeconfigs"][0]["value"]))
    assert kubeconfig["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:20601"
    assert set(kubeconfig["users"][0]["user"]) == {"exec"}


def test_aks_refuses_a_group_of_machines_with_a_name_that_is_too_long() -> None:
    given = {"resourceGroupName": "g" * 30, "resourceName": "c" * 30, "location": "westeurope"}
    with pytest.raises(ProviderError, match=r"node resource group name is too long. The maximum length is 80 .* is 81"):
        create(AKS, {**given, "resourceGroupName": "g" * 36, "tags": {"region": "ireland"}})
    _, _, outputs = create(AKS, {**given, "tags": {"region": "ireland"}})
    assert outputs["nodeResourceGroup"] == f"MC_{'g' * 30}_{'c' * 30}_westeurope"


def test_the_kubeconfig_of_a_cluster_that_does_not_exist_is_refused() -> None:
    args = {"resourceGroupName": "group", "resourceName": "none"}
    with pytest.raises(ProviderError, match="no managed cluster none"):
        asyncio.run(cloud(AKS).invoke(USER_CREDENTIALS, args))


def test_a_redis_of_azure_has_keys_of_its_own_that_stay() -> None:
    given = {"resourceGroupName": "group", "databaseName": "default"}
    for cluster in ("one", "other"):
        create(REDIS_DATABASE, {**given, "clusterName": cluster}, name=cluster)
    keys = [
        asyncio.run(cloud(REDIS_DATABASE).invoke(DATABASE_KEYS, {**given, "clusterName": cluster}))
        for cluster in ("one", "one", "other")
    ]
    assert keys[0] == keys[1] != keys[2]
    assert len(base64.b64decode(keys[0]["primaryKey"])) == 32
    with pytest.raises(ProviderError, match="no Redis database none/default"):
        asyncio.run(cloud(REDIS_DATABASE).invoke(DATABASE_KEYS, {**given, "clusterName": "none"}))


def test_other_functions_are_refused() -> None:
    with pytest.raises(ProviderError, match="not available in the sandbox"):
        asyncio.run(cloud(GKE).invoke("gcp:compute/getImage:getImage", {}))


def test_the_engine_is_told_failures_by_property_and_secrets_as_secrets() -> None:
    async def speak() -> tuple[Any, Any]:
        engine = EngineClient()
        server, port = await start(Gcp(engine), engine)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            refused = await stub.Check(provider_pb2.CheckRequest(urn=urn(NETWORK), news=encode({"nam": "x"})))
            inputs = encode({"instance": "db", "name": "n", "password": Secret("s")})
            made = await stub.Create(provider_pb2.CreateRequest(urn=urn(SQL_USER), properties=inputs))
        await server.stop(grace=None)
        return refused, made

    refused, made = asyncio.run(speak())
    assert [failure.property for failure in refused.failures] == ["nam"]
    assert decode(made.properties)["password"] == Secret("s")
    assert plain(decode(made.properties))["name"] == "n"
