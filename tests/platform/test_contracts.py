"""Contracts of every component and every object in every stack."""

import re
from collections import Counter
from collections.abc import Callable

import pytest

from tests.golden.urns import path, urns
from tests.support.hubs import hub
from tests.support.regions import MIXED, equipped, matched, scaled, streamed
from tests.support.rendering import Rendered, Resource, ancestors, stack_config

pytestmark = pytest.mark.stack

CLUSTER_SCOPED = {"Namespace", "StorageClass", "ClusterRole", "ClusterRoleBinding", "PriorityClass"}
STANDARD_LABELS = {
    "app.kubernetes.io/name",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "sacred-council.love/region",
}


def _components(stack: Rendered) -> list[Resource]:
    found = [r for r in stack.resources if not r.custom and r.type.startswith("sacred-council:")]
    assert found
    return found


LABELS = {"Namespace", "Service"}
"""Kinds whose names are DNS labels."""


def test_every_resource_has_a_component_as_its_parent(stack: Rendered) -> None:
    roots = [r.name for r in stack.resources if not list(ancestors(stack, r))]
    assert roots == ["platform"]


def test_every_component_registers_its_outputs(stack: Rendered) -> None:
    missing = [r.urn for r in _components(stack) if r.urn not in stack.registered_outputs]
    assert missing == []


def test_logical_names_are_unique(stack: Rendered) -> None:
    assert stack.resources
    twice = [key for key, count in Counter((r.type, r.name) for r in stack.resources).items() if count > 1]
    assert twice == []


def test_every_kubernetes_resource_has_an_explicit_provider(stack: Rendered) -> None:
    kubernetes = [r for r in stack.resources if r.type.startswith("kubernetes:")]
    assert kubernetes
    assert [r.name for r in kubernetes if not r.provider and r.custom] == []


def test_default_providers_are_disabled(stack_name: str) -> None:
    assert stack_config(stack_name)["pulumi:disable-default-providers"] == ["*"]


def test_every_object_has_a_fixed_name_and_the_standard_labels(stack: Rendered) -> None:
    incomplete = [
        r.name
        for r in stack.some_objects()
        if not r.inputs["metadata"].get("name") or STANDARD_LABELS - r.inputs["metadata"].get("labels", {}).keys()
    ]
    assert incomplete == []


@pytest.mark.parametrize("variant", [hub, streamed, scaled, matched, equipped])
def test_every_object_of_optional_parts_names_one_owner_of_its_fields(variant: Callable[..., Rendered]) -> None:
    test_every_object_names_one_owner_of_its_fields(variant(*MIXED))


def test_every_object_names_one_owner_of_its_fields(stack: Rendered) -> None:
    # The Kubernetes provider reads this annotation (`pkg/metadata/annotations.go`, AnnotationPatchFieldManager). An API
    # server takes at most 128 characters.
    owners = {
        (
            r.inputs["metadata"]["labels"]["sacred-council.love/region"],
            (r.inputs["metadata"].get("annotations") or {}).get("pulumi.com/patchFieldManager", ""),
        )
        for r in stack.some_objects()
    }
    assert len(owners) == len({region for region, _ in owners})
    assert all(0 < len(owner) <= 128 for _, owner in owners)


def test_an_api_server_takes_the_name_of_every_object(stack: Rendered) -> None:
    # RFC 1123 subdomains; Services and namespaces must be labels. RBAC allows more, but our names keep to these too.
    # https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
    label = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
    refused = [
        f"{r.name}: {name}"
        for r in stack.some_objects()
        if not (
            isinstance(name := r.inputs["metadata"]["name"], str)
            and len(name) <= 253
            and re.fullmatch(label if r.inputs["kind"] in LABELS else rf"{label}(\.{label})*", name)
        )
    ]
    assert refused == []


def test_pulumi_waits_longer_for_a_job_than_the_job_may_run(stack: Rendered) -> None:
    for job in stack.some_objects("Job"):
        waited = {key: float(job.timeouts[key].removesuffix("s")) for key in ("create", "update")}
        assert min(waited.values()) > job.inputs["spec"]["activeDeadlineSeconds"], job.name


