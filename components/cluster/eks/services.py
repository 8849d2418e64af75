"""What other clouds' clusters have by themselves: a default StorageClass, and nodes that come and go with the load."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi_aws import eks

from components.cluster.eks import policies
from components.cluster.eks.addons import EksPartArgs
from components.cluster.eks.role import EksRole, EksRoleArgs
from components.metadata import object_meta
from components.namespaces import SYSTEM
from components.releases import chart_release
from components.versions import CLUSTER_AUTOSCALER, CLUSTER_AUTOSCALER_IMAGE_TAG

AUTOSCALER = "cluster-autoscaler"
STORAGE_CLASS = "gp3"


@dataclass(frozen=True, kw_only=True)
class EksClusterServicesArgs(EksPartArgs):
    """`region` is the platform's name of the region, for labels."""

    region: str


class EksClusterServices(pulumi.ComponentResource):
    """Installed with the cluster's own Kubernetes provider.

    Outputs: `storage_class` (its name).
    """

    storage_class: str = STORAGE_CLASS

    def __init__(self, name: str, args: EksClusterServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:EksClusterServices", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        k8s.storage.v1.StorageClass(
            f"{name}-storage-class",
            metadata=object_meta(
                STORAGE_CLASS,
                app="storage",
                region=args.region,
                annotations={"storageclass.kubernetes.io/is-default-class": "true"},
            ),
            provisioner="ebs.csi.aws.com",
            parameters={"type": "gp3", "encrypted": "true"},
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            reclaim_policy="Delete",
            opts=child,
        )
        self._autoscaler(name, args)
        self.register_outputs({})

    def _autoscaler(self, name: str, args: EksClusterServicesArgs) -> None:
        child = pulumi.ResourceOptions(parent=self)
        association = pod_identity(
            f"{name}-autoscaler",
            args,
            namespace=SYSTEM,
            service_account=AUTOSCALER,
            policy=pulumi.Output.json_dumps(pulumi.Output.from_input(args.cluster).apply(policies.autoscaler)),
            opts=child,
        )
        chart_release(
            f"{name}-autoscaler",
            CLUSTER_AUTOSCALER,
            name=AUTOSCALER,
            namespace=SYSTEM,
            values=autoscaler_values(args.cluster, args.location),
            # A pod gets its identity when it starts, not afterwards.
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[association])),
        )


def pod_identity(
    name: str,
    args: EksPartArgs,
    *,
    namespace: str,
    service_account: str,
    policy: pulumi.Input[str] | None = None,
    opts: pulumi.ResourceOptions,
) -> eks.PodIdentityAssociation:
    """A role of their own for the pods of one ServiceAccount, with `policy` or with nothing it may do yet."""
    trust = pulumi.Output.json_dumps(
        pulumi.Output.from_input(args.cluster_arn).apply(
            lambda arn: policies.pod_trust(arn, namespace=namespace, service_account=service_account)
        )
    )
    role = EksRole(f"{name}-identity", EksRoleArgs(trust=trust, policy=policy, tags=args.tags), opts)
    return eks.PodIdentityAssociation(
        f"{name}-association",
        region=args.location,
        cluster_name=args.cluster,
        namespace=namespace,
        service_account=service_account,
        role_arn=role.arn,
        tags=dict(args.tags),
        opts=opts,
    )


def autoscaler_values(cluster: pulumi.Input[str], location: str) -> Mapping[str, Any]:
    """Values of the autoscaler's chart: it finds the cluster's node groups by their tags."""
    return {
        "cloudProvider": "aws",
        "awsRegion": location,
        "autoDiscovery": {"clusterName": cluster},
        "fullnameOverride": AUTOSCALER,
        "image": {"tag": CLUSTER_AUTOSCALER_IMAGE_TAG},
        "rbac": {"serviceAccount": {"name": AUTOSCALER}},
        "extraArgs": {
            "balance-similar-node-groups": True,
            "expander": "least-waste",
            # Almost every pod here has an emptyDir, which is gone with its pod anyway: nodes would stay for ever.
            "skip-nodes-with-local-storage": False,
            "skip-nodes-with-system-pods": False,
        },
        "resources": {
            "requests": {"cpu": "50m", "memory": "512Mi", "ephemeral-storage": "64Mi"},
            "limits": {"cpu": "500m", "memory": "512Mi", "ephemeral-storage": "64Mi"},
        },
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "runAsGroup": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containerSecurityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
