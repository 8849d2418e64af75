"""What a pod's spec refers to, resolved as the kubelet's documentation says."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.controllers import references
from sandbox.controllers.references import MissingError

pytestmark = pytest.mark.unit

POD: dict[str, Any] = {
    "metadata": {
        "name": "agent-1",
        "namespace": "council",
        "uid": "u-1",
        "labels": {"app": "agent", "sidecar.istio.io/inject": "true"},
        "annotations": {"note": 'two\nlines and a "quote"'},
    },
    "spec": {
        "nodeName": "eu-a",
        "serviceAccountName": "agent",
        "containers": [{"name": "main", "resources": {"limits": {"cpu": "1500m", "memory": "64Mi"}}}],
    },
    "status": {"podIP": "10.128.0.3", "podIPs": [{"ip": "10.128.0.3"}], "hostIP": "127.0.0.1"},
}
MAIN = POD["spec"]["containers"][0]
OBJECTS = {
    ("configmaps", "settings"): {"COLOUR": b"green", "other": b"x"},
    ("secrets", "login"): {"password": b"secret"},
}


def read(kind: str, name: str) -> Mapping[str, bytes] | None:
    return OBJECTS.get((kind, name))


def token(projection: Mapping[str, Any]) -> str:
    return f"token for {projection.get('audience', 'the API server')}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--port=$(PORT)", "--port=9898"),
        ("$(PORT)$(PORT)", "98989898"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$$(PORT)", "$(PORT)"),
        ("$PORT", "$PORT"),
        ("", ""),
    ],
)
def test_variables_in_a_command_are_expanded(text: str, expected: str) -> None:
    assert references.expand(text, {"PORT": "9898"}) == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("500m", 0.5), ("64Mi", 64 * 1024**2), ("2k", 2000), ("1.5", 1.5), ("1e3", 1000), ("4Ti", 4 * 1024**4)],
)
def test_quantities_are_numbers(text: str, number: float) -> None:
    assert references.quantity(text) == pytest.approx(number)


def test_what_is_no_quantity_is_refused() -> None:
    with pytest.raises(ValueError, match="'many' is no quantity"):
        references.quantity("many")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "agent-1"),
        ("metadata.labels['app']", "agent"),
        ("metadata.labels['absent']", ""),
        ("metadata.labels", 'app="agent"\nsidecar.istio.io/inject="true"'),
        ("metadata.annotations", 'note="two\\nlines and a \\"quote\\""'),
        ("spec.nodeName", "eu-a"),
        ("spec.serviceAccountName", "agent"),
        ("status.podIP", "10.128.0.3"),
        ("status.podIPs", "10.128.0.3"),
        ("status.hostIP", "127.0.0.1"),
    ],
)
def test_fields_of_the_pod(path: str, value: str) -> None:
    assert references.field(POD, path) == value


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match=r"spec\.secret"):
        references.field(POD, "spec.secret")


@pytest.mark.parametrize(
    ("selector", "value"),
    [
        # A limit of 1.5 processors counts as two whole ones.
        ({"resource": "limits.cpu"}, "2"),
        ({"resource": "limits.cpu", "divisor": "1m"}, "1500"),
        ({"resource": "limits.memory"}, str(64 * 1024**2)),
        ({"resource": "limits.memory", "divisor": "1Mi"}, "64"),
        # Without a request, the limit is the request.
        ({"resource": "requests.memory", "divisor": "1Mi"}, "64"),
        ({"resource": "limits.cpu", "containerName": "main"}, "2"),
    ],
)
def test_resources_are_rounded_up_to_the_divisor(selector: dict[str, str], value: str) -> None:
    assert references.resource(POD, MAIN, selector) == value


def test_a_container_without_a_limit_has_its_nodes_capacity() -> None:
    assert references.resource(POD, {"name": "other"}, {"resource": "limits.cpu"}) == "32"


def test_the_environment_comes_from_values_fields_and_objects() -> None:
    container = {
        "name": "main",
        "envFrom": [{"prefix": "SET_", "configMapRef": {"name": "settings"}}],
        "env": [
            {"name": "A", "value": "1"},
            {"name": "B", "value": "$(A)2"},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "login", "key": "password"}}},
            {"name": "MAYBE", "valueFrom": {"secretKeyRef": {"name": "login", "key": "absent", "optional": True}}},
        ],
    }
    found = references.environment(POD, container, read)
    expected = {"A": "1", "B": "12", "POD": "agent-1", "PASSWORD": "secret", "SET_COLOUR": "green", "SET_other": "x"}
    assert found == {"HOSTNAME": "agent-1", **expected}


@pytest.mark.parametrize(
    "entry",
    [
        {"secretKeyRef": {"name": "absent", "key": "password"}},
        {"secretKeyRef": {"name": "login", "key": "absent"}},
        {"configMapKeyRef": {"name": "absent", "key": "COLOUR"}},
    ],
)
def test_a_pod_waits_for_what_its_environment_needs(entry: dict[str, Any]) -> None:
    with pytest.raises(MissingError, match="absent"):
        references.environment(POD, {"env": [{"name": "X", "valueFrom": entry}]}, read)


def test_the_files_of_a_projected_volume_come_from_all_its_sources() -> None:
    sources = [
        {"serviceAccountToken": {"path": "istio-token", "audience": "istio-ca"}},
        {"configMap": {"name": "settings", "items": [{"key": "COLOUR", "path": "colours/one"}]}},
        {"secret": {"name": "login"}},
        {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    ]
    assert references.files(POD, {"name": "all", "projected": {"sources": sources}}, read, token) == {
        "istio-token": b"token for istio-ca",
        "colours/one": b"green",
        "password": b"secret",
        "labels": b'app="agent"\nsidecar.istio.io/inject="true"',
    }


def test_an_optional_secret_that_is_absent_is_an_empty_volume_of_files() -> None:
    assert references.files(POD, {"secret": {"secretName": "absent", "optional": True}}, read, token) == {}


def test_a_pod_waits_for_the_volumes_that_it_needs() -> None:
    with pytest.raises(MissingError, match="secrets absent is not there"):
        references.files(POD, {"secret": {"secretName": "absent"}}, read, token)


def test_an_empty_directory_has_no_files_of_its_own() -> None:
    assert references.files(POD, {"emptyDir": {}}, read, token) is None


def test_data_of_secrets_and_binary_data_are_decoded() -> None:
    encoded = base64.b64encode(b"\x00\x01").decode()
    assert references.data_of("secrets", {"data": {"key": encoded}}) == {"key": b"\x00\x01"}
    assert references.data_of("configmaps", {"data": {"a": "b"}, "binaryData": {"key": encoded}}) == {
        "a": b"b",
        "key": b"\x00\x01",
    }
