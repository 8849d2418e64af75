"""The objects in a region's cluster after a deployment, as far as they can be known without one.

They are the program's objects, its charts' objects, the controllers' pods, and the objects that every cluster has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.namespaces import SERVICES
from stacks.service_values import service_values
from stacks.settings import parse
from stacks.settings.errors import PROJECT
from tests.support import controllers, real_charts, strimzi_objects
from tests.support.manifests import CHART_TYPE, Manifest, chart_calls, chart_of
from tests.support.manifests import template as services_chart
from tests.support.network_rules import Pods, Policies
from tests.support.rendering import Rendered, Resource, render, stack_config

COMPONENTS = {"GkeCluster": "gcp", "EksCluster": "aws", "AksCluster": "azure", "ExistingCluster": "existing"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A region of a stack, with other settings in some sections."""

    stack: str
    region: str
    overrides: Mapping[str, Any]
    secrets: Mapping[str, str] | None = None

    @property
    def rendered(self) -> Rendered:
        """The program's resources."""
        return render(self.stack, self.overrides, secrets=self.secrets)

    @property
    def platform(self) -> str | None:
        """The kind of the region's cluster, where the settings name one or the program makes a GKE cluster."""
        regions = {**stack_config(self.stack), **self.overrides}[f"{PROJECT}:regions"]
        (region,) = (each for each in regions if each["name"] == self.region)
        platform: str | None = region.get("platform", "gke" if region["cloud"] == "gcp" else None)
        return platform

    def service_values(self) -> Mapping[str, Any]:
        """The values of the region's services, as published for Argo CD."""
        config = {**stack_config(self.stack), **self.overrides}
        prefix = f"{PROJECT}:"
        settings = parse({key.removeprefix(prefix): v for key, v in config.items() if key.startswith(prefix)})
        return service_values(settings)[self.region]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The objects of a region's cluster on `cloud`, the pods that they create, and the network policies."""

    cloud: str
    objects: Sequence[Manifest]
    pods: Sequence[Pods]
    policies: Policies
    dns_caches: Mapping[str, str]
    """Addresses of DNS servers outside the pods' network, by their names."""

    def of_kind(self, *kinds: str) -> list[Manifest]:
        """The objects of these kinds."""
        return [each for each in self.objects if each["kind"] in kinds]

    def namespace(self, name: str) -> Mapping[str, str]:
        """The labels of a namespace."""
        return self.policies.namespaces.get(name, {})

    def service(self, name: str, namespace: str) -> Manifest | None:
        """A Service by its name."""
        services = {(s["metadata"]["namespace"], s["metadata"]["name"]): s for s in self.of_kind("Service")}
        return services.get((namespace, name))

    def behind(self, service: Manifest) -> list[Pods]:
        """The pods that a Service selects."""
        wanted = service["spec"].get("selector")
        place = service["metadata"]["namespace"]
        return [p for p in self.pods if wanted and p.namespace == place and wanted.items() <= p.labels.items()]


def cluster(case: Case) -> Cluster:
    """The cluster of a case's region."""
    return cluster_with(_deployed(case), cloud=_cloud(case), platform=case.platform)


def cluster_with(
    objects: Sequence[Manifest], *, cloud: str, platform: str | None, dns_caches: Mapping[str, str] | None = None
) -> Cluster:
    """A cluster with these objects, and what controllers and the cluster itself add to them.

    `dns_caches` are address blocks of further DNS servers in the nodes' network, by their names.
    """
    dns = controllers.dns_pods(platform)
    deployed = [*objects, *controllers.brought(dns)]
    whole = [*deployed, *controllers.kubelet_services(deployed), *strimzi_objects.made(deployed)]
    namespaces = {
        each["metadata"]["name"]: each["metadata"].get("labels", {}) for each in whole if each["kind"] == "Namespace"
    }
    policies = Policies(policies=[o for o in whole if o["kind"] == "NetworkPolicy"], namespaces=namespaces)
    pods = [*controllers.pods(whole, namespaces), dns]
    caches = {**controllers.dns_caches(platform), **(dns_caches or {})}
    return Cluster(cloud=cloud, objects=whole, pods=pods, policies=policies, dns_caches=caches)


def _cloud(case: Case) -> str:
    kinds = {r.name: r.type.rpartition(":")[2] for r in case.rendered.resources if r.type.startswith("sacred-council:")}
    return COMPONENTS[kinds[f"{case.region}-cluster"]]


def own_objects(rendered: Rendered, region: str) -> list[Manifest]:
    """The program's own objects in a region's cluster, without those of charts."""
    charts = {resource.urn for resource in rendered.of_type(CHART_TYPE)}
    return [r.inputs for r in rendered.objects() if r.parent not in charts and _deploys_to(r, region)]


def _deployed(case: Case) -> list[Manifest]:
    mine = [r for r in case.rendered.resources if _deploys_to(r, case.region)]
    services = _services(case)
    whole = {_key(each) for each in services}
    # Under mocks the services' chart is only an outline. Helm renders its objects in full.
    own = [r.inputs for r in mine if r.is_kubernetes_object and _key(r.inputs) not in whole]
    releases = [r.inputs for r in mine if r.type == real_charts.RELEASE_TYPE]
    return [*own, *services, *(each for release in releases for each in real_charts.release_objects(release))]


def _services(case: Case) -> list[Manifest]:
    """The services' objects, as the program or Argo CD deploys them."""
    calls = [call for call in chart_calls(case.rendered) if call["values"]["region"] == case.region]
    if calls:
        return chart_of(calls[0])
    return services_chart(case.service_values(), namespace=SERVICES, release=SERVICES)


def _key(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def _deploys_to(resource: Resource, region: str) -> bool:
    return resource.provider.rpartition("::")[0].endswith(f"::{region}-cluster-kubernetes")
