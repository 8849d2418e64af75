"""The machines of an EKS cluster, and AWS's add-ons: those that nodes need to start, and those that run on nodes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_aws import ec2, eks, ssm

from components.cluster import gpu
from components.cluster.eks.identity import ClusterRef, EksRole, EksRoleArgs, pod_trust
from components.cluster.settings import Machines
from components.namespaces import SYSTEM
from components.offers import Gpus, is_arm
from components.offers.gpus import RESOURCE

NODE_DISK_GB: Final = 100
NODE_POLICIES: Final = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
"""Policies for joining the cluster and pulling images. The network plugin has a separate role."""


@dataclass(frozen=True, kw_only=True)
class Releases:
    """Versions of AWS's add-ons and machine images.

    They were the newest when the version of Kubernetes or `patches` last changed.
    """

    location: str
    kubernetes_version: str
    patches: str | None
    """Any text. Changing it takes the newest versions at that time."""

    def addon(self, name: str, addon: str, parent: pulumi.Resource) -> pulumi.Output[str]:
        """Return the version of an add-on, such as `v1.20.4-eksbuild.2`."""
        newest = eks.get_addon_version_output(
            addon_name=addon,
            kubernetes_version=self.kubernetes_version,
            most_recent=True,
            region=self.location,
            opts=pulumi.InvokeOutputOptions(parent=parent),
        )
        return self._kept(f"{name}-release", newest.version, parent)

    def image(self, name: str, machine_type: str, parent: pulumi.Resource, *, gpus: bool = False) -> pulumi.Output[str]:
        """Return the release of the nodes' machine image, such as `1.35.2-20261112`. `gpus`: with the driver."""
        newest = ssm.get_parameter_output(
            name=image_parameter(self.kubernetes_version, machine_type, gpus=gpus),
            region=self.location,
            opts=pulumi.InvokeOutputOptions(parent=parent),
        )
        # The release is public. `value` would mark it secret.
        return self._kept(f"{name}-release-{architecture(machine_type)}", newest.insecure_value, parent)

    def _kept(self, name: str, newest: pulumi.Output[str], parent: pulumi.Resource) -> pulumi.Output[str]:
        # The state keeps the first value of a name, so later releases of AWS change nothing. The name contains
        # everything that the version depends on, so a change of that creates a resource with the newest version.
        asked = "-".join(filter(None, (self.kubernetes_version, self.patches)))
        kept: pulumi.Output[str] = pulumi.Stash(
            f"{name}-{asked}",
            input=newest,
            opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["input"]),
        ).output
        return kept


