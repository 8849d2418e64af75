"""The custom resource definitions that charts bring, for charts that cannot be downloaded.

The definitions come from files in the folder that SANDBOX_CRDS names (`<product>-<version>.yaml`). A kind that no file
has gets a permissive definition: the API server then takes any object of it, and checks nothing.
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
    """A kind that a chart defines. The first version is the one that is stored."""

    group: str
    versions: tuple[str, ...]
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def name(self) -> str:
        """The name of its definition."""
        return f"{self.plural}.{self.group}"


@dataclass(frozen=True)
class Product:
    """What a chart brings: the start of its definitions' file name, its kinds, and the value that switches them.

    `switches` are the paths in the chart's values of flags that install the definitions (any of them does), and
    `by_default` says what is so when no flag is given. Without switches the definitions are always installed.
    """

    file_prefix: str
    kinds: tuple[CustomKind, ...]
    switches: tuple[tuple[str, ...], ...] = ()
    by_default: bool = True


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
    switches=(("crds", "enabled"),),
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
    switches=(("crds", "enabled"), ("installCRDs",)),
    by_default=False,
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
    switches=(("crds", "install"),),
)

# Rancher defines its kinds itself, once it runs. The program uses one of them.
_RANCHER: Final = Product("rancher", tuple(_kinds("provisioning.cattle.io", ["v1"], Cluster="clusters")))

PRODUCTS: Final[Mapping[str, Product]] = {
    "base": _ISTIO,
    "kube-prometheus-stack": _PROMETHEUS,
    "prometheus-operator-crds": _PROMETHEUS,
    "cert-manager": _CERT_MANAGER,
    "argo-cd": _ARGO_CD,
    "rancher": _RANCHER,
}
"""Charts, by name, that bring definitions."""


@dataclass(frozen=True)
class Found:
    """The definitions of a chart, and where they are from: a file's name, or empty for permissive ones only."""

    definitions: list[Definition]
    file: str = ""
    permissive: tuple[str, ...] = ()


def folder() -> Path | None:
    """The folder with definitions, if one is named. Raises `ValueError` if it is not there."""
    named = os.environ.get(FOLDER_VARIABLE)
    if not named:
        return None
    path = Path(named)
    if not path.is_dir():
        raise ValueError(f"{FOLDER_VARIABLE} is {named!r}, which is not a folder; unset it or name the right one")
    return path


def definitions(chart: str, version: str, values: Mapping[str, Any], source: Path | None) -> Found:
    """The definitions that the chart would install with these values; none for a chart that brings none."""
    product = PRODUCTS.get(chart)
    if product is None or not _wanted(product, values):
        return Found([])
    file = _newest(source, product.file_prefix, version) if source else None
    known = list(_read(file)) if file else []
    names = {definition["metadata"]["name"] for definition in known}
    missing = [kind for kind in product.kinds if kind.name not in names]
    return Found(
        known + [permissive(kind) for kind in missing],
        file.name if file else "",
        tuple(kind.name for kind in missing),
    )


def _wanted(product: Product, values: Mapping[str, Any]) -> bool:
    flags = [flag for flag in (_at(values, path) for path in product.switches) if flag is not None]
    return any(flags) if flags else product.by_default


def _at(values: Any, path: Sequence[str]) -> Any:
    for step in path:
        values = values.get(step) if isinstance(values, Mapping) else None
    return values


def _newest(source: Path, prefix: str, version: str) -> Path | None:
    """The file of exactly this version, else the highest version there is."""
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
    """A definition that takes any object of the kind."""
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
