"""A region's control plane in the sandbox has the storage classes that the program uses on its cloud."""

import pytest

from components.cluster.aks import cluster as aks
from components.cluster.eks import services as eks
from components.cluster.gke import cluster as gke
from sandbox import manifests
from tests.sandbox.test_manifests import default_classes

pytestmark = pytest.mark.stack


@pytest.mark.parametrize(("cloud", "default"), [("gcp", ["standard"]), ("azure", ["standard"]), ("aws", [])])
def test_a_clouds_cluster_has_the_storage_class_that_the_program_asks_it_for(cloud: str, default: list[str]) -> None:
    asked = {"gcp": {gke.STORAGE_CLASS}, "azure": {aks.STORAGE_CLASS}}.get(cloud, set())
    items = manifests.initial_objects("r1", cloud)["items"]
    assert default_classes(cloud) == default
    assert asked <= {item["metadata"]["name"] for item in items if item["kind"] == "StorageClass"}


def test_volumes_wait_for_the_class_that_the_program_makes_on_eks() -> None:
    volumes = [item for item in manifests.initial_objects("r1", "aws")["items"] if item["kind"] == "PersistentVolume"]
    assert {volume["spec"]["storageClassName"] for volume in volumes} == {eks.STORAGE_CLASS}
    assert len({volume["metadata"]["name"] for volume in volumes}) == len(volumes) >= 20
