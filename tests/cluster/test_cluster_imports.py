"""Importing a platform imports the SDK of its cloud and no other."""

import json
import subprocess
import sys

import pytest

from tests.support.rendering import ROOT

pytestmark = pytest.mark.stack

SDKS = {"pulumi_gcp", "pulumi_aws", "pulumi_azure_native"}
QUESTION = "import importlib, json, sys; importlib.import_module(sys.argv[1]); print(json.dumps(sorted(sys.modules)))"


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("components.cluster", set()),
        ("components.cluster.existing", set()),
        ("components.cluster.gke", {"pulumi_gcp"}),
        ("components.cluster.eks", {"pulumi_aws"}),
        ("components.cluster.aks", {"pulumi_azure_native"}),
    ],
)
def test_a_platform_imports_its_own_sdk_only(module: str, expected: set[str]) -> None:
    run = subprocess.run([sys.executable, "-c", QUESTION, module], cwd=ROOT, capture_output=True, text=True, check=True)
    assert SDKS & set(json.loads(run.stdout)) == expected
