"""Nodes with GPUs: machines, drivers, labels, taints, and the plugin that offers the GPUs to Kubernetes."""

import json
from functools import cache
from typing import Any

import pytest

from components.cluster.eks.nodes import image_parameter
from components.versions import KUBERNETES_VERSION, NVIDIA_DEVICE_PLUGIN_IMAGE
from report.machines import machines_of
from report.prices import price_of
from tests.support.cloud_standins import check
from tests.support.clusters import CLOUDS, OFFICE, before, only, public, rendered_cluster
from tests.support.plans import plan_of
from tests.support.rendering import Rendered, Resource

pytestmark = pytest.mark.stack

MACHINES = {"gke": "g2-standard-24", "eks": "g5.xlarge", "aks": "Standard_NC4as_T4_v3"}
POOLS = {
    "gke": "gcp:container/nodePool:NodePool",
    "eks": "aws:eks/nodeGroup:NodeGroup",
    "aks": "azure-native:containerservice:AgentPool",
}
PLUGIN = "kubernetes:apps/v1:DaemonSet"


@cache
def with_gpus(platform: str, **more: Any) -> Rendered:
    """A cluster of three zones, with at least one machine with GPUs and at most four."""
    return rendered_cluster(platform, OFFICE, gpu=json.dumps({"type": MACHINES[platform], "min": 1, "max": 4}), **more)


def pools(platform: str, rendered: Rendered | None = None) -> list[Resource]:
    """The pools that are there because of GPUs."""
    usual = {pool.name for pool in public(platform).of_type(POOLS[platform])}
    return [pool for pool in (rendered or with_gpus(platform)).of_type(POOLS[platform]) if pool.name not in usual]


def only_release(rendered: Rendered, nodes: str) -> Any:
    """The release of the machine image that a component of nodes keeps."""
    (kept,) = [r for r in rendered.resources if r.name.startswith(f"{nodes}-release-")]
    return kept.inputs["input"]


@pytest.mark.parametrize("platform", CLOUDS)
def test_without_gpus_there_is_nothing_for_them(platform: str) -> None:
    assert public(platform).of_type(PLUGIN) == []
    assert public(platform).named("offered").inputs["gpus"] is False
    assert [r.name for r in public(platform).resources if "gpu" in r.name] == []


@pytest.mark.parametrize("platform", CLOUDS)
def test_machines_with_gpus_come_beside_the_others_and_change_none_of_them(platform: str) -> None:
    there = {r.name: r.inputs for r in with_gpus(platform).resources}
    same = {r.name: r.inputs for r in public(platform).resources if r.name != "offered"}
    assert {name: there[name] for name in same} == same
    assert there["offered"]["gpus"] is True


@pytest.mark.parametrize("platform", CLOUDS)
def test_pods_wait_for_the_machines_with_gpus(platform: str) -> None:
    rendered = with_gpus(platform)
    known = before(rendered, rendered.named("here-cluster-kubernetes"))
    assert {pool.urn for pool in pools(platform)} <= known


