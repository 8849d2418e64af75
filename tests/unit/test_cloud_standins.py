"""The stand-ins of the clouds: what they accept, what they answer, what they remember and how they fail."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import yaml
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.providers.aws.__main__ import Aws
from sandbox.providers.azure_native.__main__ import AzureNative
from sandbox.providers.azure_native.functions import DATABASE_KEYS, USER_CREDENTIALS
from sandbox.providers.base import (
    CheckFailedError,
    CheckRequest,
    CreateRequest,
    DeleteRequest,
    Diff,
    DiffRequest,
    ProviderError,
    ReadRequest,
    UpdateRequest,
    Values,
)
from sandbox.providers.cloud.provider import CloudStandIn
from sandbox.providers.cloud.sdk import Sdk
from sandbox.providers.cloud.store import HIDDEN
from sandbox.providers.gcp.__main__ import Gcp
from sandbox.providers.server import EngineClient, start
from sandbox.providers.values import UNKNOWN, Secret, decode, encode, plain

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


@pytest.fixture(autouse=True)
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sandbox with two control planes."""
    monkeypatch.setenv("SACRED_COUNCIL_CLOUDS", str(tmp_path / "clouds"))
    monkeypatch.setenv("SACRED_COUNCIL_KUBECONFIGS", str(tmp_path / "kubeconfigs"))
    (tmp_path / "kubeconfigs").mkdir()
    for number, region in enumerate(("europe-west1", "ireland")):
        cluster = {"server": f"https://127.0.0.1:{20600 + number}", "certificate-authority-data": f"CA{number}"}
        document = {"clusters": [{"name": region, "cluster": cluster}]}
        (tmp_path / "kubeconfigs" / f"{region}.yaml").write_text(yaml.safe_dump(document))
    return tmp_path


def urn(token: str, name: str = "thing") -> str:
    return f"urn:pulumi:test::project::{token}::{name}"


def cloud_of(token: str) -> CloudStandIn:
    return CLOUDS[token.partition(":")[0]](EngineClient())


def cloud(token: str, **settings: Any) -> CloudStandIn:
    """A provider for the token that knows nothing yet: like the plugin in a new run."""
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


@pytest.mark.parametrize("plugin", CLOUDS)
def test_every_type_of_a_table_is_in_the_sdk_with_its_name_outputs_and_paths(plugin: str) -> None:
    provider = CLOUDS[plugin]
    sdk = Sdk(provider.package)
    # Paths that many types of a cloud have in common, and some have not.
    common = {"name", "project", "location", "region", "zone", "resourceGroupName"}
    wrong: list[str] = []
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


def test_what_was_made_is_there_for_another_run_and_gone_after_its_deletion() -> None:
    resource_id, inputs, outputs = create(SUBNETWORK, SUBNET_INPUTS)
    assert read(SUBNETWORK, resource_id, outputs, inputs) == (resource_id, outputs, inputs)
    delete(SUBNETWORK, resource_id)
    assert read(SUBNETWORK, resource_id, outputs, inputs)[0] == ""
    delete(SUBNETWORK, resource_id)


def test_a_refresh_finds_what_somebody_changed_or_deleted(sandbox: Path) -> None:
    resource_id, inputs, outputs = create(SUBNETWORK, SUBNET_INPUTS)
    (file,) = (sandbox / "clouds").rglob("*.json")
    record = json.loads(file.read_text())
    record["inputs"]["privateIpGoogleAccess"] = record["outputs"]["privateIpGoogleAccess"] = True
    file.write_text(json.dumps(record))
    _, new_outputs, new_inputs = read(SUBNETWORK, resource_id, outputs, inputs)
    assert new_outputs["privateIpGoogleAccess"] is new_inputs["privateIpGoogleAccess"] is True
    file.unlink()
    assert read(SUBNETWORK, resource_id, outputs, inputs)[0] == ""


def test_an_update_of_what_is_gone_says_so() -> None:
    made = create(SUBNETWORK, SUBNET_INPUTS)
    delete(SUBNETWORK, made[0])
    with pytest.raises(ProviderError, match="run `pulumi refresh`"):
        update(SUBNETWORK, made, {**SUBNET_INPUTS, "privateIpGoogleAccess": True})


def test_a_damaged_file_is_named(sandbox: Path) -> None:
    resource_id, inputs, outputs = create(SUBNETWORK, SUBNET_INPUTS)
    (file,) = (sandbox / "clouds").rglob("*.json")
    file.write_text("{")
    with pytest.raises(ProviderError, match="is damaged"):
        read(SUBNETWORK, resource_id, outputs, inputs)


