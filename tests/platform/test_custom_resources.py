"""Every custom resource of the program against the schema of its chart's definition, unknown fields refused."""

from collections.abc import Mapping
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from components.versions import CERT_MANAGER, ISTIO_VERSION, KEDA, STRIMZI
from tests.support.hubs import LOCAL as HUB
from tests.support.manifests import Manifest, identity, program_objects
from tests.support.reference_data import reference
from tests.support.regions import GOOGLE, everything, live, matched, scaled, streamed
from tests.support.regions import rendered as rendered_regions
from tests.support.rendering import BEHIND_A_CDN, Rendered, render

pytestmark = pytest.mark.conformance

FILES = (
    # What the pinned charts argo-cd and kube-prometheus-stack install (their appVersion).
    "argo-cd-3.5.1.yaml",
    f"cert-manager-{CERT_MANAGER.version.removeprefix('v')}.yaml",
    f"istio-{ISTIO_VERSION}.yaml",
    f"keda-{KEDA.version}.yaml",
    "prometheus-operator-0.93.0.yaml",
    f"strimzi-{STRIMZI.version}.yaml",
)
KINDS = {
    "AppProject",
    "ApplicationSet",
    "AuthorizationPolicy",
    "Certificate",
    "DestinationRule",
    "EnvoyFilter",
    "Gateway",
    "Issuer",
    "Kafka",
    "KafkaMirrorMaker2",
    "KafkaNodePool",
    "KafkaTopic",
    "KafkaUser",
    "PeerAuthentication",
    "PodMonitor",
    "PrometheusRule",
    "RequestAuthentication",
    "ScaledObject",
    "ServiceEntry",
    "ServiceMonitor",
    "Telemetry",
    "VirtualService",
}


class Loader(yaml.CSafeLoader):
    """A loader that reads a lone `=` as text: `=` is special in YAML 1.1, but CRDs use it as an operator's name."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: str(node.value))

Schemas = Mapping[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    """Closed schemas by apiVersion and kind."""
    return definitions()


def definitions() -> Schemas:
    """Return the closed schemas of the pinned charts' definitions, by apiVersion and kind."""
    texts = [reference("crds", name).read_text() for name in FILES]
    found = [d for text in texts for d in yaml.load_all(text, Loader) if d]
    return {
        (f"{d['spec']['group']}/{version['name']}", d["spec"]["names"]["kind"]): closed(
            version["schema"]["openAPIV3Schema"]
        )
        for d in found
        for version in d["spec"]["versions"]
    }


@pytest.fixture(scope="module")
def custom_resources(local: Rendered, schemas: Schemas) -> list[Manifest]:
    """Custom resources of the local stack, as it is and with more in it, and of a region with peers."""
    strict = render("local", {"sacred-council:mesh": {"postQuantum": "strict"}})
    groups = {api_version.split("/")[0] for api_version, _ in schemas}
    behind = render("local", BEHIND_A_CDN)
    variants = (
        local,
        strict,
        behind,
        render("local", HUB),
        rendered_regions(*GOOGLE),
        streamed(*GOOGLE),
        scaled(*GOOGLE),
        live(*GOOGLE),
        matched(*GOOGLE, monitoring={"retention": "4w"}, scaling={"enabled": True}),
        everything(),
    )
    found = [manifest for rendered in variants for manifest in program_objects(rendered)]
    return [manifest for manifest in found if manifest["apiVersion"].split("/")[0] in groups]


def closed(schema: Any) -> Any:
    """Return `schema` as JSON schema: objects with named properties closed, Kubernetes' extensions translated.

    The result leaves out rules in CEL (x-kubernetes-validations): test_custom_resources_on_server.py evaluates them.
    """
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    result = {key: value if key == "enum" else closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
        result.setdefault("additionalProperties", bool(open_ended))
    if schema.get("nullable") and isinstance(schema.get("type"), str):
        result["type"] = [schema["type"], "null"]
    return result


def mistakes(manifest: Manifest, schemas: Schemas) -> list[str]:
    """List the errors of the manifest's spec against the schema of its kind."""
    schema = schemas.get((manifest["apiVersion"], manifest["kind"]))
    if schema is None:
        return [f"{identity(manifest)}: no definition of {manifest['apiVersion']} {manifest['kind']}"]
    validator = jsonschema.Draft202012Validator(schema["properties"]["spec"])
    spec = manifest.get("spec", {})
    return [f"{identity(manifest)}: {e.json_path}: {e.message}" for e in validator.iter_errors(spec)]


def test_every_custom_resource_satisfies_its_definition(custom_resources: list[Manifest], schemas: Schemas) -> None:
    assert {m["kind"] for m in custom_resources} == KINDS
    assert [mistake for manifest in custom_resources for mistake in mistakes(manifest, schemas)] == []


@pytest.mark.parametrize(
    ("api_version", "kind", "spec"),
    [
        ("networking.istio.io/v1", "Gateway", {"serverz": []}),
        ("argoproj.io/v1alpha1", "AppProject", {"sourceRepo": ["x"]}),
        ("networking.istio.io/v1", "DestinationRule", {"host": "x", "trafficPolicy": {"outlierDetection": {"no": 1}}}),
        ("security.istio.io/v1", "PeerAuthentication", {"mtls": {"mode": "SOMETIMES"}}),
        ("kafka.strimzi.io/v1", "KafkaTopic", {"partitons": 3}),
        ("telemetry.istio.io/v1", "Telemetry", {"tracing": [{"randomSamplingPercentage": 101}]}),
        ("monitoring.coreos.com/v1", "PrometheusRule", {"groups": [{"name": "x", "rules": [{"alert": "x"}]}]}),
        ("monitoring.coreos.com/v2", "PrometheusRule", {}),
    ],
)
def test_a_wrong_custom_resource_is_found(api_version: str, kind: str, spec: dict[str, Any], schemas: Schemas) -> None:
    manifest = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    assert len(mistakes(manifest, schemas)) == 1
