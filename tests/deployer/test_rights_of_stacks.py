"""The deployer's rights, against the program: each resource type of a stack has its rights, and there are no others."""

import fnmatch
import json
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.conftest import STACKS
from tests.support import deployer
from tests.support.clouds import KINDS
from tests.support.edges import CDNS, edge
from tests.support.managed import CLOUDS, managed
from tests.support.regions import MIXED, configured, rendered_with
from tests.support.rendering import ROOT, Rendered, Resource

pytestmark = pytest.mark.stack

PACKAGES = {"aws": "aws", "azure": "azure-native", "google": "gcp"}
ADMINISTRATOR = "arn:aws:iam::123456789012:role/council"
OURS = {"part-of": "sacred-council"}
MADE_WITH_OUR_TAG = {
    "acm:RequestCertificate": "aws:acm/certificate:Certificate",
    "ec2:AllocateAddress": "aws:ec2/eip:Eip",
    "ec2:CreateInternetGateway": "aws:ec2/internetGateway:InternetGateway",
    "ec2:CreateLaunchTemplate": "aws:ec2/launchTemplate:LaunchTemplate",
    "ec2:CreateVpc": "aws:ec2/vpc:Vpc",
    "eks:CreateCluster": "aws:eks/cluster:Cluster",
    "elasticache:AddTagsToResource": "aws:elasticache/replicationGroup:ReplicationGroup",
    "elasticache:CreateCacheParameterGroup": "aws:elasticache/parameterGroup:ParameterGroup",
    "elasticache:CreateCacheSubnetGroup": "aws:elasticache/subnetGroup:SubnetGroup",
    "kms:CreateKey": "aws:kms/key:Key",
    "kms:TagResource": "aws:kms/key:Key",
    "rds:AddTagsToResource": "aws:rds/instance:Instance",
    "rds:CreateDBParameterGroup": "aws:rds/parameterGroup:ParameterGroup",
    "rds:CreateDBSubnetGroup": "aws:rds/subnetGroup:SubnetGroup",
}
"""The resource type that each action creates, for actions that the policies allow only with our tag."""


@cache
def _everything() -> tuple[Rendered, ...]:
    """Stacks that together contain everything: three clouds with all options, all data services, all edges."""
    settings = configured(*MIXED)
    clouds = {name: {**cloud, "flowLogs": True} for name, cloud in settings["clouds"].items()}
    clouds["aws"]["administrators"] = [ADMINISTRATOR]
    database = {**settings["database"], "backup": {"regions": [name for name, _ in MIXED]}}
    regions = rendered_with(MIXED, clouds=clouds, database=database)
    return (regions, *(managed(cloud) for cloud in CLOUDS), *(edge(cdn) for cdn in CDNS))


def _resources() -> Iterator[Resource]:
    return (resource for rendered in _everything() for resource in rendered.resources)


def _types(cloud: str) -> set[str]:
    """The cloud's resource types and look-ups that the program uses."""
    prefix = f"{PACKAGES[cloud]}:"
    called = {token for rendered in _everything() for token, _ in rendered.calls}
    return {one for one in {resource.type for resource in _resources()} | called if one.startswith(prefix)}


@pytest.mark.parametrize("cloud", deployer.CLOUDS)
def test_every_type_that_is_made_has_its_rights_and_no_other(cloud: str) -> None:
    made, known = _types(cloud), set(deployer.needs(cloud))
    assert made
    assert known
    assert sorted(made - known) == [], f"say in tests/data/deployer/{cloud}.yaml what they need, then in docs/deployer"
    assert sorted(known - made) == [], f"nothing makes these: take their rights away in {cloud}.yaml and docs/deployer"


@pytest.mark.parametrize("stack", STACKS)
def test_the_stack_files_make_nothing_else(stack: str) -> None:
    known = {kind for cloud in deployer.CLOUDS for kind in deployer.needs(cloud)}
    lines = (ROOT / "tests" / "golden" / f"{stack}.txt").read_text().splitlines()
    made = {line.partition("::")[0].rpartition("$")[2] for line in lines}
    assert "kubernetes:core/v1:Namespace" in made
    assert sorted(one for one in made if one.startswith(("aws:", "azure-native:", "gcp:")) and one not in known) == []


def test_the_code_makes_nothing_that_these_stacks_leave_out() -> None:
    code = "\n".join(path.read_text() for top in ("components", "stacks") for path in (ROOT / top).rglob("*.py"))
    known = {kind for cloud in deployer.CLOUDS for kind in deployer.needs(cloud)}
    # The pattern finds what the stacks make, so it would find what they leave out.
    missed = [kind for kind in KINDS if kind in known and not re.search(_constructor(kind), code)]
    assert missed == []
    left_out = [kind for kind in KINDS if kind not in known and re.search(_constructor(kind), code)]
    assert left_out == [], "test_deployer_rights.py makes a stack that has them, and docs/deployer grants them"