class EksNodes(pulumi.ComponentResource):
    """A managed node group per zone, so that the autoscaler can start a machine in the zone of a pod's disk.

    The autoscaler decides how many machines run. AWS refuses a `min` above that number: raise the number by hand first.
    `releases` gives the machines' version of Kubernetes and image. A change replaces the machines one by one.
    `role_arn` is the machines' role. It must exist for a while before, because the provider does not retry.
    `subnet_ids` are the machines' subnets (ID by zone letter).
    `gpus` are those of the machines. None: they have none.
    """

    def __init__(
        self,
        name: str,
        cluster: ClusterRef,
        nodes: Machines,
        *,
        releases: Releases,
        role_arn: pulumi.Input[str],
        subnet_ids: Mapping[str, pulumi.Input[str]],
        gpus: Gpus | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:EksNodes", name, None, opts)
        self._cluster, self._machine, self._gpus = cluster, nodes.type, gpus
        self._releases, self._role_arn = releases, role_arn
        template = self._template(name)
        image = releases.image(name, nodes.type, self, gpus=gpus is not None)
        for zone, bounds in nodes.per_zone(list(subnet_ids)).items():
            self._group(f"{name}-{zone}", subnet_ids[zone], bounds, template, image)
        self.register_outputs({})

    def _group(
        self,
        name: str,
        subnet: pulumi.Input[str],
        bounds: tuple[int, int],
        template: ec2.LaunchTemplate,
        image: pulumi.Output[str],
    ) -> None:
        least, most = bounds
        eks.NodeGroup(
            name,
            region=self._cluster.location,
            cluster_name=self._cluster.name,
            version=self._releases.kubernetes_version,
            # Without a release the machines would keep their image until the version of Kubernetes changes.
            release_version=image,
            node_role_arn=self._role_arn,
            subnet_ids=[subnet],
            ami_type=ami_type(self._machine, gpus=self._gpus is not None),
            labels=_gpu_labels(self._gpus) if self._gpus else None,
            taints=[_taint()] if self._gpus else None,
            launch_template=eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(lambda version: str(int(version)))
            ),
            scaling_config=eks.NodeGroupScalingConfigArgs(min_size=least, max_size=most, desired_size=least),
            update_config=eks.NodeGroupUpdateConfigArgs(max_unavailable=1),
            node_repair_config=eks.NodeGroupNodeRepairConfigArgs(enabled=True),
            tags=dict(self._cluster.tags),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["scalingConfig.desiredSize"]),
        )

    def _template(self, name: str) -> ec2.LaunchTemplate:
        return ec2.LaunchTemplate(
            f"{name}-template",
            region=self._cluster.location,
            instance_type=self._machine,
            metadata_options=ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled",
                http_tokens="required",
                # One hop does not reach into pods, so they cannot take the node's identity.
                http_put_response_hop_limit=1,
            ),
            block_device_mappings=[
                ec2.LaunchTemplateBlockDeviceMappingArgs(
                    device_name="/dev/xvda",
                    ebs=ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                        volume_type="gp3", volume_size=NODE_DISK_GB, encrypted="true", delete_on_termination="true"
                    ),
                )
            ],
            tag_specifications=[
                ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags={**self._cluster.tags, "Name": name})
                for kind in ("instance", "volume")
            ],
            update_default_version=True,
            tags=dict(self._cluster.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )


class EksNodeAddons(pulumi.ComponentResource):
    """The add-ons that a node needs to become ready: network (with policies), proxy, and identity source.

    Pods get addresses from `pod_subnet_ids` (ID by zone letter), and the cluster's `security_group`.
    """

    def __init__(
        self,
        name: str,
        cluster: ClusterRef,
        releases: Releases,
        *,
        pod_subnet_ids: Mapping[str, pulumi.Input[str]],
        security_group: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:EksNodeAddons", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        configuration = pulumi.Output.json_dumps(
            pulumi.Output.all(dict(pod_subnet_ids), security_group).apply(
                lambda known: pod_network(cluster.location, *known)
            )
        )
        identity = _identity(f"{name}-vpc-cni", cluster, "aws-node", "AmazonEKS_CNI_Policy", child)
        addons = _Addons(cluster=cluster, releases=releases, parent=self)
        addons.add(f"{name}-vpc-cni", "vpc-cni", configuration=configuration, identity=identity)
        addons.add(f"{name}-kube-proxy", "kube-proxy")
        addons.add(f"{name}-pod-identity", "eks-pod-identity-agent")
        self.register_outputs({})


class EksPodAddons(pulumi.ComponentResource):
    """The add-ons that run on nodes: DNS, disks, and the metrics for autoscalers."""

    def __init__(
        self, name: str, cluster: ClusterRef, releases: Releases, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cluster:EksPodAddons", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        scaled = json.dumps({"autoScaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 10}})
        identity = _identity(
            f"{name}-ebs", cluster, "ebs-csi-controller-sa", "service-role/AmazonEBSCSIDriverPolicy", child
        )
        addons = _Addons(cluster=cluster, releases=releases, parent=self)
        addons.add(f"{name}-coredns", "coredns", configuration=scaled)
        addons.add(f"{name}-ebs", "aws-ebs-csi-driver", identity=identity)
        addons.add(f"{name}-metrics-server", "metrics-server")
        self.register_outputs({})


