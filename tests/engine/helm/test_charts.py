"""Charts as components: rendered by helm, each object a child resource, told to an engine that takes notes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, resource_pb2, resource_pb2_grpc

from sandbox.controlplane import Cluster
from sandbox.crds import CustomKind, permissive
from sandbox.providers import values
from sandbox.providers.values import UNKNOWN, Secret, plain
from tests.engine.helm.tools import kubectl
from tests.engine.standin import Driver, RefusedError

pytestmark = pytest.mark.engine


@dataclass
class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """The engine's side of a construction: takes registrations and remembers them."""

    refuse: str = ""
    requests: list[Any] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802 (the protocol's name)
        if self.refuse and request.type.endswith(self.refuse):
            context.abort(grpc.StatusCode.UNAVAILABLE, "resource monitor shut down")
        with self.lock:
            self.requests.append(request)
        return resource_pb2.RegisterResourceResponse(urn=f"urn:{request.name}", id=f"id of {request.name}")

    def children(self) -> dict[str, Any]:
        return {request.name: request for request in self.requests if request.custom}


@pytest.fixture
def monitor() -> Monitor:
    return Monitor()


@pytest.fixture
def endpoint(monitor: Monitor) -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(grace=None).wait()


def construct(driver: Driver, endpoint: str, chart: Path | str, **inputs: Any) -> Any:
    return driver.call(
        "Construct",
        provider_pb2.ConstructRequest(
            type="kubernetes:helm.sh/v4:Chart",
            name="shop",
            parent="urn:parent",
            monitorEndpoint=endpoint,
            providers={"kubernetes": "urn:provider::id"},
            dependencies=["urn:before"],
            inputs=values.encode({"chart": str(chart), **inputs}),
        ),
    )


def test_a_charts_objects_become_children_of_the_component(
    driver: Driver, monitor: Monitor, endpoint: str, namespace: str, chart: Path
) -> None:
    answer = construct(driver, endpoint, chart, values={"replicas": 2})
    component = monitor.requests[0]
    assert (component.type, component.name, component.parent) == ("kubernetes:helm.sh/v4:Chart", "shop", "urn:parent")
    assert list(component.dependencies) == ["urn:before"]
    children = monitor.children()
    assert {name: child.type for name, child in children.items()} == {
        f"shop:{namespace}/web": "kubernetes:apps/v1:Deployment",
        f"shop:{namespace}/credentials": "kubernetes:core/v1:Secret",
    }
    assert {child.parent for child in children.values()} == {"urn:shop"}
    assert {child.provider for child in children.values()} == {"urn:provider::id"}
    web = values.decode(children[f"shop:{namespace}/web"].object)
    assert (web["spec"]["replicas"], web["metadata"]["namespace"]) == (2, namespace)
    assert answer.urn == "urn:shop"
    references = values.decode(answer.state)["resources"]
    assert {reference.struct.fields["urn"].string_value for reference in references} == {
        f"urn:{name}" for name in children
    }


def test_secret_data_of_a_charts_objects_is_secret(
    driver: Driver, monitor: Monitor, endpoint: str, namespace: str, chart: Path
) -> None:
    (chart / "templates" / "map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {url: 'redis://{{ .Values.password }}@h', a: b}"
    )
    construct(driver, endpoint, chart, values={"password": Secret("hunter22")})
    children = monitor.children()
    secret = children[f"shop:{namespace}/credentials"]
    assert values.decode(secret.object)["stringData"] == Secret({"password": "hunter22"})
    data = values.decode(children[f"shop:{namespace}/m"].object)["data"]
    assert data == {"url": Secret("redis://hunter22@h"), "a": "b"}


def test_definitions_and_namespaces_are_registered_first(
    driver: Driver, monitor: Monitor, endpoint: str, chart: Path
) -> None:
    (chart / "crds").mkdir()
    kind = permissive(CustomKind("demo.example", ("v1",), "Thing", "things", namespaced=False))
    (chart / "crds" / "things.json").write_text(json.dumps(kind))
    (chart / "templates" / "all.yaml").write_text(
        "apiVersion: demo.example/v1\nkind: Thing\nmetadata: {name: it}\n---\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: inner}\n---\n"
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: inner}\n"
    )
    construct(driver, endpoint, chart)
    children = monitor.children()
    assert list(children["shop:it"].dependencies) == ["urn:shop:things.demo.example"]
    properties = children["shop:it"].propertyDependencies
    assert {key: list(properties[key].urns) for key in properties} == {"apiVersion": [], "kind": [], "metadata": []}
    assert list(children["shop:inner/c"].dependencies) == ["urn:shop:inner"]
    order = list(children)
    assert order.index("shop:things.demo.example") < order.index("shop:it")
    assert order.index("shop:inner") < order.index("shop:inner/c")
    monitor.requests.clear()
    construct(driver, endpoint, chart, skipCrds=True)
    assert "shop:things.demo.example" not in monitor.children()