def test_an_update_keeps_what_the_cloud_decided_and_counts_versions() -> None:
    made = create(TEMPLATE, {"instanceType": "small", "updateDefaultVersion": True})
    assert made[2]["latestVersion"] == 1
    planned = update(TEMPLATE, made, {"instanceType": "big", "updateDefaultVersion": True}, preview=True)
    assert planned["latestVersion"] is UNKNOWN
    outputs = update(TEMPLATE, made, {"instanceType": "big", "updateDefaultVersion": True})
    assert (outputs["latestVersion"], outputs["arn"], outputs["instanceType"]) == (2, made[2]["arn"], "big")


def test_two_resources_have_different_ids_and_addresses() -> None:
    address = "gcp:compute/address:Address"
    first, second = create(address, {"region": "r"}, name="a"), create(address, {"region": "r"}, name="b")
    assert first[0] != second[0]
    assert first[2]["address"] != second[2]["address"]
    assert first[2]["address"].startswith("240.")


def test_a_name_is_taken_once() -> None:
    create(NETWORK, {"name": "council"})
    with pytest.raises(ProviderError, match="exists already"):
        create(NETWORK, {"name": "council"}, name="other")


def test_what_a_project_has_once_is_found_by_all_and_outlives_each_of_them() -> None:
    agent, wanted = "gcp:projects/serviceIdentity:ServiceIdentity", {"service": "container.googleapis.com"}
    first, second = create(agent, wanted, name="r1"), create(agent, wanted, name="r2")
    assert first[0] == second[0]
    delete(agent, first[0])
    assert read(agent, second[0], second[2], second[1])[0] == second[0]


def test_what_a_killed_engine_made_and_did_not_record_is_not_there_twice(
    sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(NETWORK, {})
    monkeypatch.setenv("SACRED_COUNCIL_RESUMED", f"{urn(NETWORK)} {urn(SUBNETWORK)}")
    inputs = check(NETWORK, {}, seed=b"another run")
    resource_id, _ = asyncio.run(cloud(NETWORK).create(CreateRequest(urn(NETWORK), inputs)))
    files = list((sandbox / "clouds").rglob("*.json"))
    assert [json.loads(file.read_text())["id"] for file in files] == [resource_id]


def test_secrets_stay_secret_and_out_of_the_files(sandbox: Path) -> None:
    given = {"instance": "db", "name": "council", "password": Secret("correct horse")}
    resource_id, inputs, outputs = create(SQL_USER, given)
    assert outputs["password"] == Secret("correct horse")
    (file,) = (sandbox / "clouds").rglob("*.json")
    assert "correct horse" not in file.read_text()
    assert json.loads(file.read_text())["inputs"]["password"] == HIDDEN
    assert file.stat().st_mode & 0o077 == 0
    assert read(SQL_USER, resource_id, outputs, inputs) == (resource_id, outputs, inputs)


def test_an_output_that_the_cloud_keeps_secret_is_one() -> None:
    _, _, outputs = create("gcp:redis/instance:Instance", {"memorySizeGb": 1, "region": "europe-west1"})
    assert isinstance(outputs["authString"], Secret)


@pytest.mark.parametrize(
    ("token", "old", "new", "path"),
    [
        (SUBNETWORK, SUBNET_INPUTS, {**SUBNET_INPUTS, "region": "us-central1"}, "region"),
        (SUBNETWORK, SUBNET_INPUTS, {**SUBNET_INPUTS, "network": "other"}, "network"),
        (SUBNETWORK, SUBNET_INPUTS, {**SUBNET_INPUTS, "ipCidrRange": "10.1.0.0/20"}, "ipCidrRange"),
        (GKE, {"location": "a"}, {"location": "b"}, "location"),
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.1.0.0/16"}, "cidrBlock"),
        (
            EKS,
            {"roleArn": "r", "vpcConfig": VPC_CONFIG, "kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.0.0.0/20"}},
            {"roleArn": "r", "vpcConfig": VPC_CONFIG, "kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.1.0.0/20"}},
            "kubernetesNetworkConfig.serviceIpv4Cidr",
        ),
        (
            AKS,
            {"resourceGroupName": "g", "agentPoolProfiles": [{"name": "nodes", "vmSize": "small"}]},
            {"resourceGroupName": "g", "agentPoolProfiles": [{"name": "nodes", "vmSize": "big"}]},
            "agentPoolProfiles[0].vmSize",
        ),
    ],
)
def test_what_cannot_change_replaces_the_resource(token: str, old: Values, new: Values, path: str) -> None:
    found = diff(token, old, new)
    assert found.replaces == [path]
    assert not found.delete_before_replace


