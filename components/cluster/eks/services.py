"""Services that other clouds' clusters include: a default StorageClass, and nodes that follow the load."""

from collections.abc import Mapping
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.eks.identity import ClusterRef, autoscaler_policy, pod_identity
from components.metadata import object_meta
from components.namespaces import SYSTEM
from components.releases import chart_release
from components.versions import CLUSTER_AUTOSCALER

AUTOSCALER: Final = "cluster-autoscaler"
STORAGE_CLASS: Final = "gp3"


class EksClusterServices(pulumi.ComponentResource):
    """A default StorageClass and the cluster autoscaler.

    `region` is the platform's name of the region, `kubernetes_version` the cluster's minor version.
    """

    def __init__(
        self,
        name: str,
        cluster: ClusterRef,
        region: str,
        kubernetes_version: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:EksClusterServices", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        k8s.storage.v1.StorageClass(
            f"{name}-storage-class",
            metadata=object_meta(
                STORAGE_CLASS,
                app="storage",
                region=region,
                annotations={"storageclass.kubernetes.io/is-default-class": "true"},
            ),
            provisioner="ebs.csi.aws.com",
            parameters={"type": "gp3", "encrypted": "true"},
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            reclaim_policy="Delete",
            opts=child,
        )
        self._autoscaler(name, cluster, kubernetes_version)
        self.register_outputs({})

    def _autoscaler(self, name: str, cluster: ClusterRef, kubernetes_version: str) -> None:
        child = pulumi.ResourceOptions(parent=self)
        association = pod_identity(
            f"{name}-autoscaler",
            cluster,
            namespace=SYSTEM,
            service_account=AUTOSCALER,
            policy=pulumi.Output.json_dumps(pulumi.Output.from_input(cluster.name).apply(autoscaler_policy)),
            opts=child,
        )
        chart_release(
            f"{name}-autoscaler",
            CLUSTER_AUTOSCALER,
            name=AUTOSCALER,
            namespace=SYSTEM,
            values=autoscaler_values(cluster.name, cluster.location, kubernetes_version),
            # A pod gets its identity only when it starts.
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[association])),
        )


def autoscaler_values(cluster: pulumi.Input[str], location: str, kubernetes_version: str) -> Mapping[str, Any]:
    """Return values of the autoscaler's chart. The autoscaler finds the cluster's node groups by their tags.

    The minor version of the autoscaler must equal that of Kubernetes. A region may choose any, so no digest is pinned.
    """
    return {
        "cloudProvider": "aws",
        "awsRegion": location,
        "autoDiscovery": {"clusterName": cluster},
        "fullnameOverride": AUTOSCALER,
        "image": {"tag": f"v{kubernetes_version}.0"},
        "rbac": {"serviceAccount": {"name": AUTOSCALER}},
        "extraArgs": {
            "balance-similar-node-groups": True,
            "expander": "least-waste",
            # Almost every pod here has an emptyDir, which ends with its pod anyway. Otherwise no node would ever go.
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
