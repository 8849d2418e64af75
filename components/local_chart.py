"""A Helm chart of this repository. Pulumi previews, awaits and deletes its objects like other resources.

The Kubernetes provider's function `helm:template` renders the chart without a cluster.
The provider's own `helm.v4.Chart` needs a cluster: one region's API server that is down would end the whole run.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import DONE_AT_ONCE, REGION_LABEL, field_manager
from components.versions import KUBERNETES_VERSION

FUNCTION: Final = "kubernetes:helm:template"
NO_CLUSTER: Final = json.dumps({"apiVersion": "v1", "kind": "Config"})
PREREQUISITES: Final = ("ConfigMap", "NetworkPolicy", "Role", "RoleBinding", "Secret", "ServiceAccount")
"""Kinds that pods need before they start."""
WORKLOADS: Final = ("CronJob", "Deployment", "Job", "StatefulSet")


@dataclass(frozen=True, kw_only=True)
class LocalChartArgs:
    """A chart and its values.

    The chart must name the namespace of each object, and the region in the label `sacred-council.love/region`.
    """

    chart: str
    """Folder, relative to Pulumi.yaml, so that the state holds no machine's path."""
    release: str
    namespace: str
    values: Mapping[str, Any]
    """Plain values, because Helm renders them before anything is deployed."""
    renderer: k8s.Provider
    """A provider from `chart_renderer`."""
    after: Sequence[pulumi.Input[pulumi.Resource]] = ()
    """The chart's objects wait for these resources. Rendering does not."""
    owned_elsewhere: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    """Fields that something in the cluster sets, by kind and name, such as
    {("HorizontalPodAutoscaler", "agent-network"): ["spec.minReplicas"]}."""


class LocalChart(pulumi.ComponentResource):
    """The objects of a chart, each named after this component, its kind and its name in the cluster.

    Outputs: none. Fails with Helm's message when the chart or its values are wrong.
    """

    def __init__(self, name: str, args: LocalChartArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:helm:LocalChart", name, None, opts)
        self._name = name
        self._args = args
        prerequisites: list[pulumi.Resource] = []
        for manifest in _rendered(args):
            created = self._register(manifest, prerequisites if manifest["kind"] in WORKLOADS else ())
            if manifest["kind"] in PREREQUISITES:
                prerequisites.append(created)
        self.register_outputs({})

    def _register(self, manifest: Mapping[str, Any], prerequisites: Sequence[pulumi.Resource]) -> pulumi.Resource:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        return _Object(
            f"{self._name}-{kind.lower()}-{name}",
            manifest,
            pulumi.ResourceOptions(
                parent=self,
                depends_on=[*self._args.after, *prerequisites],
                ignore_changes=list(self._args.owned_elsewhere.get((kind, name), ())) or None,
            ),
        )


class _Object(pulumi.CustomResource):
    """An object whose kind comes from the chart."""

    def __init__(self, name: str, manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        metadata = manifest["metadata"]
        owner = field_manager(metadata["labels"][REGION_LABEL])
        waits = DONE_AT_ONCE if manifest["kind"] == "Service" else {}
        owned = {**metadata, "annotations": {**(metadata.get("annotations") or {}), **owner, **waits}}
        token = type_token(manifest["apiVersion"], manifest["kind"])
        super().__init__(token, name, {**manifest, "metadata": owned}, opts)


def chart_renderer(name: str, opts: pulumi.ResourceOptions) -> k8s.Provider:
    """Return a provider that renders charts and reaches no cluster, not even that of the user's kubeconfig."""
    return k8s.Provider(name, kubeconfig=NO_CLUSTER, opts=opts)


def type_token(api_version: str, kind: str) -> str:
    """Return the Pulumi type of a Kubernetes kind: v1 and Service give kubernetes:core/v1:Service."""
    return f"kubernetes:{api_version if '/' in api_version else f'core/{api_version}'}:{kind}"


def _rendered(args: LocalChartArgs) -> list[dict[str, Any]]:
    options = {
        "path": args.chart,
        "release_name": args.release,
        "namespace": args.namespace,
        "values": args.values,
        "kube_version": KUBERNETES_VERSION,
    }
    call = {"jsonOpts": json.dumps(options, sort_keys=True)}
    try:
        answer = pulumi.runtime.invoke(FUNCTION, call, pulumi.InvokeOptions(provider=args.renderer)).value
    except Exception as error:
        raise pulumi.RunError(str(error)) from None
    return list(answer["result"])
