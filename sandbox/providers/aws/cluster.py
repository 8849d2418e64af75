"""Kubernetes of AWS and its prerequisites: roles, keys, logs.

Times: a cluster 9 minutes, a node group 2, an add-on 0.5 [INF], from public run logs of the official provider.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.providers.aws import refusals
from sandbox.providers.aws.make import ACCOUNT, arn, id_from, named, place, plain, random_id
from sandbox.providers.cloud.kinds import ControlPlane, Facts, Kind, Table, at, unchangeable

_CLUSTER_IMMUTABLE: Final = (
    "roleArn bootstrapSelfManagedAddons kubernetesNetworkConfig.serviceIpv4Cidr kubernetesNetworkConfig.ipFamily "
    "accessConfig.bootstrapClusterCreatorAdminPermissions encryptionConfig.provider encryptionConfig.resources "
    "outpostConfig"
)
_GROUP_IMMUTABLE: Final = (
    "clusterName nodeRoleArn subnetIds amiType capacityType diskSize instanceTypes remoteAccess launchTemplate.id "
    "launchTemplate.name nodeGroupNamePrefix"
)


def _control_plane(facts: Facts) -> ControlPlane:
    tags: dict[str, Any] = facts.inputs.get("tags") or {}
    return facts.find_control_plane([str(tags.get("region") or ""), place(facts)])


KINDS: Final[Table] = {
    refusals.CLUSTER: named(
        id_from("name"),
        _CLUSTER_IMMUTABLE,
        minutes=9.0,
        longest=100,
        outputs={
            "arn": arn("eks", "cluster/"),
            "endpoint": lambda facts: _control_plane(facts).server,
            "certificateAuthority": lambda facts: {"data": _control_plane(facts).certificate_authority},
            "vpcConfig": at("vpcConfig", clusterSecurityGroupId=random_id("sg")),
            "identities": lambda facts: [
                {"oidcs": [{"issuer": f"https://oidc.eks.{place(facts)}.amazonaws.com/id/{facts.token.upper()}"}]}
            ],
            "status": lambda facts: "ACTIVE",
        },
        refusal=refusals.cluster,
    ),
    "aws:eks/nodeGroup:NodeGroup": named(
        id_from("clusterName", "nodeGroupName"),
        _GROUP_IMMUTABLE,
        key="nodeGroupName",
        minutes=2.0,
        longest=63,
        outputs={"arn": arn("eks", "nodegroup/", "nodeGroupName"), "status": lambda facts: "ACTIVE"},
        refusal=refusals.young_role,
    ),
    "aws:eks/addon:Addon": plain(
        id_from("clusterName", "addonName"),
        "clusterName addonName",
        minutes=0.5,
        outputs={"arn": arn("eks", "addon/", "addonName")},
        refusal=refusals.addon,
    ),
    "aws:eks/accessEntry:AccessEntry": plain(
        id_from("clusterName", "principalArn"),
        "clusterName principalArn type",
        outputs={"userName": id_from("userName")},
        refusal=refusals.creators_entry,
    ),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": plain(
        id_from("clusterName", "principalArn", "policyArn", by="#"), "clusterName principalArn policyArn accessScope"
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": plain(
        random_id("a"),
        "clusterName namespace serviceAccount",
        outputs={"associationId": random_id("a"), "associationArn": arn("eks", "podidentityassociation/a-", "")},
    ),
    refusals.ROLE: Kind(
        id=id_from("name"),
        outputs={
            "arn": arn("iam", "role/", worldwide=True),
            "uniqueId": lambda facts: f"AROA{facts.token[:17].upper()}",
        },
        name_input="name",
        longest=64,
        immutable=unchangeable("name namePrefix path"),
    ),
    "aws:iam/policy:Policy": Kind(
        id=arn("iam", "policy/", worldwide=True),
        outputs={
            "arn": arn("iam", "policy/", worldwide=True),
            "policyId": lambda facts: f"ANPA{facts.token[:17].upper()}",
        },
        name_input="name",
        longest=128,
        immutable=unchangeable("name namePrefix path description"),
    ),
    "aws:iam/rolePolicy:RolePolicy": Kind(
        id=id_from("role", "name"), name_input="name", longest=128, immutable=unchangeable("name namePrefix role")
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Kind(
        id=id_from("role", "policyArn", by="/"), immutable=unchangeable("role policyArn")
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Kind(
        id=lambda facts: f"arn:aws:iam::{ACCOUNT}:oidc-provider/{facts.text('url').removeprefix('https://')}",
        outputs={
            "arn": lambda facts: f"arn:aws:iam::{ACCOUNT}:oidc-provider/{facts.text('url').removeprefix('https://')}"
        },
        immutable=unchangeable("url"),
    ),
    "aws:kms/key:Key": plain(
        lambda facts: facts.token,
        "customerMasterKeySpec keyUsage multiRegion customKeyStoreId xksKeyId",
        outputs={
            "arn": lambda facts: f"arn:aws:kms:{place(facts)}:{ACCOUNT}:key/{facts.token}",
            "keyId": lambda facts: facts.token,
        },
    ),
    "aws:kms/alias:Alias": named(id_from("name"), "namePrefix", outputs={"arn": arn("kms", "")}),
    "aws:cloudwatch/logGroup:LogGroup": named(
        id_from("name"), "namePrefix logGroupClass", longest=512, outputs={"arn": arn("logs", "log-group:")}
    ),
}
