"""What AWS publishes for a version of Kubernetes: add-ons and machine images. It is taken in when asked, not before."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import eks, ssm

from components.cluster.eks import plan


@dataclass(frozen=True, kw_only=True)
class Releases:
    """Which versions of AWS's parts a cluster in `location` has: the newest there were when one of the others changed.

    `patches` is any text; another one takes in what is newest then.
    """

    location: str
    kubernetes_version: str
    patches: str | None = None

    def addon(self, name: str, addon: str, parent: pulumi.Resource) -> pulumi.Output[str]:
        """The version of an add-on, as `v1.20.4-eksbuild.2`."""
        newest = eks.get_addon_version_output(
            addon_name=addon,
            kubernetes_version=self.kubernetes_version,
            most_recent=True,
            region=self.location,
            opts=pulumi.InvokeOutputOptions(parent=parent),
        )
        return self._kept(f"{name}-release", newest.version, parent)

    def image(self, name: str, machine_type: str, parent: pulumi.Resource) -> pulumi.Output[str]:
        """The release of the machine image for nodes, as `1.35.2-20261112`."""
        newest = ssm.get_parameter_output(
            name=plan.image_parameter(self.kubernetes_version, machine_type),
            region=self.location,
            opts=pulumi.InvokeOutputOptions(parent=parent),
        )
        # Everyone may read it: `value` would make a secret of it.
        return self._kept(f"{name}-release-{plan.architecture(machine_type)}", newest.insecure_value, parent)

    def _kept(self, name: str, newest: pulumi.Output[str], parent: pulumi.Resource) -> pulumi.Output[str]:
        # Under the same name the state keeps its first value: what AWS publishes later changes nothing. What the
        # version depends on is in the name, so that another value of it is another resource, with the newest version.
        asked = "-".join(filter(None, (self.kubernetes_version, self.patches)))
        kept: pulumi.Output[str] = pulumi.Stash(
            f"{name}-{asked}",
            input=newest,
            opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["input"]),
        ).output
        return kept
