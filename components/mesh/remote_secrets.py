"""Istio's remote secrets, by which the control planes of a mesh learn each other's endpoints."""

import json
from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.account_token import ApiAccess, Login, Rights, account_token, api_url, login
from components.context import RegionContext
from components.mesh.chart_values import ISTIOD_APP
from components.metadata import object_meta
from components.namespaces import ISTIO
from components.secret_data import sealed

ACCESS_APP: Final = "remote-secret-access"
CLUSTER_ROLE: Final = "sacred-council-remote-secret-access"
NAME: Final = "remote-regions"
LABEL: Final = {"istio/multiCluster": "true"}


class RemoteSecretAccess(pulumi.ComponentResource):
    """The identity with which other regions' control planes read a region's Kubernetes API. It exists early.

    The account is in the control plane's namespace, may read what Istio watches, and has a token that does not expire.

    Outputs: `kubeconfig` (secret, JSON; None when the API's endpoint is unknown).
    """

    kubeconfig: pulumi.Output[str] | None

    def __init__(self, name: str, access: ApiAccess, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:mesh:RemoteSecretAccess", name, None, opts)
        rights = Rights(role=CLUSTER_ROLE, rules=remote_secret_rules(), everywhere=True)
        child = pulumi.ResourceOptions(parent=self)
        token = account_token(name, access, app=ACCESS_APP, rights=rights, opts=child)
        self.kubeconfig = None if access.api_endpoint is None else _kubeconfig(access, access.api_endpoint, token)
        self.register_outputs({})


class RemoteRegions(pulumi.ComponentResource):
    """One Secret with a key per other region, from which istiod learns their endpoints.

    Istio reads every key of a Secret with its label as a cluster name, so one object serves any number of regions.
    `kubeconfigs` are the other regions' kubeconfigs (JSON) by name. None: the region's API endpoint is unknown.

    Outputs: `unknown` (regions left out because their API endpoint is unknown).
    """

    unknown: tuple[str, ...]

    def __init__(
        self,
        name: str,
        context: RegionContext,
        kubeconfigs: Mapping[str, pulumi.Input[str] | None],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:mesh:RemoteRegions", name, None, context.child(opts))
        known = known_regions(context.region, kubeconfigs)
        self.unknown = tuple(sorted(set(kubeconfigs) - set(known)))
        if self.unknown:
            pulumi.log.warn(missing(context.region, self.unknown), self)
        k8s.core.v1.Secret(
            f"{name}-secret",
            metadata=object_meta(
                NAME, app=ISTIOD_APP, region=context.region, namespace=context.namespaces[ISTIO], extra_labels=LABEL
            ),
            # Not string_data: with server-side apply a removed region would stay in the Secret.
            # Not an empty map: the server drops it, and every preview would add it again.
            data={region: sealed(kubeconfig) for region, kubeconfig in known.items()} or None,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def known_regions(region: str, kubeconfigs: Mapping[str, pulumi.Input[str] | None]) -> dict[str, pulumi.Input[str]]:
    """Return the known kubeconfigs. Raise ValueError for one of `region`, which istiod knows as its own cluster."""
    if region in kubeconfigs:
        raise ValueError(
            f"kubeconfigs: expected those of the regions other than {region}, got {', '.join(sorted(kubeconfigs))}"
        )
    return {name: given for name, given in sorted(kubeconfigs.items()) if given is not None}


def missing(region: str, unknown: tuple[str, ...]) -> str:
    """Return the message about regions that the mesh of `region` cannot reach."""
    return (
        f"region {region}: its mesh sends no requests to {', '.join(unknown)}, because the address of the Kubernetes "
        "API there is not known: a cluster of cloud `existing` is only reached through your own kubeconfig. "
        "Each region works by itself; steer users between them by DNS."
    )


def remote_secret_rules() -> list[dict[str, list[str]]]:
    """Return rules for what Istio's control plane watches in another cluster. With fewer, it would wait forever.

    The rules follow the role of Istio's own chart for remote-secret access, without write access and without what only
    a control plane with remote sidecars needs.
    """
    istio = ("extensions", "networking", "security", "telemetry")
    core = ("configmaps", "endpoints", "namespaces", "nodes", "pods", "replicationcontrollers", "secrets", "services")
    return [
        _read([f"{group}.istio.io" for group in istio], ["*"]),
        _read([""], list(core)),
        _read(["discovery.k8s.io"], ["endpointslices"]),
        _read(["apps"], ["replicasets"]),
        _read(["apiextensions.k8s.io"], ["customresourcedefinitions"]),
        _read(["gateway.networking.k8s.io"], ["gateways"]),
        _read(["multicluster.x-k8s.io"], ["serviceexports", "serviceimports"]),
    ]


def _read(groups: list[str], resources: list[str]) -> dict[str, list[str]]:
    return {"api_groups": groups, "resources": resources, "verbs": ["get", "list", "watch"]}


def remote_kubeconfig(*, region: str, endpoint: str, login: Login) -> str:
    """Return a kubeconfig (JSON) that contains only a token, because Istio refuses plugins and files.

    `endpoint` is the API's URL or host name.
    """
    cluster = {"server": api_url(endpoint), "certificate-authority-data": login.certificate_authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": region, "cluster": cluster}],
            "users": [{"name": region, "user": {"token": login.token}}],
            "contexts": [{"name": region, "context": {"cluster": region, "user": region}}],
            "current-context": region,
        },
        sort_keys=True,
    )


def _kubeconfig(access: ApiAccess, endpoint: pulumi.Input[str], token: k8s.core.v1.Secret) -> pulumi.Output[str]:
    parts = pulumi.Output.all(endpoint=endpoint, login=login(access, app=ACCESS_APP, token=token))
    kubeconfig = parts.apply(
        lambda known: remote_kubeconfig(region=access.region, endpoint=known["endpoint"], login=known["login"])
    )
    return pulumi.Output.secret(kubeconfig)
