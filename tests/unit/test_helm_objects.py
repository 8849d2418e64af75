"""What happens to charts and their objects before anything is deployed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import struct_pb2

from sandbox.providers.base import CheckFailedError, ProviderError
from sandbox.providers.kubernetes import helm_charts, helm_objects, helm_tool
from sandbox.providers.kubernetes.helm_charts import RepositoryChart
from sandbox.providers.kubernetes.helm_local import resource_names
from sandbox.providers.values import Opaque, Secret


def obj(kind: str, name: str, namespace: str = "", api_version: str = "v1", **more: Any) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {}) | more.pop("metadata", {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def depends_on(*references: str) -> dict[str, Any]:
    return {"annotations": {helm_objects.DEPENDS_ON: ",".join(references)}}


THING = obj("Thing", "it", api_version="demo.example/v1")
DEFINITION = obj(
    "CustomResourceDefinition",
    "things.demo.example",
    api_version="apiextensions.k8s.io/v1",
    spec={"group": "demo.example", "names": {"kind": "Thing"}},
)


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    (tmp_path / "Chart.yaml").write_text("name: demo\nversion: 1.0.0\n")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.yaml").write_text("kind: A\n")
    return tmp_path


def asset(text: str) -> Opaque:
    struct = struct_pb2.Struct()
    struct.update({"text": text})
    return Opaque(struct)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"chart": "oci://example.org/charts/app"}, RepositoryChart("app", "", "oci://example.org/charts/app")),
        (
            {"chart": "app", "version": "1.2.3", "repositoryOpts": {"repo": "https://example.org"}},
            RepositoryChart("app", "1.2.3", "app of https://example.org"),
        ),
        ({"chart": "bitnami/redis"}, RepositoryChart("redis", "", "bitnami/redis")),
        (
            {"chart": "app", "repositoryOpts": {"repo": "https://me:hunter2@example.org"}},
            RepositoryChart("app", "", "app of https://example.org"),
        ),
        (
            {"chart": "app", "repositoryOpts": {"repo": Secret("https://example.org/hunter2")}},
            RepositoryChart("app", "", "app of a secret repository"),
        ),
    ],
)
def test_a_chart_in_a_repository_is_recognised(inputs: dict[str, Any], expected: RepositoryChart) -> None:
    assert helm_charts.repository_of(inputs) == expected


def test_a_folder_with_a_chart_or_an_archive_is_local(chart: Path) -> None:
    archive = chart / "demo-1.0.0.tgz"
    archive.write_bytes(b"")
    assert helm_charts.repository_of({"chart": str(chart)}) is None
    assert helm_charts.repository_of({"chart": str(archive)}) is None


@pytest.mark.parametrize("path", ["./nowhere", "/nowhere/at/all", "nowhere"])
def test_a_path_without_a_chart_is_refused_with_a_remedy(path: str) -> None:
    with pytest.raises(
        CheckFailedError, match=r"neither a local chart .* correct the path, or set repositoryOpts\.repo"
    ):
        helm_charts.repository_of({"chart": path})


def test_the_digest_changes_with_contents_and_names(chart: Path) -> None:
    before = helm_charts.digest(chart)
    assert helm_charts.digest(chart) == before
    (chart / "templates" / "a.yaml").write_text("kind: B\n")
    changed = helm_charts.digest(chart)
    (chart / "templates" / "a.yaml").rename(chart / "templates" / "b.yaml")
    assert len({before, changed, helm_charts.digest(chart)}) == 3


def test_values_lie_on_top_of_the_value_files() -> None:
    inputs = {
        "valueYamlFiles": [asset("a: {x: 1, y: 1}\nb: 1"), asset("a: {y: 2}\nc: [1, 2]")],
        "values": {"a": {"z": 3}, "b": None, "c": [3]},
    }
    assert helm_charts.merged_values(inputs) == {"a": {"x": 1, "y": 2, "z": 3}, "b": None, "c": [3]}


def test_secret_values_stay_secret_when_merged() -> None:
    files = [asset("db: {host: h, password: none}")]
    inner = {"db": Secret({"password": "p"}), "key": Secret("k")}
    merged = helm_charts.merged_values({"valueYamlFiles": files, "values": inner})
    assert merged == {"db": Secret({"host": "h", "password": "p"}), "key": Secret("k")}
    assert isinstance(helm_charts.merged_values({"values": Secret({"a": 1})}), Secret)
    assert isinstance(helm_charts.merged_values({"valueYamlFiles": [Secret(asset("a: 1"))]}), Secret)


def test_a_value_file_that_is_not_a_mapping_is_named() -> None:
    with pytest.raises(CheckFailedError, match=r"valueYamlFiles\[1\]"):
        helm_charts.merged_values({"valueYamlFiles": [asset("a: 1"), asset("- 1")]})


def test_objects_are_named_after_the_chart_and_their_place() -> None:
    assert helm_objects.resource_name("shop", obj("Service", "web", "prod")) == "shop:prod/web"
    assert helm_objects.resource_name("shop", obj("Namespace", "prod")) == "shop:prod"
    assert helm_objects.resource_name("", obj("Service", "web", "prod")) == "prod/web"


def test_type_tokens_are_those_of_the_sdk() -> None:
    assert helm_objects.type_token(obj("Service", "a")) == "kubernetes:core/v1:Service"
    assert helm_objects.type_token(obj("Role", "a", api_version="rbac.authorization.k8s.io/v1")) == (
        "kubernetes:rbac.authorization.k8s.io/v1:Role"
    )


def test_namespaces_and_definitions_come_before_what_needs_them() -> None:
    inside, namespace = obj("ConfigMap", "c", "prod"), obj("Namespace", "prod")
    needs = helm_objects.dependencies([THING, inside, namespace, DEFINITION])
    assert needs[helm_objects.identity(inside)] == [helm_objects.identity(namespace)]
    assert needs[helm_objects.identity(THING)] == [helm_objects.identity(DEFINITION)]
    order = list(needs)
    assert order.index(helm_objects.identity(namespace)) < order.index(helm_objects.identity(inside))
    assert order.index(helm_objects.identity(DEFINITION)) < order.index(helm_objects.identity(THING))


def test_annotations_can_ask_for_an_order() -> None:
    first, second = obj("ConfigMap", "a", "prod"), obj("Namespace", "x")
    last = obj("ConfigMap", "b", metadata=depends_on("/namespaces/prod/ConfigMap/a", "/Namespace/x"))
    needs = helm_objects.dependencies([last, first, second])
    assert needs[helm_objects.identity(last)] == [helm_objects.identity(first), helm_objects.identity(second)]


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        (
            [obj("ConfigMap", "a", metadata=depends_on("/ConfigMap/z"))],
            "names ConfigMap/z, which the chart does not have",
        ),
        ([obj("ConfigMap", "a", metadata=depends_on("z"))], "has 'z'; write group/kind/name"),
        (
            [
                obj("ConfigMap", "a", metadata=depends_on("/ConfigMap/b")),
                obj("ConfigMap", "b", metadata=depends_on("/ConfigMap/a")),
            ],
            "in a circle: ConfigMap/",
        ),
    ],
)
def test_an_order_that_cannot_be_is_refused(objects: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ProviderError, match=message):
        helm_objects.dependencies(objects)


@pytest.mark.parametrize("broken", [{"kind": "A", "metadata": {"name": "a"}}, obj("", "a"), {**obj("A", ""), "x": 1}])
def test_an_object_without_kind_or_name_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ProviderError, match="renders an object without"):
        helm_objects.require_identity(broken)


def test_secret_data_and_texts_with_secret_values_are_sealed() -> None:
    secret = obj("Secret", "s", data={"a": "Yg=="}, stringData={"c": "d"})
    assert helm_objects.seal(secret, []) == {**secret, "data": Secret({"a": "Yg=="}), "stringData": Secret({"c": "d"})}
    config = obj("ConfigMap", "c", data={"url": "redis://:hunter22@h", "other": "x"})
    assert helm_objects.seal(config, ["hunter22"])["data"] == {"url": Secret("redis://:hunter22@h"), "other": "x"}
    assert helm_objects.seal(config, ["x"]) == config


def test_the_secret_texts_of_values_are_found_at_any_depth() -> None:
    values = {"a": Secret("one"), "b": [Secret({"c": ["two", 3]}), "plain"], "d": {"e": "plain"}}
    assert sorted(helm_objects.secret_texts(values)) == ["one", "two"]
    assert helm_objects.secret_texts(Secret({"a": "three"})) == ["three"]


def test_skipping_the_wait_is_an_annotation_and_leaves_the_original_alone() -> None:
    original = obj("Deployment", "d", metadata={"annotations": None})
    assert helm_objects.without_await(original)["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert original["metadata"]["annotations"] is None


def test_resource_names_are_grouped_by_kind() -> None:
    objects = [obj("Deployment", "b", "n", "apps/v1"), obj("Deployment", "a", "n", "apps/v1"), obj("Secret", "s")]
    assert resource_names(objects) == {"Deployment.apps/apps/v1": ["n/a", "n/b"], "Secret/v1": ["s"]}


def test_flags_are_made_of_the_inputs_that_are_set() -> None:
    named = {"atomic": "--atomic", "maxHistory": "--history-max", "description": "--description"}
    inputs = {"atomic": True, "maxHistory": 0, "description": ""}
    assert helm_tool.flags(inputs, named) == ["--atomic", "--history-max=0"]
    assert helm_tool.flags({"atomic": False}, named) == []
