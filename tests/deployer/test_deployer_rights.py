"""The deployer's rights: documents grant exactly what resource types need, in actions that the clouds know."""

import fnmatch
import json
import re
from typing import Any

import pytest
import yaml

from stacks.geography import CATALOGUE
from tests.support import deployer
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

POLICY_LETTERS = 6144
"""AWS's limit for the characters of a managed policy, without white space."""
POLICIES_OF_A_ROLE = 10
"""AWS's default quota."""
DESTRUCTIVE = re.compile(r":(Delete|ScheduleKeyDeletion|Release|Terminate|Remove)")
REMEDY = {"aws": "by hand", "azure": "python -m tests.support.deployer", "google": "python -m tests.support.deployer"}
PARTS = [(cloud, part) for cloud in deployer.CLOUDS for part in deployer.documents(cloud)]


def test_every_part_has_its_document() -> None:
    for cloud in deployer.CLOUDS:
        assert set(deployer.documents(cloud)) == set(deployer.parts(cloud)) - {deployer.GRANTED_BY_GOOGLE}


@pytest.mark.parametrize(("cloud", "part"), PARTS)
def test_a_document_grants_what_is_needed_and_nothing_else(cloud: str, part: str) -> None:
    wanted, given = deployer.parts(cloud)[part], deployer.granted(cloud, part)
    assert sorted(wanted - given) == [], f"add these to {deployer.documents(cloud)[part].name} ({REMEDY[cloud]})"
    assert sorted(given - wanted) == [], f"no type needs these: take them out of {deployer.documents(cloud)[part].name}"


@pytest.mark.parametrize(("cloud", "part"), PARTS)
def test_no_right_is_a_pattern(cloud: str, part: str) -> None:
    assert [action for action in deployer.granted(cloud, part) if "*" in action] == []


@pytest.mark.parametrize(("cloud", "part"), PARTS)
def test_rights_do_not_depend_on_the_regions_of_a_stack(cloud: str, part: str) -> None:
    text = deployer.documents(cloud)[part].read_text()
    # CloudFront's certificates, firewall and logs are in one region of AWS, wherever the platform's regions are.
    home = {"us-east-1"} if (cloud, part) == ("aws", "edge") else set()
    assert {one.name for one in CATALOGUE if re.search(rf"\b{one.name}\b", text)} <= home


class TestAws:
    """The policies of AWS, against AWS's own reference of its actions."""

    known: dict[str, dict[str, list[str]]] = deployer.reference("aws-actions")

    def test_actions_are_those_of_aws(self) -> None:
        used = {action for _, one in deployer.all_statements() for action in one["Action"]}
        assert used == set(self.known), "aws-actions.yaml has what AWS's Service Authorization Reference says of each"

    def test_a_resource_that_is_named_is_one_that_the_action_can_be_limited_to(self) -> None:
        for place, one in deployer.all_statements():
            if one["Resource"] == ["*"]:
                continue
            for action in one["Action"]:
                kinds = self.known[action]["resources"]
                assert any(_fits(resource, kinds) for resource in one["Resource"]), f"{place}: never grants {action}"
            for resource in one["Resource"]:
                assert any(_fits(resource, self.known[action]["resources"]) for action in one["Action"]), (
                    place,
                    resource,
                )

    def test_conditions_are_of_keys_that_the_actions_know(self) -> None:
        for place, one in deployer.all_statements():
            for action in one["Action"]:
                unknown = {_key(key) for test in one.get("Condition", {}).values() for key in test}
                assert unknown - set(self.known[action]["knows"]) == set(), f"{place}: never grants {action}"

    def test_nothing_is_destroyed_that_is_not_ours(self) -> None:
        found: list[str] = []
        for place, one in deployer.all_statements():
            # AWS cannot limit a few of these actions to a resource.
            destroyed = [a for a in one["Action"] if DESTRUCTIVE.search(a) and self.known[a]["resources"]]
            found += destroyed
            assert not destroyed or one["Resource"] != ["*"] or "Condition" in one, f"{place}: {destroyed}"
        assert found

    def test_roles_are_passed_to_eks_alone_and_policies_attached_by_name(self) -> None:
        limits = {"iam:PassRole": "iam:PassedToService", "iam:AttachRolePolicy": "iam:PolicyARN"}
        limits |= {"iam:CreateServiceLinkedRole": "iam:AWSServiceName", "ec2:RunInstances": "ec2:LaunchTemplate"}
        seen: set[str] = set()
        for place, one in deployer.all_statements():
            keys = {key for test in one.get("Condition", {}).values() for key in test}
            for action in set(one["Action"]) & set(limits):
                assert limits[action] in keys, f"{place}: {action} without {limits[action]}"
                seen.add(action)
        assert seen == set(limits)

    def test_aws_takes_the_policies(self) -> None:
        assert len(deployer.documents("aws")) <= POLICIES_OF_A_ROLE
        for part, path in deployer.documents("aws").items():
            document = json.loads(path.read_text())
            assert document["Version"] == "2012-10-17"
            assert len(re.sub(r"\s", "", path.read_text())) <= POLICY_LETTERS, part
            names = [one["Sid"] for one in document["Statement"]]
            assert len(set(names)) == len(names)
            assert all(re.fullmatch("[A-Za-z0-9]+", name) for name in names)
            assert all(one["Effect"] == "Allow" and one["Action"] for one in document["Statement"])

    def test_what_cloudformation_needs_is_granted_or_explained(self) -> None:
        cloudformation: dict[str, Any] = deployer.reference("cloudformation")
        given = {action for part in deployer.documents("aws") for action in deployer.granted("aws", part)}
        asked = {action for one in cloudformation["types"].values() for action in one["handlers"].split()}
        unused = {action for group in cloudformation["unused"] for action in group["actions"].split()}
        assert sorted(asked - given - unused) == [], "grant it, or say in cloudformation.yaml why not"
        assert sorted(unused & given) == []
        assert set(cloudformation["types"]) <= set(deployer.needs("aws"))