def _constructor(kind: str) -> str:
    _, module, name = kind.split(":")
    return rf"\b{module.partition('/')[0]}\.{name}\("


def _allowed(action: str, test: str, key: str) -> set[str]:
    """The condition values with which AWS allows an action."""
    those = [one["Condition"][test][key] for _, one in deployer.all_statements() if action in one["Action"]]
    assert those, f"no statement allows {action}"
    return {value for values in those for value in values}


def test_the_policies_that_roles_get_are_those_that_may_be_attached() -> None:
    attachments = [r for r in _resources() if r.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment"]
    assert _allowed("iam:AttachRolePolicy", "ArnEquals", "iam:PolicyARN") == {
        r.inputs["policyArn"] for r in attachments
    }


def test_the_roles_that_are_passed_are_for_those_who_may_take_them() -> None:
    trusted = {
        trust["Principal"]["Service"]
        for r in _resources()
        if r.type == "aws:iam/role:Role"
        for trust in json.loads(r.inputs["assumeRolePolicy"])["Statement"]
    }
    assert _allowed("iam:PassRole", "StringEquals", "iam:PassedToService") == trusted


@pytest.mark.parametrize(
    ("kind", "named", "action"),
    [
        ("aws:iam/role:Role", "arn:aws:iam::123456789012:role/{namePrefix}20261129", "iam:CreateRole"),
        ("aws:eks/cluster:Cluster", "arn:aws:eks:eu-west-1:123456789012:cluster/{name}", "eks:DeleteCluster"),
        ("aws:s3/bucket:Bucket", "arn:aws:s3:::{name}", "s3:CreateBucket"),
        (
            "aws:cloudwatch/logGroup:LogGroup",
            "arn:aws:logs:us-east-1:123456789012:log-group:{name}",
            "logs:DeleteLogGroup",
        ),
    ],
)
def test_names_are_those_that_the_policies_allow(kind: str, named: str, action: str) -> None:
    allowed = [
        pattern for _, one in deployer.all_statements() if action in one["Action"] for pattern in one["Resource"]
    ]
    made = [r for r in _resources() if r.type == kind]
    assert made
    for one in made:
        # A resource without a name gets its logical name and a random suffix.
        name = named.format(**{"name": f"{one.name}-0a1b2c3", **one.inputs})
        assert any(fnmatch.fnmatchcase(name, pattern) for pattern in allowed), name


def test_what_is_made_with_our_tag_alone_has_it() -> None:
    limited = {
        action
        for _, one in deployer.all_statements()
        if "aws:RequestTag/part-of" in one.get("Condition", {}).get("StringEquals", {})
        for action in one["Action"]
    }
    assert limited - {"ec2:CreateTags"} == set(MADE_WITH_OUR_TAG)
    for kind in MADE_WITH_OUR_TAG.values():
        made = [r for r in _resources() if r.type == kind]
        assert made, kind
        assert all(OURS.items() <= r.inputs["tags"].items() for r in made), kind


def test_all_that_aws_tags_has_our_tag() -> None:
    # Changing or deleting a resource needs the tag, whichever action created it.
    tagged = [r for r in _resources() if r.type.startswith("aws:ec2/") and KINDS[r.type] and "tags" in r.inputs]
    assert {r.type for r in tagged} >= {f"aws:ec2/{one}" for one in ("subnet:Subnet", "routeTable:RouteTable")}
    assert [r.name for r in tagged if not OURS.items() <= r.inputs["tags"].items()] == []


def test_the_roles_that_azure_s_identities_get_are_those_that_may_be_granted() -> None:
    granted = {
        r.inputs["roleDefinitionId"].rpartition("/")[2]
        for r in _resources()
        if r.type == "azure-native:authorization:RoleAssignment"
    }
    condition = (deployer.FOLDER / "azure-grants-condition.txt").read_text()
    sets = re.findall(r"GuidEquals \{([^}]*)\}", condition)
    assert granted
    assert len(sets) == 2
    assert all(set(one.split(", ")) == granted for one in sets)


def test_azure_s_roles_go_to_identities_alone() -> None:
    kinds = {r.inputs["principalType"] for r in _resources() if r.type == "azure-native:authorization:RoleAssignment"}
    condition = (deployer.FOLDER / "azure-grants-condition.txt").read_text()
    assert set(re.findall(r"StringEqualsIgnoreCase \{'(\w+)'\}", condition)) == kinds == {"ServicePrincipal"}


def test_the_roles_that_google_s_project_grants_are_those_that_may_be_granted() -> None:
    granted = {r.inputs["role"] for r in _resources() if r.type == "gcp:projects/iAMMember:IAMMember"}
    condition = (deployer.FOLDER / "google-cloud-grants-condition.yaml").read_text()
    assert granted
    assert set(re.findall(r"'(roles/[\w.]+)'", condition)) == granted
