"""The clouds' login plugins in the sandbox: tokens for the right control plane, and the error without one."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import cloud_login, engine
from sandbox.layout import Layout
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

SERVER = "https://127.0.0.1:20600"
GET_TOKEN = ["--region", "eu-west-1", "eks", "get-token", "--cluster-name", "council", "--output", "json"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A sandbox with one control plane and one EKS cluster."""
    (tmp_path / "kubeconfigs").mkdir()
    document = {"clusters": [{"name": "ireland", "cluster": {"server": SERVER}}]}
    (tmp_path / "kubeconfigs" / "ireland.yaml").write_text(yaml.safe_dump(document))
    record = tmp_path / "clouds" / "test" / "aws" / "aws_eks_cluster_Cluster" / "council.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"outputs": {"name": "council", "region": "eu-west-1", "endpoint": SERVER}}))
    return tmp_path


def asked(server: str) -> dict[str, Any]:
    return {"apiVersion": "client.authentication.k8s.io/v1", "spec": {"cluster": {"server": server}}}


@pytest.mark.parametrize(("plugin", "arguments"), [("gke-gcloud-auth-plugin", []), ("kubelogin", ["get-token"])])
def test_google_and_azure_go_by_the_server_that_kubectl_names(home: Path, plugin: str, arguments: list[str]) -> None:
    assert cloud_login.server_of(home, plugin, arguments, asked(SERVER)) == SERVER
    with pytest.raises(cloud_login.LoginError, match="provideClusterInfo: true"):
        cloud_login.server_of(home, plugin, arguments, {})


def test_aws_goes_by_the_cluster_and_region_of_the_arguments(home: Path) -> None:
    assert cloud_login.server_of(home, "aws", GET_TOKEN, {}) == SERVER
    elsewhere = [argument.replace("eu-west-1", "us-east-1") for argument in GET_TOKEN]
    with pytest.raises(cloud_login.LoginError, match="no cluster council in region us-east-1"):
        cloud_login.server_of(home, "aws", elsewhere, {})
    with pytest.raises(cloud_login.LoginError, match="the argument --cluster-name is missing"):
        cloud_login.server_of(home, "aws", ["--region=eu-west-1", "eks", "get-token"], {})


@pytest.mark.parametrize(("plugin", "arguments"), [("aws", ["s3", "ls"]), ("kubelogin", ["convert-kubeconfig"])])
def test_nothing_else_of_the_clouds_tools_is_simulated(home: Path, plugin: str, arguments: list[str]) -> None:
    with pytest.raises(cloud_login.LoginError, match="get-token` works here"):
        cloud_login.server_of(home, plugin, arguments, asked(SERVER))


def test_a_server_that_is_no_control_plane_of_the_sandbox_is_refused(home: Path) -> None:
    assert cloud_login.kubeconfig_of(home / "kubeconfigs", SERVER)["clusters"][0]["name"] == "ireland"
    with pytest.raises(cloud_login.LoginError, match=r"there are: ireland \(https://127.0.0.1:20600\)"):
        cloud_login.kubeconfig_of(home / "kubeconfigs", "https://203.0.113.1")


def test_the_answer_has_the_version_that_was_asked_for() -> None:
    status = {"token": "t", "expirationTimestamp": datetime.now(UTC).isoformat(), "other": 1}
    credential = cloud_login.credential(asked(SERVER), status)
    assert credential["apiVersion"] == "client.authentication.k8s.io/v1"
    assert set(credential["status"]) == {"token", "expirationTimestamp"}
    assert cloud_login.credential({}, status)["apiVersion"] == "client.authentication.k8s.io/v1beta1"


def test_the_plugins_are_on_the_sandboxs_path_and_fail_with_one_plain_line(tmp_path: Path) -> None:
    layout = Layout(project=ROOT, home=tmp_path / "a home", binaries=tmp_path / "built")
    engine.prepare(layout)
    for name in cloud_login.PLUGINS.values():
        run = subprocess.run([str(layout.shims / name), "get-token"], cwd=tmp_path, capture_output=True, text=True)
        assert (run.returncode, run.stdout) == (1, "")
        assert run.stderr.startswith(f"{name} (of the sandbox): ")
        assert run.stderr.count("\n") == 1
