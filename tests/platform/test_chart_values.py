"""The values given to charts from repositories, against the charts' own defaults and schemas.

A chart ignores unknown keys, so a misspelt key would silently do nothing.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from components import versions
from components.monitoring import RegionSize, memory
from components.monitoring.settings import MonitoringSettings
from components.monitoring.stack_values import stack_values
from tests.support.hubs import LOCAL as HUB
from tests.support.reference_data import reference
from tests.support.regions import VIRGINIA, configured
from tests.support.rendering import BEHIND_A_CDN, Rendered, Resource, render

pytestmark = pytest.mark.conformance

ON_GKE = {"sacred-council:regions": [{"name": "local", "cloud": "existing", "platform": "gke"}]}
TOGETHER: dict[str, Any] = {
    "sacred-council:regions": [{"name": "local", "cloud": "existing", "egressAddresses": ["192.0.2.10"]}],
    "sacred-council:database": {"primaryRegion": "local"},
    "sacred-council:messaging": {"servers": 3},
}
"""A region that is ready to have peers."""

STREAMING: dict[str, Any] = {"sacred-council:streaming": {"enabled": True}}
SCALED: dict[str, Any] = {
    "sacred-council:scaling": {"enabled": True},
    "sacred-council:monitoring": {"retention": "4w"},
}
AWS: dict[str, Any] = {f"sacred-council:{key}": value for key, value in configured(VIRGINIA).items()}
"""A region whose machines come and go by the cluster autoscaler's chart."""

RELEASE_TYPE = "kubernetes:helm.sh/v3:Release"
DIRECTORIES = {
    "argo-cd": "argo-cd",
    "base": "istio-base",
    "cert-manager": "cert-manager",
    "cluster-autoscaler": "cluster-autoscaler",
    "cni": "istio-cni",
    "istiod": "istiod",
    "gateway": "istio-gateway",
    "kube-prometheus-stack": "kube-prometheus-stack",
    "jaeger": "jaeger",
    "keda": "keda",
    "rancher": "rancher",
    "strimzi-kafka-operator": "strimzi-kafka-operator",
}
# Istio's charts keep their defaults under this key, so that profiles can come between defaults and user's values.
ISTIO_DEFAULTS = "_internal_defaults_do_not_set"

# Kubernetes' own types: the charts' defaults show only some of their fields.
KUBERNETES_TYPES = {"resources", "securityContext", "podSecurityContext", "containerSecurityContext"}

# Paths that the defaults do not show, each with the reason why the chart accepts it.
HIDDEN = {
    "argo-cd": {
        "configs.cm.resource.respectRBAC": "a setting of Argo CD, passed through to its ConfigMap",
        "configs.params.applicationsetcontroller.enable.progressive.syncs": "likewise",
    },
    "cluster-autoscaler": {
        "extraArgs.*": "flags of the autoscaler, passed through to its container",
    },
    "cni": {
        "cni.cniBinDir": "what is below `cni` goes before the profile of `global.platform`, and that before all else",
        "global.platform": "read by all of Istio's charts, which have a profile for each platform",
    },
    "gateway": {
        "env.ISTIO_META_REQUESTED_NETWORK_VIEW": "a variable of the pods, which the chart sets for `networkGateway`",
        "labels.istio-locality": "a label of pods, read by Istio",
        "labels.topology.istio.io/network": "a label, which the chart sets for `networkGateway`",
        "podAnnotations.proxy.istio.io/config": "an annotation of pods, read by Istio",
    },
    "istiod": {
        "global.platform": "read by all of Istio's charts, which have a profile for each platform",
        "meshConfig.*": "passed through to Istio: istio.mesh.v1alpha1.MeshConfig",
    },
    "jaeger": {
        "jaeger.resources": "commented out in the defaults, used by the chart's Deployment",
    },
    "rancher": {
        "hostname": "commented out in the defaults, required by the chart",
    },
    "kube-prometheus-stack": {
        "prometheus.prometheusSpec.exemplars.maxSize": "commented out in the defaults, passed through to Prometheus",
        "grafana.sidecar.dashboards.folderAnnotation": "sub-chart grafana",
        "grafana.sidecar.dashboards.provider.foldersFromFilesStructure": "sub-chart grafana",
        "kube-state-metrics.collectors": "sub-chart kube-state-metrics",
        "kube-state-metrics.metricLabelsAllowlist": "sub-chart kube-state-metrics",
        "defaultRules.disabled.*": "names of alerts",
        "grafana.fullnameOverride": "sub-chart grafana",
        "grafana.rbac.namespaced": "sub-chart grafana",
        "grafana.rbac.useExistingRole": "commented out in the defaults of sub-chart grafana",
        "grafana.sidecar.dashboards.resource": "sub-chart grafana",
        "grafana.sidecar.datasources.resource": "sub-chart grafana",
        "grafana.sidecar.datasources.searchNamespace": "sub-chart grafana",
        "grafana.resources": "sub-chart grafana",
        "grafana.sidecar.resources": "sub-chart grafana",
        "grafana.grafana.ini.*": "sub-chart grafana, Grafana's own configuration",
        "kube-state-metrics.fullnameOverride": "sub-chart kube-state-metrics",
        "kube-state-metrics.resources": "sub-chart kube-state-metrics",
        "prometheus-node-exporter.fullnameOverride": "sub-chart prometheus-node-exporter",
        "prometheus-node-exporter.resources": "sub-chart prometheus-node-exporter",
        "prometheus-node-exporter.service": "sub-chart prometheus-node-exporter",
    },
}