def test_pulumi_waits_for_no_service_longer_than_for_its_pods(stack: Rendered) -> None:
    """The provider waits 10 seconds more for each Service with a cluster address whose pods are ready."""
    services = [
        service.inputs
        for service in stack.objects("Service")
        if service.inputs["spec"].get("selector") and service.inputs["spec"].get("clusterIP") != "None"
    ]
    waited = [
        service["metadata"]["name"]
        for service in services
        if service["spec"].get("type", "ClusterIP") == "ClusterIP"
        and (service["metadata"].get("annotations") or {}).get("pulumi.com/skipAwait") != "true"
    ]
    assert services
    assert waited == []


def test_every_namespaced_object_names_its_namespace(stack: Rendered) -> None:
    lost = [
        r.name
        for r in stack.some_objects()
        if r.inputs["kind"] not in CLUSTER_SCOPED and not r.inputs["metadata"].get("namespace")
    ]
    assert lost == []


def test_every_logical_name_starts_with_its_region_or_site_the_platform_or_the_edge(
    stack: Rendered, stack_name: str
) -> None:
    config = stack_config(stack_name)
    entries = (*config["sacred-council:regions"], *config.get("sacred-council:edgeSites", ()))
    regions = [entry["name"] for entry in entries]
    assert regions
    strangers = [r.name for r in stack.resources if not r.name.startswith((*regions, "platform", "edge"))]
    assert strangers == []


def test_every_namespace_is_restricted_and_closed(stack: Rendered) -> None:
    namespaces = {r.inputs["metadata"]["name"] for r in stack.some_objects("Namespace")}
    enforced = {
        r.inputs["metadata"]["name"]
        for r in stack.some_objects("Namespace")
        if r.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    }
    closed = {
        r.inputs["metadata"]["namespace"]
        for r in stack.some_objects("NetworkPolicy")
        if r.inputs["metadata"]["name"] == "default-deny"
        and r.inputs["spec"]["podSelector"] == {}
        and r.inputs["spec"]["policyTypes"] == ["Ingress", "Egress"]
    }
    assert namespaces == enforced == closed


def test_secret_values_are_secret_in_state(stack: Rendered) -> None:
    plain = [
        r.name
        for r in stack.some_objects("Secret")
        # A Secret with neither key holds the ServiceAccount token that Kubernetes adds.
        if r.inputs.keys() & {"data", "stringData"}
        and not any(path.startswith(("data", "stringData")) for path in r.secret_paths)
    ]
    assert plain == []


def test_no_config_map_holds_a_secret(stack: Rendered) -> None:
    assert [r.name for r in stack.some_objects("ConfigMap") if r.secret_paths] == []


def test_chart_values_hold_no_secret(stack: Rendered) -> None:
    charts = [r for r in stack.resources if r.type.startswith("kubernetes:helm.sh/")]
    assert charts
    assert [r.name for r in charts if r.secret_paths] == []


def test_what_an_autoscaler_owns_has_no_fixed_replicas(stack: Rendered) -> None:
    owned = {
        (r.inputs["metadata"]["namespace"], r.inputs["spec"]["scaleTargetRef"]["name"])
        for kind in ("HorizontalPodAutoscaler", "ScaledObject")
        for r in stack.objects(kind)
    }
    deployments = [
        ((r.inputs["metadata"]["namespace"], r.inputs["metadata"]["name"]), r.inputs["spec"])
        for r in stack.some_objects("Deployment")
    ]
    fixed = {name for name, spec in deployments if "replicas" in spec}
    assert owned
    assert owned <= {name for name, _ in deployments}
    assert fixed
    assert owned & fixed == set()


def test_urns_are_those_of_the_golden_list(stack: Rendered, stack_name: str) -> None:
    # A URN that changes replaces its resource.
    golden = path(stack_name).read_text().splitlines()
    remedy = "a rename needs an alias and a changelog line; then run: python -m tests.golden"
    assert urns(stack) == golden, remedy
