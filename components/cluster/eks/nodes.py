"""The machines of an EKS cluster."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, eks

from components.cluster.arguments import NodePool
from components.cluster.eks import plan, policies
from components.cluster.eks.releases import Releases
from components.cluster.eks.role import EksRole, EksRoleArgs

NODE_DISK_GB = 100
NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
"""Join the cluster and pull images. The network plugin has a role of its own."""


@dataclass(frozen=True, kw_only=True)
class EksNodesArgs:
    """`nodes` are added to `cluster` in `location`, in the subnets of `subnet_ids` (zone's letter to id).

    `releases` says which version of Kubernetes and which image they have. Another one replaces machine by machine.
    """

    cluster: pulumi.Input[str]
    releases: Releases
    location: str
    nodes: NodePool
    subnet_ids: Mapping[str, pulumi.Input[str]]
    tags: Mapping[str, str]


class EksNodes(pulumi.ComponentResource):
    """A managed node group in each zone, so that the autoscaler can start a machine where a pod's disk is.

    The autoscaler decides how many machines run: to raise `min` above that, raise it by hand first, AWS insists.
    """

    def __init__(self, name: str, args: EksNodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:EksNodes", name, None, opts)
        role = EksRole(
            f"{name}-identity",
            EksRoleArgs(trust=json.dumps(policies.trust("ec2.amazonaws.com")), managed=NODE_POLICIES, tags=args.tags),
            pulumi.ResourceOptions(parent=self),
        )
        template = self._template(name, args)
        image = args.releases.image(name, args.nodes.machine_type, self)
        for zone, (least, most) in plan.nodes_per_zone(args.nodes, list(args.subnet_ids)).items():
            self._group(f"{name}-{zone}", args, args.subnet_ids[zone], (least, most), role, template, image)
        self.register_outputs({})

    def _group(
        self,
        name: str,
        args: EksNodesArgs,
        subnet: pulumi.Input[str],
        bounds: tuple[int, int],
        role: EksRole,
        template: ec2.LaunchTemplate,
        image: pulumi.Output[str],
    ) -> None:
        least, most = bounds
        eks.NodeGroup(
            name,
            region=args.location,
            cluster_name=args.cluster,
            version=args.releases.kubernetes_version,
            # Without one the machines would keep their image until there is another version of Kubernetes.
            release_version=image,
            node_role_arn=role.arn,
            subnet_ids=[subnet],
            ami_type=plan.ami_type(args.nodes.machine_type),
            launch_template=eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(lambda version: str(int(version)))
            ),
            scaling_config=eks.NodeGroupScalingConfigArgs(min_size=least, max_size=most, desired_size=least),
            update_config=eks.NodeGroupUpdateConfigArgs(max_unavailable=1),
            node_repair_config=eks.NodeGroupNodeRepairConfigArgs(enabled=True),
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["scalingConfig.desiredSize"]),
        )

    def _template(self, name: str, args: EksNodesArgs) -> ec2.LaunchTemplate:
        return ec2.LaunchTemplate(
            f"{name}-template",
            region=args.location,
            instance_type=args.nodes.machine_type,
            metadata_options=ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled",
                http_tokens="required",
                # One hop does not reach into pods: they cannot take the node's identity.
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
                ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags={**args.tags, "Name": name})
                for kind in ("instance", "volume")
            ],
            update_default_version=True,
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