@pytest.fixture(scope="module")
def renderings(local: Rendered) -> list[Rendered]:
    """The local stack with each setting that changes charts' values or adds charts."""
    variants = [render("local", {"sacred-council:mesh": {"postQuantum": switch}}) for switch in ("off", "strict")]
    changed = (BEHIND_A_CDN, HUB, ON_GKE, TOGETHER, STREAMING, SCALED)
    return [local, *variants, *(render("local", more) for more in changed), render("regional", AWS)]


@pytest.fixture(scope="module")
def releases(renderings: list[Rendered]) -> list[Resource]:
    return [release for rendered in renderings for release in rendered.of_type(RELEASE_TYPE)]


def directory(chart: str, version: str) -> Path:
    """Return the reference directory of the chart's values. Some charts' versions begin with a letter."""
    return reference("charts", f"{DIRECTORIES[chart]}-{version.removeprefix('v')}")


def defaults(chart: str, version: str) -> dict[str, Any]:
    """Return the chart's default values."""
    document = yaml.safe_load((directory(chart, version) / "values.yaml").read_text())
    return dict(document.get(ISTIO_DEFAULTS, document))


def unknown(values: Mapping[str, Any], known: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield paths of `values` that `known` lacks or holds with another type. Empty and null defaults accept any."""
    for key, value in values.items():
        here = f"{path}.{key}".lstrip(".")
        if key not in known:
            yield from leaves({key: value}, path)
        elif isinstance(value, dict) and isinstance(known[key], dict) and known[key] and key not in KUBERNETES_TYPES:
            yield from unknown(value, known[key], here)
        elif not same_type(value, known[key]):
            yield f"{here} ({type(value).__name__}, not {type(known[key]).__name__})"


def same_type(value: Any, default: Any) -> bool:
    """Return whether `value` has the type of `default`."""
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))


def is_hidden(chart: str, path: str) -> bool:
    """Return whether `path` is one of the chart's `HIDDEN` paths."""
    return any(
        path == known or (known.endswith(".*") and path.startswith(known[:-1])) or path.startswith(f"{known}.")
        for known in HIDDEN.get(chart, {})
    )


def leaves(values: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the paths to all values that are not mappings."""
    for key, value in values.items():
        here = f"{path}.{key}".lstrip(".")
        if isinstance(value, dict) and value:
            yield from leaves(value, here)
        else:
            yield here


def test_every_chart_is_checked_or_named(releases: list[Resource]) -> None:
    assert {r.inputs["chart"] for r in releases} == set(DIRECTORIES)


def test_every_chart_that_is_pinned_is_in_a_stack_here() -> None:
    pins = {pin.name for pin in vars(versions).values() if isinstance(pin, versions.ChartVersion)}
    assert set(DIRECTORIES) == pins, "add a stack that has the chart to the renderings"


@pytest.mark.parametrize("chart", DIRECTORIES)
def test_every_value_is_one_that_the_chart_knows(releases: list[Resource], chart: str) -> None:
    found = [r for r in releases if r.inputs["chart"] == chart]
    strange = {
        path
        for release in found
        for path in unknown(release.inputs.get("values", {}), defaults(chart, release.inputs["version"]))
        if not is_hidden(chart, path)
    }
    assert strange == set()


def test_monitoring_s_values_among_several_regions_are_known_too(releases: list[Resource]) -> None:
    chart = "kube-prometheus-stack"
    version = next(r.inputs["version"] for r in releases if r.inputs["chart"] == chart)
    values = stack_values(
        region="here",
        namespace="monitoring",
        settings=MonitoringSettings(),
        storage_class="fast",
        memory=memory(RegionSize(nodes=3, pods=12), MonitoringSettings()),
        dns_server="kube-dns",
        receiver=True,
        receiver_token=True,
        across=True,
    )
    assert [path for path in unknown(values, defaults(chart, version)) if not is_hidden(chart, path)] == []


@pytest.mark.parametrize("chart", HIDDEN)
def test_every_hidden_path_is_still_used(releases: list[Resource], chart: str) -> None:
    used = {path for r in releases if r.inputs["chart"] == chart for path in leaves(r.inputs["values"])}
    idle = [h for h in HIDDEN[chart] if not any(path == h or path.startswith(h.removesuffix("*")) for path in used)]
    assert idle == []


def test_every_chart_with_a_schema_satisfies_it(releases: list[Resource]) -> None:
    checked = set()
    for release in releases:
        chart = release.inputs["chart"]
        if chart not in DIRECTORIES:
            continue
        schema = directory(chart, release.inputs["version"]) / "values.schema.json"
        if schema.exists():
            # Istio's schema names no draft, so the validator is chosen here.
            validator = jsonschema.Draft202012Validator(json.loads(schema.read_text()))
            assert [error.message for error in validator.iter_errors(release.inputs.get("values", {}))] == []
            checked.add(chart)
    assert checked == {"cert-manager", "gateway"}


def test_a_misspelt_value_is_found() -> None:
    known = {"autoscaleMin": 1, "global": {"network": "", "free": {}}}
    assert list(unknown({"autoscaleMn": 1}, known)) == ["autoscaleMn"]
    assert list(unknown({"global": {"netwrk": "x"}}, known)) == ["global.netwrk"]
    assert list(unknown({"autoscaleMin": "1"}, known)) == ["autoscaleMin (str, not int)"]
    assert list(unknown({"global": {"network": "x", "free": {"any": 1}}}, known)) == []
