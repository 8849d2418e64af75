"""The machines of nodes: their sizes, what a node leaves to pods, and machines that cannot be nodes."""

import pytest

from components import offers
from report.carbon import SIZES
from stacks import geography
from tests.support.offered import KINDS, mistakes, named, naming, stack

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("cloud", "name", "processors", "gib"),
    [
        # The vendors' pages of each type.
        ("gcp", "e2-standard-4", 4, 16),
        ("gcp", "f1-micro", 1, 0.6),
        ("aws", "m7i.xlarge", 4, 16),
        ("aws", "t3.nano", 2, 0.5),
        ("aws", "r7g.16xlarge", 64, 512),
        ("azure", "Standard_D4s_v5", 4, 16),
        ("azure", "Standard_E8ds_v5", 8, 64),
    ],
)
def test_the_sizes_of_machines_are_those_of_the_vendors(cloud: str, name: str, processors: int, gib: float) -> None:
    found = offers.machine(cloud, name)
    assert found is not None
    assert (found.processors, found.memory) == (processors, gib)


def test_the_report_counts_with_the_same_sizes() -> None:
    clouds = {"e2": "gcp", "n2": "gcp", "St": "azure"}
    for name, (processors, gib) in SIZES.items():
        found = offers.machine(clouds.get(name[:2], "aws"), name)
        assert found is not None
        assert (found.processors, found.memory) == (processors, gib), name


@pytest.mark.parametrize(("cloud", "kind"), [one for one in KINDS if one[1] == "machine"])
def test_the_size_of_most_machines_is_known(cloud: str, kind: str) -> None:
    known = [offers.machine(cloud, name) for name in named(cloud, kind)]
    assert sum(one is not None for one in known) > 0.75 * len(known)


@pytest.mark.parametrize(
    ("cloud", "gib", "expected"),
    [
        # cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes: 25 % of 4 GiB, 20 % of 4, 10 % of 8.
        ("gcp", 16, 16 - 1 - 0.8 - 0.8 - 100 / 1024),
        # The kubelet of EKS keeps 255 MiB and 11 MiB for each of 110 pods.
        ("aws", 8, 8 - (255 + 11 * 110 + 100) / 1024),
        # learn.microsoft.com/azure/aks/node-resource-reservations: 20 MiB for each of 110 pods and 50, or a quarter.
        ("azure", 16, 16 - (20 * 110 + 50 + 100) / 1024),
        ("azure", 4, 4 - 1 - 100 / 1024),
    ],
)
def test_a_node_leaves_to_pods_what_its_cloud_does_not_keep(cloud: str, gib: float, expected: float) -> None:
    assert offers.room(cloud, gib) == pytest.approx(expected)


def test_a_node_has_room_for_the_largest_pod() -> None:
    (place,) = [one for one in geography.CATALOGUE if one.name == "us-east-1"]
    nodes_ = {"type": "m7i.large", "min": 3, "max": 9}
    own = {"engine": "cockroachdb", "nodes": 3}
    assert mistakes(stack(place, nodes=nodes_, database={**own, "memory": "6Gi"})) == []
    assert mistakes(stack(place, nodes=nodes_, database={**own, "memory": "7Gi"})) == [
        'sacred-council:regions[0].nodes.type: "m7i.large" leaves 6.5 GiB of memory to pods, too little for '
        "database.memory: 7.0 GiB; write e.g. m7i.xlarge, or a smaller database.memory"
    ]
    # A managed database has no pod, and a type of unknown size is not judged.
    assert mistakes(stack(place, nodes=nodes_, database={"memory": "7Gi"})) == []
    unknown = {**nodes_, "type": "m99z.large"}
    assert mistakes(stack(place, nodes=unknown, database={**own, "memory": "70Gi"})) == []