def test_hooks_are_left_out_and_kept_objects_are_retained(
    driver: Driver, monitor: Monitor, endpoint: str, namespace: str, chart: Path
) -> None:
    (chart / "templates" / "more.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n---\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: k, annotations: {helm.sh/resource-policy: keep}}\n"
    )
    construct(driver, endpoint, chart)
    children = monitor.children()
    assert f"shop:{namespace}/t" not in children
    assert [name for name, child in children.items() if child.retainOnDelete] == [f"shop:{namespace}/k"]


def test_a_chart_sees_the_cluster_it_is_for(
    driver: Driver, monitor: Monitor, endpoint: str, cluster: Cluster, namespace: str, chart: Path
) -> None:
    kubectl(cluster, "create", "configmap", "there", "-n", namespace, "--from-literal=key=found")
    (chart / "templates" / "map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n"
        "  version: {{ .Capabilities.KubeVersion.Version }}\n"
        '  scales: "{{ .Capabilities.APIVersions.Has "autoscaling/v2/HorizontalPodAutoscaler" }}"\n'
        '  other: "{{ .Capabilities.APIVersions.Has "demo.example/v7" }}"\n'
        '  looked: {{ (lookup "v1" "ConfigMap" .Release.Namespace "there").data.key }}\n'
        "  release: {{ .Release.Name }}\n"
    )
    construct(driver, endpoint, chart, name="named")
    data = values.decode(monitor.children()[f"shop:{namespace}/m"].object)["data"]
    version = json.loads(kubectl(cluster, "version", "-o", "json"))["serverVersion"]["gitVersion"]
    assert data == {"version": version, "scales": "true", "other": "false", "looked": "found", "release": "named"}


def test_waiting_and_the_prefix_can_be_chosen(
    driver: Driver, monitor: Monitor, endpoint: str, namespace: str, chart: Path
) -> None:
    construct(driver, endpoint, chart, skipAwait=True, resourcePrefix="p", namespace="elsewhere")
    children = monitor.children()
    assert set(children) == {"p:elsewhere/web", "p:elsewhere/credentials"}
    for child in children.values():
        assert plain(values.decode(child.object))["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}


def test_inputs_that_are_not_known_yet_make_an_incomplete_preview(
    driver: Driver, monitor: Monitor, endpoint: str, chart: Path
) -> None:
    answer = construct(driver, endpoint, chart, values={"password": UNKNOWN})
    assert values.decode(answer.state) == {"resources": UNKNOWN}
    assert monitor.children() == {}
    assert "does not show the chart's objects" in driver.engine.warnings[0]


def test_mistakes_in_a_chart_are_told(driver: Driver, monitor: Monitor, endpoint: str, chart: Path) -> None:
    with pytest.raises(RefusedError, match=r"use helm\.v3\.Release"):
        construct(driver, endpoint, "oci://example.org/charts/app")
    with pytest.raises(RefusedError, match="neither a local chart"):
        construct(driver, endpoint, "./nowhere")
    (chart / "templates" / "check.yaml").write_text('{{ fail "no way" }}')
    with pytest.raises(RefusedError, match=r"cannot be rendered: .*no way"):
        construct(driver, endpoint, chart)
    assert monitor.children() == {}


def test_an_object_that_fails_fails_the_component(driver: Driver, monitor: Monitor, endpoint: str, chart: Path) -> None:
    monitor.refuse = "Deployment"
    with pytest.raises(RefusedError, match="The chart shop is not complete"):
        construct(driver, endpoint, chart)
