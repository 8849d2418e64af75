"""Custom resource definitions for substitutes of charts that cannot be downloaded.

The definitions come from files `<product>-<version>.yaml` in the folder that SANDBOX_CRDS names. A kind without a file
gets a permissive definition: the API server accepts any object of the kind and checks nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from sandbox import documents

FOLDER_VARIABLE: Final = "SANDBOX_CRDS"

Definition = dict[str, Any]


@dataclass(frozen=True)
class CustomKind:
    """A kind that a chart defines. The first version is the stored one."""

    group: str
    versions: tuple[str, ...]
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def name(self) -> str:
        """Name of the definition."""
        return f"{self.plural}.{self.group}"


@dataclass(frozen=True)
class Product:
    """The kinds of a product."""

    file_prefix: str
    """Prefix of the names of files with its definitions."""
    kinds: tuple[CustomKind, ...]
    by_pods: bool = False
    """Whether the real chart's pods make the definitions. Such pods do not run here."""


def _kinds(group: str, versions: Sequence[str], namespaced: bool = True, **plurals: str) -> list[CustomKind]:
    return [CustomKind(group, tuple(versions), kind, plural, namespaced) for kind, plural in plurals.items()]


_ISTIO: Final = Product(
    "istio",
    (
        *_kinds(
            "networking.istio.io",
            ["v1", "v1alpha3", "v1beta1"],
            Gateway="gateways",
            VirtualService="virtualservices",
            DestinationRule="destinationrules",
            ServiceEntry="serviceentries",
            Sidecar="sidecars",
            WorkloadEntry="workloadentries",
            WorkloadGroup="workloadgroups",
        ),
        *_kinds("networking.istio.io", ["v1alpha3"], EnvoyFilter="envoyfilters"),
        *_kinds("networking.istio.io", ["v1beta1"], ProxyConfig="proxyconfigs"),
        *_kinds(
            "security.istio.io",
            ["v1", "v1beta1"],
            PeerAuthentication="peerauthentications",
            AuthorizationPolicy="authorizationpolicies",
            RequestAuthentication="requestauthentications",
        ),
        *_kinds("telemetry.istio.io", ["v1", "v1alpha1"], Telemetry="telemetries"),
        *_kinds("extensions.istio.io", ["v1alpha1"], WasmPlugin="wasmplugins"),
    ),
)

_PROMETHEUS: Final = Product(
    "prometheus-operator",
    (
        *_kinds(
            "monitoring.coreos.com",
            ["v1"],
            ServiceMonitor="servicemonitors",
            PodMonitor="podmonitors",
            Probe="probes",
            PrometheusRule="prometheusrules",
            Prometheus="prometheuses",
            Alertmanager="alertmanagers",
            ThanosRuler="thanosrulers",
        ),
        *_kinds(
            "monitoring.coreos.com",
            ["v1alpha1"],
            AlertmanagerConfig="alertmanagerconfigs",
            ScrapeConfig="scrapeconfigs",
            PrometheusAgent="prometheusagents",
        ),
    ),
)

_CERT_MANAGER: Final = Product(
    "cert-manager",
    (
        *_kinds(
            "cert-manager.io",
            ["v1"],
            Certificate="certificates",
            CertificateRequest="certificaterequests",
            Issuer="issuers",
        ),
        *_kinds("cert-manager.io", ["v1"], namespaced=False, ClusterIssuer="clusterissuers"),
        *_kinds("acme.cert-manager.io", ["v1"], Order="orders", Challenge="challenges"),
    ),
)

_ARGO_CD: Final = Product(
    "argo-cd",
    tuple(
        _kinds(
            "argoproj.io",
            ["v1alpha1"],
            Application="applications",
            ApplicationSet="applicationsets",
            AppProject="appprojects",
        )
    ),
)

