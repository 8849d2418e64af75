"""The stand-ins of the clouds: the values that they remember, keep secret, change in place and replace."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from sandbox.providers.base import (
    CreateRequest,
    DiffRequest,
    ProviderError,
    Values,
)
from sandbox.providers.cloud.store import HIDDEN
from sandbox.providers.values import UNKNOWN, Secret
from tests.support.cloud_standins import (
    AKS,
    EKS,
    GKE,
    NETWORK,
    SQL_USER,
    SUBNET_INPUTS,
    SUBNETWORK,
    TEMPLATE,
    VPC_CONFIG,
    check,
    cloud,
    create,
    delete,
    diff,
    read,
    update,
    urn,
)

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("simulated_clouds")]


def test_what_was_made_is_there_for_another_run_and_gone_after_its_deletion() -> None:
    resource_id, inputs, outputs = create(SUBNETWORK, SUBNET_INPUTS)
    assert read(SUBNETWORK, resource_id, outputs, inputs) == (resource_id, outputs, inputs)
    delete(SUBNETWORK, resource_id)
    assert read(SUBNETWORK, resource_id, outputs, inputs)[0] == ""
    delete(SUBNETWORK, resource_id)


def test_a_refresh_finds_what_somebody_changed_or_deleted(simulated_clouds: Path) -> None:
    resource_id, inputs, outputs = create(SUBNETWORK, SUBNET_INPUTS)
    (file,) = (simulated_clouds / "clouds").rglob("*.json")
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


def test_a_damaged_file_is_named(simulated_clouds: Path) -> None:
    resource_id, inputs, outputs = create(SUBNETWORK, SUBNET_INPUTS)
    (file,) = (simulated_clouds / "clouds").rglob("*.json")
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
    simulated_clouds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(NETWORK, {})
    monkeypatch.setenv("SACRED_COUNCIL_RESUMED", f"{urn(NETWORK)} {urn(SUBNETWORK)}")
    inputs = check(NETWORK, {}, seed=b"another run")
    resource_id, _ = asyncio.run(cloud(NETWORK).create(CreateRequest(urn(NETWORK), inputs)))
    files = list((simulated_clouds / "clouds").rglob("*.json"))
    assert [json.loads(file.read_text())["id"] for file in files] == [resource_id]


def test_secrets_stay_secret_and_out_of_the_files(simulated_clouds: Path) -> None:
    given = {"instance": "db", "name": "council", "password": Secret("correct horse")}
    resource_id, inputs, outputs = create(SQL_USER, given)
    assert outputs["password"] == Secret("correct horse")
    (file,) = (simulated_clouds / "clouds").rglob("*.json")
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
            {"resourceGroupName": "g", "dnsPrefix": "here"},
            {"resourceGroupName": "g", "dnsPrefix": "there"},
            "dnsPrefix",
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


def test_the_api_of_aks_becomes_public_and_private_in_place() -> None:
    old: Values = {"resourceGroupName": "g", "apiServerAccessProfile": {"enablePrivateCluster": True}}
    new: Values = {"resourceGroupName": "g", "apiServerAccessProfile": {"enablePrivateCluster": False}}
    found = diff(AKS, old, new)
    assert found.replaces == []
    assert set(found.details) == {"apiServerAccessProfile.enablePrivateCluster"}


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