@pytest.mark.parametrize(
    ("cloud", "name", "fits"),
    [
        ("gcp", "e2-standard-4", True),
        ("gcp", "c3-standard-8", True),
        ("gcp", "n2d-standard-4", True),
        ("gcp", "n4-standard-4", False),
        ("gcp", "c4a-standard-4", False),
        ("gcp", "c3-standard-192-metal", False),
        # https://cloud.google.com/compute/docs/compute-optimized-machines: H3 has no SSD Persistent Disks.
        ("gcp", "h3-standard-88", False),
        ("gcp", "t2a-standard-4", True),
        # https://cloud.google.com/kubernetes-engine/docs/how-to/gpus: nodes with accelerators get a taint.
        ("gcp", "g2-standard-4", False),
        ("gcp", "a2-highgpu-1g", False),
        ("gcp", "ct5lp-hightpu-4t", False),
        ("aws", "m7i.xlarge", True),
        ("aws", "m4.xlarge", False),
        ("aws", "t2.large", False),
        ("aws", "t3.large", True),
        ("aws", "i3.large", False),
        ("aws", "i3.metal", True),
        ("aws", "c4.large", False),
        # Docs of EKS: no image for Graviton 1 and for macOS, and the plain images leave out these accelerators.
        ("aws", "a1.xlarge", False),
        ("aws", "mac2-m2pro.metal", False),
        ("aws", "g4dn.xlarge", False),
        ("aws", "p4d.24xlarge", False),
        ("aws", "inf2.xlarge", False),
        ("aws", "g5.xlarge", True),
        ("aws", "m8gd.xlarge", True),
        ("azure", "Standard_D4s_v5", True),
        ("azure", "Standard_D4_v5", False),
        ("azure", "Standard_D4as_v5", True),
        ("azure", "Standard_D4a_v4", False),
        ("azure", "Standard_DS3_v2", True),
        ("azure", "Standard_D3_v2", False),
        ("azure", "Standard_B4ms", True),
        ("azure", "Standard_E4-2ds_v5", True),
        ("azure", "Standard_A4_v2", False),
        # Azure: trusted launch lacks Arm, confidential and M sizes, and with accelerators AKS installs no drivers.
        ("azure", "Standard_D4ps_v6", False),
        ("azure", "Standard_E8pds_v5", False),
        ("azure", "Standard_DC4as_v5", False),
        ("azure", "Standard_EC4eds_v5", False),
        ("azure", "Standard_M32ls", False),
        ("azure", "Standard_NC24ads_A100_v4", False),
        ("azure", "Standard_D2as_v5_Promo", True),
        ("azure", "Standard_F4s_v2", True),
        ("azure", "Standard_L8s_v3", True),
        # AKS: two processors and 2 GiB at least.
        ("azure", "Standard_B1ms", False),
        ("azure", "Standard_DS11-1_v2", False),
        ("azure", "Standard_DS11_v2", True),
        ("azure", "Standard_B2ts_v2", False),
        ("azure", "Standard_B2ls_v2", True),
        # GKE: "Node pools of f1-micro machines are not supported due to insufficient memory". Below 2 GiB, likewise.
        ("gcp", "f1-micro", False),
        ("gcp", "g1-small", False),
        ("gcp", "e2-micro", False),
        ("gcp", "e2-small", True),
        ("aws", "t3.nano", False),
        ("aws", "t3.micro", False),
        ("aws", "t4g.micro", False),
        ("aws", "t3.small", True),
    ],
)
def test_machines_that_cannot_be_nodes_are_known(cloud: str, name: str, fits: bool) -> None:
    assert (offers.unfit(cloud, "machine", name) is None) == fits


@pytest.mark.parametrize(
    ("region", "name", "complaint"),
    [
        (
            "us-central1",
            "n4-standard-4",
            "takes Hyperdisks only, and the disks of nodes and data services are Persistent Disks",
        ),
        (
            "us-east-1",
            "m4.xlarge",
            "is not on Nitro: it has no address prefixes, and so too few addresses for its pods",
        ),
        (
            "eastus",
            "Standard_D4_v5",
            "takes no premium disks (no s in its name), and those of the data services are premium",
        ),
        ("us-east-1", "a1.xlarge", "cannot start Amazon Linux 2023, the image of all nodes"),
        (
            "us-east-1",
            "g4dn.xlarge",
            "needs an image with drivers for its accelerators, and nodes have the plain one",
        ),
        ("eastus", "Standard_D4ps_v6", "has no secure boot on AKS, and every node here starts with it"),
        ("eastus", "Standard_B1ms", "has fewer than two processors, and AKS takes no such machine"),
        ("eastus", "Standard_B2ts_v2", "has less than 2 GiB of memory, and AKS takes no such machine"),
        ("us-central1", "f1-micro", "has less than 2 GiB of memory, which the pods of every node need for themselves"),
    ],
)
def test_such_machines_are_refused_with_one_that_can(region: str, name: str, complaint: str) -> None:
    (place,) = [one for one in geography.CATALOGUE if one.name == region]
    (said,) = mistakes(naming(place, "machine", name))
    assert said.startswith(f'sacred-council:regions[0].nodes.type: "{name}" {complaint}; write e.g. ')