_KEDA: Final = Product(
    "keda",
    (
        *_kinds(
            "keda.sh",
            ["v1alpha1"],
            ScaledJob="scaledjobs",
            ScaledObject="scaledobjects",
            TriggerAuthentication="triggerauthentications",
        ),
        *_kinds(
            "keda.sh", ["v1alpha1"], namespaced=False, ClusterTriggerAuthentication="clustertriggerauthentications"
        ),
        *_kinds("eventing.keda.sh", ["v1alpha1"], CloudEventSource="cloudeventsources"),
        *_kinds("eventing.keda.sh", ["v1alpha1"], namespaced=False, ClusterCloudEventSource="clustercloudeventsources"),
    ),
)

_STRIMZI: Final = Product(
    "strimzi",
    (
        *_kinds(
            "kafka.strimzi.io",
            ["v1"],
            Kafka="kafkas",
            KafkaBridge="kafkabridges",
            KafkaConnect="kafkaconnects",
            KafkaConnector="kafkaconnectors",
            KafkaMirrorMaker2="kafkamirrormaker2s",
            KafkaNodePool="kafkanodepools",
            KafkaRebalance="kafkarebalances",
            KafkaTopic="kafkatopics",
            KafkaUser="kafkausers",
        ),
        *_kinds("core.strimzi.io", ["v1"], StrimziPodSet="strimzipodsets"),
    ),
)

# Rancher makes more kinds; the program uses only this one.
_RANCHER: Final = Product("rancher", tuple(_kinds("provisioning.cattle.io", ["v1"], Cluster="clusters")), by_pods=True)

PRODUCTS: Final[Mapping[str, Product]] = {
    "base": _ISTIO,
    "kube-prometheus-stack": _PROMETHEUS,
    "prometheus-operator-crds": _PROMETHEUS,
    "cert-manager": _CERT_MANAGER,
    "argo-cd": _ARGO_CD,
    "keda": _KEDA,
    "strimzi-kafka-operator": _STRIMZI,
    "rancher": _RANCHER,
}
"""Products with definitions, by chart name."""


@dataclass(frozen=True)
class Found:
    """Definitions of a chart, and the name of their file; the name is empty if all are permissive."""

    definitions: list[Definition]
    file: str = ""
    permissive: tuple[str, ...] = ()


def folder() -> Path | None:
    """The folder with definitions; None if SANDBOX_CRDS is not set. Raises `ValueError` if it does not exist."""
    named = os.environ.get(FOLDER_VARIABLE)
    if not named:
        return None
    path = Path(named)
    if not path.is_dir():
        raise ValueError(f"{FOLDER_VARIABLE} is {named!r}, which is not a folder; unset it or name the right one")
    return path


def definitions(chart: str, version: str, source: Path | None) -> Found:
    """The chart's definitions; empty for a chart without any."""
    product = PRODUCTS.get(chart)
    if product is None:
        return Found([])
    file = _newest(source, product.file_prefix, version) if source else None
    known = {definition["metadata"]["name"]: definition for definition in _read(file)} if file else {}
    missing = [kind for kind in product.kinds if kind.name not in known]
    return Found(
        [*known.values(), *(permissive(kind) for kind in missing)],
        file.name if file else "",
        tuple(kind.name for kind in missing),
    )


def _newest(source: Path, prefix: str, version: str) -> Path | None:
    """The file of exactly this version, else of the highest version."""
    exact = source / f"{prefix}-{version}.yaml"
    if exact.is_file():
        return exact
    files = [path for path in source.glob(f"{prefix}-*.yaml") if _version(path, prefix)]
    return max(files, key=lambda path: _version(path, prefix), default=None)


def _version(path: Path, prefix: str) -> tuple[int, ...]:
    match = re.fullmatch(re.escape(prefix) + r"-v?(\d+(?:\.\d+)*)\.yaml", path.name)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


@cache
def _read(path: Path) -> tuple[Definition, ...]:
    return tuple(found for found in documents.read_file(path) if found.get("kind") == "CustomResourceDefinition")


def permissive(kind: CustomKind) -> Definition:
    """A definition that accepts any object of the kind."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.name},
        "spec": {
            "group": kind.group,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.kind.lower(),
            },
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": version == kind.versions[0],
                    "schema": schema,
                    "subresources": {"status": {}},
                }
                for version in kind.versions
            ],
        },
    }
