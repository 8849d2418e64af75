"""A cluster on each simulated cloud, in the real engine: created, reached with each cloud's login, changed, deleted."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.sandboxes import Sandbox

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]

PROGRAM = Path(__file__).parents[1] / "programs" / "three_clouds.py"
REGIONS = {"europe-west1": "gcp", "eu-west-1": "aws", "westeurope": "azure"}
AKS = "azure-native:containerservice:ManagedCluster"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The program of `PROGRAM`, up on three control planes."""
    sandbox = Sandbox.of(tmp_path_factory.mktemp("clouds") / "project", "local", saves_once=True)
    (sandbox.folder / "Pulumi.yaml").write_text("name: sacred-council\nruntime: python\n")
    (sandbox.folder / "__main__.py").write_text(PROGRAM.read_text())
    regions = [{"name": name, "cloud": cloud} for name, cloud in REGIONS.items()]
    (sandbox.folder / "Pulumi.local.yaml").write_text(yaml.safe_dump({"config": {"sacred-council:regions": regions}}))
    try:
        sandbox.run("up", "local")
        yield sandbox
    finally:
        sandbox.run("down", "local")


def files(sandbox: Sandbox) -> list[Path]:
    """The files of the resources in the simulated clouds."""
    return list((sandbox.folder / ".sandbox" / "clouds" / "local").rglob("*.json"))


@pytest.mark.parametrize("region", REGIONS)
def test_each_clouds_login_plugin_lets_kubectl_into_the_regions_control_plane(deployed: Sandbox, region: str) -> None:
    kubeconfig = deployed.folder / f"{region}.kubeconfig"
    kubeconfig.write_text(deployed.pulumi("stack", "output", region, "--show-secrets"))
    found = deployed.kubectl("--kubeconfig", str(kubeconfig), "get", "configmap", "mark", "-o", "json")
    assert json.loads(found)["data"] == {"cloud": REGIONS[region]}


def test_every_recorded_cloud_resource_exists_and_a_refresh_finds_no_change(deployed: Sandbox) -> None:
    clouds = ("gcp:", "aws:", "azure-native:")
    recorded = {resource["id"] for resource in deployed.resources() if resource["type"].startswith(clouds)}
    assert {json.loads(file.read_text())["id"] for file in files(deployed)} == recorded
    deployed.pulumi("preview", "--refresh", "--expect-no-changes")


def test_the_number_of_nodes_and_the_version_that_azure_chose_stay(deployed: Sandbox) -> None:
    (cluster,) = [file for file in files(deployed) if json.loads(file.read_text())["type"] == AKS]
    record = json.loads(cluster.read_text())
    for side in ("inputs", "outputs"):
        record[side]["kubernetesVersion"] = "1.37"
        record[side]["agentPoolProfiles"][0] |= {"count": 7, "orchestratorVersion": "1.37"}
    cluster.write_text(json.dumps(record))
    deployed.pulumi("refresh", "--yes", "--skip-preview")
    deployed.pulumi("preview", "--expect-no-changes")


def test_what_was_deleted_by_hand_is_made_again(deployed: Sandbox) -> None:
    (gateway,) = [file for file in files(deployed) if json.loads(file.read_text())["type"] == GATEWAY]
    gateway.unlink()
    said = deployed.pulumi("up", "--refresh", "--yes", "--skip-preview")
    assert "+ 1 created" in said
    assert "replaced" not in said


def test_nothing_is_left_in_the_clouds_after_a_destroy(deployed: Sandbox) -> None:
    assert files(deployed)
    deployed.pulumi("destroy", "--yes", "--skip-preview")
    # A project keeps its services' agents, whatever created them.
    assert {path.parent.name for path in files(deployed)} <= {"gcp_projects_serviceIdentity_ServiceIdentity"}