def _fits(resource: str, kinds: list[str]) -> bool:
    # A `*` in a policy also matches slashes.
    return any(fnmatch.fnmatchcase(resource.replace("*", "x/x/x/x"), kind) for kind in kinds)


def _key(key: str) -> str:
    service, _, name = key.partition(":")
    return f"{service}:{name.partition('/')[0]}"


def test_permissions_are_those_of_google() -> None:
    known = {
        f"{kind}.{verb}" for kind, verbs in deployer.reference("google-permissions").items() for verb in verbs.split()
    }
    for part, wanted in deployer.parts("google").items():
        assert sorted(wanted - known) == [], part


def test_google_s_own_role_is_needed_for_kubernetes_alone() -> None:
    wanted = deployer.parts("google")[deployer.GRANTED_BY_GOOGLE]
    assert {permission.partition(".")[0] for permission in wanted} == {"container"}
    assert "roles/container.admin" in (deployer.FOLDER / "google-cloud.md").read_text()


def test_roles_of_google_can_be_made() -> None:
    for path in deployer.documents("google").values():
        role = yaml.safe_load(path.read_text())
        assert set(role) == {"title", "description", "stage", "includedPermissions"}
        assert role["stage"] == "GA"
        assert len(role["title"]) <= 100
        assert len(role["description"]) <= 300


def test_roles_of_azure_can_be_made_and_have_no_right_to_data() -> None:
    for path in deployer.documents("azure").values():
        role = json.loads(path.read_text())
        assert role["AssignableScopes"] == ["/subscriptions/SUBSCRIPTION"]
        assert role["NotActions"] == role["DataActions"] == role["NotDataActions"] == []
        assert all(re.fullmatch(r"Microsoft(\.\w+)(/\w+)+/(read|write|delete|action)", one) for one in role["Actions"])


def test_azure_s_keys_are_never_deleted() -> None:
    given = {action for part in deployer.documents("azure") for action in deployer.granted("azure", part)}
    assert "Microsoft.KeyVault/vaults/keys/write" in given
    assert not [action for action in given if re.search(r"vaults/(keys|secrets)/(delete|purge)", action)]


@pytest.mark.parametrize("cloud", ["aws", "azure", "google"])
def test_whoever_deploys_cannot_delete_backups(cloud: str) -> None:
    given = deployer.granted(cloud, "backups")
    kept = ("s3:Delete", "storage.buckets.delete", "Microsoft.Storage/storageAccounts/delete", "containers/delete")
    assert [action for action in given if any(word in action for word in kept)] == []


@pytest.mark.parametrize("page", ["aws.md", "azure.md", "google-cloud.md"])
def test_a_page_names_all_its_documents(page: str) -> None:
    text = (deployer.FOLDER / page).read_text()
    mine = [path.name for path in deployer.FOLDER.iterdir() if path.name.startswith(page.removesuffix(".md") + "-")]
    assert mine
    for name in mine:
        assert f"]({name})" in text, name


@pytest.mark.parametrize("page", ["getting-started.md", "security.md"])
def test_pages_on_clouds_lead_to_the_deployer_s_rights(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    for cloud in ("aws", "azure", "google-cloud"):
        assert f"(deployer/{cloud}.md)" in text
