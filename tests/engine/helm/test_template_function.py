"""The function `helm:template`: real Helm, and no cluster. The official provider's words are not repeated here."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from components.local_chart import FUNCTION, NO_CLUSTER
from sandbox.providers import values
from tests.engine.helm.tools import HELM
from tests.engine.standin import Driver, RefusedError

pytestmark = pytest.mark.engine


@pytest.fixture
def renderer() -> Iterator[Driver]:
    if not HELM.is_file():
        pytest.skip("helm is not built; `make up` builds it")
    running = Driver(kubeconfig=NO_CLUSTER)
    yield running
    running.close()


def rendered(driver: Driver, **options: Any) -> list[dict[str, Any]]:
    request = provider_pb2.InvokeRequest(tok=FUNCTION, args=values.encode({"jsonOpts": json.dumps(options)}))
    answer = driver.call("Invoke", request)
    found: list[dict[str, Any]] = values.decode(getattr(answer, "return"))["result"]
    return found


def test_a_chart_is_rendered_with_its_values_where_no_cluster_is(renderer: Driver, chart: Path) -> None:
    found = rendered(renderer, path=str(chart), release_name="shop", namespace="market", values={"replicas": 2})
    assert {one["kind"]: one["metadata"]["namespace"] for one in found} == {"Deployment": "market", "Secret": "market"}
    assert [one["spec"]["replicas"] for one in found if one["kind"] == "Deployment"] == [2]


def test_it_knows_the_version_and_the_kinds_it_is_told(renderer: Driver, chart: Path) -> None:
    (chart / "templates" / "map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: own}\n"
        "data: {version: '{{ .Capabilities.KubeVersion.Version }}',\n"
        "  known: '{{ .Capabilities.APIVersions.Has \"a/v7\" }}'}"
    )
    found = rendered(renderer, path=str(chart), release_name="x", kube_version="1.33.0", api_versions=["a/v7"])
    [config] = [one for one in found if one["kind"] == "ConfigMap"]
    assert config["data"] == {"version": "v1.33.0", "known": "true"}
    assert config["metadata"]["namespace"] == "own"


def test_hooks_are_part_of_it_and_tests_only_when_asked(renderer: Driver, chart: Path) -> None:
    for name in ("pre-install", "test"):
        (chart / "templates" / f"{name}.yaml").write_text(
            f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, annotations: {{helm.sh/hook: {name}}}}}\n"
        )

    def hooks(**more: Any) -> set[str]:
        found = rendered(renderer, path=str(chart), release_name="x", **more)
        return {one["metadata"]["name"] for one in found if one["kind"] == "ConfigMap"}

    assert hooks() == {"pre-install"}
    assert hooks(include_test_hook_resources=True) == {"pre-install", "test"}


def test_a_mistake_is_told_in_helms_words(renderer: Driver, chart: Path) -> None:
    (chart / "templates" / "bad.yaml").write_text('{{ fail "replicas: too many" }}')
    with pytest.raises(RefusedError, match=r"The chart .*demo cannot be rendered: .*replicas: too many"):
        rendered(renderer, path=str(chart), release_name="x")


def test_a_chart_of_a_repository_is_refused_with_the_way_out(renderer: Driver) -> None:
    with pytest.raises(RefusedError, match=r"cannot be downloaded in the sandbox: use helm\.v3\.Release"):
        rendered(renderer, chart="nginx", fetch_opts={"repo": "https://charts.example.org"}, release_name="x")