def test_what_can_change_is_updated_in_place() -> None:
    old = {"location": "a", "masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "192.0.2.0/24"}]}}
    new = {"location": "a", "masterAuthorizedNetworksConfig": {"cidrBlocks": []}, "resourceLabels": {"a.b/c": "d"}}
    found = diff(GKE, old, new)
    assert found.replaces == []
    assert set(found.details) == {"masterAuthorizedNetworksConfig.cidrBlocks[0]", "resourceLabels"}
    labelled = {**new, "resourceLabels": {"a.b/c": "e"}}
    assert list(diff(GKE, new, labelled).details) == ['resourceLabels["a.b/c"]']
    assert not diff(GKE, new, new).changed


def test_a_resource_with_a_name_of_its_own_is_deleted_before_its_replacement_is_made() -> None:
    old = {**SUBNET_INPUTS, "name": "nodes"}
    assert diff(SUBNETWORK, old, {**old, "region": "us-central1"}).delete_before_replace
    assert not diff(SUBNETWORK, old, {**old, "name": "others"}).delete_before_replace


def test_what_would_get_the_same_id_again_is_deleted_before_its_replacement_is_made() -> None:
    token, scope = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "accessScope"
    given = {"clusterName": "c", "principalArn": "p", "policyArn": "y", scope: {"type": "cluster"}}
    resource_id, inputs, outputs = create(token, given)
    news = check(token, {**given, scope: {"type": "namespace", "namespaces": ["a"]}}, inputs)
    verdict = asyncio.run(cloud(token).diff(DiffRequest(urn(token), resource_id, outputs, news, inputs, [])))
    assert verdict.replaces == ["accessScope.namespaces", "accessScope.type"]
    assert verdict.delete_before_replace


def test_an_interrupted_creation_ends_at_once_and_leaves_nothing(
    sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupt() -> None:
        provider = cloud_of(NETWORK)
        making = asyncio.create_task(provider.create(CreateRequest(urn(NETWORK), {"name": "n"})))
        await asyncio.sleep(0.05)
        await provider.cancel()
        await making

    monkeypatch.setenv("SACRED_COUNCIL_MODEL_TIMES", "1")
    begin = time.monotonic()
    with pytest.raises(ProviderError, match="making thing was interrupted"):
        asyncio.run(interrupt())
    assert time.monotonic() - begin < 10
    assert not (sandbox / "clouds").exists()


def test_a_fault_fails_always_or_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACRED_COUNCIL_CLOUD_FAULTS", f"{NETWORK}=once delete@::project::{SUBNETWORK}")
    with pytest.raises(ProviderError, match="create of thing fails"):
        create(NETWORK, {})
    create(NETWORK, {})
    made = create(SUBNETWORK, SUBNET_INPUTS)
    for _ in range(2):
        with pytest.raises(ProviderError, match="delete of thing fails"):
            delete(SUBNETWORK, made[0])
    assert read(SUBNETWORK, made[0], made[2], made[1])[0] == made[0]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SACRED_COUNCIL_CLOUD_FAULTS", "x=twice", "must be"),
        ("SACRED_COUNCIL_CLOUD_FAULTS", "build@x", "one of the operations"),
        ("SACRED_COUNCIL_MODEL_TIMES", "soon", "must be a number"),
        ("SACRED_COUNCIL_MODEL_TIMES", "-1", "must be a number"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ProviderError, match=said):
        create(NETWORK, {})


def test_things_take_their_modelled_time_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACRED_COUNCIL_MODEL_TIMES", "0.001")
    begin = time.monotonic()
    create(GKE, {"location": "europe-west1"})
    assert time.monotonic() - begin >= Gcp.table[GKE].minutes * 60 * 0.001
    begin = time.monotonic()
    create(GKE, {"location": "europe-west1"}, preview=True)
    assert time.monotonic() - begin < Gcp.table[GKE].minutes * 60 * 0.001


def test_without_a_sandbox_the_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SACRED_COUNCIL_CLOUDS")
    with pytest.raises(ProviderError, match="SACRED_COUNCIL_CLOUDS is not set"):
        create(NETWORK, {})


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