def _gpu_labels(gpus: Gpus) -> dict[str, str]:
    # By the second label the cluster autoscaler knows that a new node has its GPUs only after a while.
    return {**gpu.LABELS, "k8s.amazonaws.com/accelerator": gpus.name}


def _taint() -> eks.NodeGroupTaintArgs:
    return eks.NodeGroupTaintArgs(key=RESOURCE, value=gpu.TAINT_VALUE, effect="NO_SCHEDULE")


def _identity(
    name: str, cluster: ClusterRef, service_account: str, policy: str, opts: pulumi.ResourceOptions
) -> eks.AddonPodIdentityAssociationArgs:
    trust = pulumi.Output.json_dumps(
        pulumi.Output.from_input(cluster.arn).apply(
            lambda arn: pod_trust(arn, namespace=SYSTEM, service_account=service_account)
        )
    )
    role = EksRole(f"{name}-identity", EksRoleArgs(trust=trust, managed=[policy], tags=cluster.tags), opts)
    return eks.AddonPodIdentityAssociationArgs(service_account=service_account, role_arn=role.arn)


@dataclass(frozen=True, kw_only=True)
class _Addons:
    """Adds add-ons to a cluster, as children of `parent`. `releases` pins their versions: AWS never updates them."""

    cluster: ClusterRef
    releases: Releases
    parent: pulumi.Resource

    def add(
        self,
        name: str,
        addon: str,
        *,
        configuration: pulumi.Input[str] | None = None,
        identity: eks.AddonPodIdentityAssociationArgs | None = None,
    ) -> None:
        eks.Addon(
            f"{name}-addon",
            region=self.cluster.location,
            cluster_name=self.cluster.name,
            addon_name=addon,
            addon_version=self.releases.addon(name, addon, self.parent),
            configuration_values=configuration,
            pod_identity_associations=[identity] if identity else None,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags=dict(self.cluster.tags),
            opts=pulumi.ResourceOptions(parent=self.parent),
        )


def architecture(machine_type: str) -> str:
    """Return the processor of a machine type. Pure."""
    return "arm64" if is_arm("aws", machine_type) else "x86_64"


def ami_type(machine_type: str, *, gpus: bool = False) -> str:
    """Return the Amazon Linux for a machine type. With `gpus` it has the driver of NVIDIA. Pure."""
    processor = {"arm64": "ARM_64", "x86_64": "x86_64"}[architecture(machine_type)]
    return f"AL2023_{processor}_{'NVIDIA' if gpus else 'STANDARD'}"


def image_parameter(kubernetes_version: str, machine_type: str, *, gpus: bool = False) -> str:
    """Return the parameter in which AWS publishes the newest release of that Amazon Linux. Pure.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html
    """
    image = f"amazon-linux-2023/{architecture(machine_type)}/{'nvidia' if gpus else 'standard'}"
    return f"/aws/service/eks/optimized-ami/{kubernetes_version}/{image}/recommended/release_version"


def pod_network(location: str, subnet_ids: Mapping[str, str], security_group: str) -> dict[str, Any]:
    """Return the configuration of the add-on vpc-cni: network policies enforced, pods in separate subnets. Pure.

    `subnet_ids` are by zone letter.
    The chart names each ENIConfig after its key. The plugin looks for the one named like the node's zone label, which
    is the zone's full name. Without it pods get no address.
    """
    return {
        "enableNetworkPolicy": "true",
        "env": {
            "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "true",
            "ENI_CONFIG_LABEL_DEF": "topology.kubernetes.io/zone",
            "ENABLE_PREFIX_DELEGATION": "true",
            "WARM_PREFIX_TARGET": "1",
        },
        "eniConfig": {
            "create": True,
            "region": location,
            "subnets": {
                f"{location}{letter}": {"id": subnet, "securityGroups": [security_group]}
                for letter, subnet in sorted(subnet_ids.items())
            },
        },
    }