def test_gke_installs_the_driver_and_has_its_machines_where_they_are_offered() -> None:
    (pool,) = pools("gke")
    config = pool.inputs["nodeConfig"]
    assert config["machineType"] == "g2-standard-24"
    # https://cloud.google.com/kubernetes-engine/docs/how-to/gpus: without a version GKE installs no driver.
    assert config["guestAccelerators"] == [
        {"type": "nvidia-l4", "count": 2, "gpuDriverInstallationConfig": {"gpuDriverVersion": "DEFAULT"}}
    ]
    # What GKE adds itself to pools with GPUs.
    assert config["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    # europe-west1 has L4 in two of its three zones.
    assert pool.inputs["nodeLocations"] == ["europe-west1-b", "europe-west1-c"]
    assert (pool.inputs["autoscaling"]["totalMinNodeCount"], pool.inputs["autoscaling"]["totalMaxNodeCount"]) == (1, 4)
    assert config["shieldedInstanceConfig"] == {"enableSecureBoot": True, "enableIntegrityMonitoring": True}
    assert len(pool.inputs["namePrefix"]) <= 14


def test_gke_has_a_plugin_of_its_own() -> None:
    assert with_gpus("gke").of_type(PLUGIN) == []


def test_a_pool_of_gke_begins_with_no_more_machines_than_it_may_have() -> None:
    one = rendered_cluster("gke", OFFICE, gpu=json.dumps({"type": "g2-standard-4", "min": 1, "max": 1}))
    (pool,) = pools("gke", one)
    assert pool.inputs["initialNodeCount"] * len(pool.inputs["nodeLocations"]) == 1


def test_eks_machines_with_gpus_have_the_image_with_the_driver() -> None:
    groups = [pool.inputs for pool in pools("eks")]
    # https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html: amiType.
    assert {group["amiType"] for group in groups} == {"AL2023_x86_64_NVIDIA"}
    image = f"/aws/service/eks/optimized-ami/{KUBERNETES_VERSION}/amazon-linux-2023/x86_64/nvidia"
    assert image_parameter(KUBERNETES_VERSION, "g5.xlarge", gpus=True) == f"{image}/recommended/release_version"
    assert {group["releaseVersion"] for group in groups} == {only_release(with_gpus("eks"), "here-cluster-gpu-nodes")}


def test_eks_groups_with_gpus_are_in_each_zone_with_the_shares_of_the_region() -> None:
    groups = [pool.inputs for pool in pools("eks")]
    sizes = [(group["scalingConfig"]["minSize"], group["scalingConfig"]["maxSize"]) for group in groups]
    assert sorted(sizes) == [(0, 1), (0, 1), (1, 2)]
    templates = {group["launchTemplate"]["id"] for group in groups}
    (template,) = [
        one
        for one in with_gpus("eks").of_type("aws:ec2/launchTemplate:LaunchTemplate")
        if f"{one.name}-id" in templates
    ]
    assert template.inputs["instanceType"] == "g5.xlarge"
    assert template.inputs["metadataOptions"]["httpTokens"] == "required"


def test_eks_groups_with_gpus_are_only_in_the_zones_that_have_the_machines() -> None:
    gpu = {"type": "g5.xlarge", "min": 1, "max": 2, "zones": ["b"]}
    rendered = rendered_cluster("eks", OFFICE, gpu=json.dumps(gpu), zones=("a", "b", "c"))
    (group,) = pools("eks", rendered)
    assert group.name.endswith("-b")


def test_the_autoscaler_of_eks_knows_that_gpus_come_after_the_node() -> None:
    # cluster-autoscaler, cloudprovider/aws: GPULabel.
    assert {pool.inputs["labels"]["k8s.amazonaws.com/accelerator"] for pool in pools("eks")} == {"nvidia-a10g"}


def test_azure_installs_the_driver_on_an_image_that_has_it_for_every_size_and_boots_it_unsigned() -> None:
    groups = [pool.inputs for pool in pools("aks")]
    assert [group["vmSize"] for group in groups] == ["Standard_NC4as_T4_v3"] * 3
    # https://learn.microsoft.com/azure/aks/use-nvidia-gpu
    assert {group["osSKU"] for group in groups} == {"Ubuntu"}
    assert all(group["gpuProfile"] == {"driver": "Install"} for group in groups)
    # https://learn.microsoft.com/azure/aks/use-trusted-launch: secure boot needs drivers that Azure has not installed.
    assert all(group["securityProfile"]["enableSecureBoot"] is False for group in groups)
    assert all(group["securityProfile"]["enableVTPM"] is True for group in groups)
    assert {group["mode"] for group in groups} == {"User"}
    names = [group["agentPoolName"] for group in groups]
    assert len(set(names)) == 3
    assert all(len(name) <= 12 for name in names)


@pytest.mark.parametrize("platform", ["eks", "aks"])
def test_the_plugin_runs_on_every_node_with_gpus_and_on_no_other(platform: str) -> None:
    plugin = only(with_gpus(platform), PLUGIN)
    pod = plugin.inputs["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    (tolerated,) = pod["tolerations"]
    for pool in pools(platform):
        labels = pool.inputs["labels" if platform == "eks" else "nodeLabels"]
        assert pod["nodeSelector"].items() <= labels.items()
        taint = pool.inputs["taints" if platform == "eks" else "nodeTaints"]
        if platform == "eks":
            assert taint == [{"key": tolerated["key"], "value": "present", "effect": "NO_SCHEDULE"}]
        else:
            assert taint == [f"{tolerated['key']}=present:{tolerated['effect']}"]
    assert (tolerated["key"], tolerated["operator"]) == ("nvidia.com/gpu", "Exists")


@pytest.mark.parametrize("platform", ["eks", "aks"])
def test_the_plugin_finds_the_kubelet_and_has_no_privilege_but_that(platform: str) -> None:
    pod = only(with_gpus(platform), PLUGIN).inputs["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == NVIDIA_DEVICE_PLUGIN_IMAGE
    (mount,) = container["volumeMounts"]
    (volume,) = pod["volumes"]
    # https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/
    assert mount["mountPath"] == volume["hostPath"]["path"] == "/var/lib/kubelet/device-plugins"
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()


@pytest.mark.parametrize("platform", CLOUDS)
def test_the_cloud_s_sdk_knows_every_input_of_the_machines(platform: str) -> None:
    found = pools(platform)
    assert found
    for pool in found:
        assert check(pool.type, pool.inputs)


@pytest.mark.parametrize("platform", CLOUDS)
def test_the_report_counts_the_machines(platform: str) -> None:
    plan = plan_of(with_gpus(platform))
    found = [machines for one in plan.resources for machines in machines_of(one, plan)]
    mine = [one for one in found if one.type == MACHINES[platform]]
    assert (sum(one.least for one in mine), sum(one.most for one in mine)) == (1, 4)


def test_prices_of_machines_with_gpus_are_known_where_a_source_has_them() -> None:
    assert price_of("aws.vm.g5.xlarge", "us-east-1") is not None
    assert price_of("aws.vm.g5.xlarge", "sa-east-1") is None
    # A machine of Google Cloud and its GPU have a price each, and no source has both.
    assert price_of("gcp.vm.g2-standard-4", "us-central1") is None
