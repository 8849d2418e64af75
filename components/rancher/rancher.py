"""Rancher on one region's cluster, the hub, with an entry for each other region's cluster.

Rancher has an administrator's rights and runs as root: it is the only part of the platform that cannot meet the
restricted standard. It is off unless the settings enable it.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.context import RegionContext
from components.metadata import object_meta
from components.namespaces import RANCHER as RANCHER_NAMESPACE
from components.namespaces import RANCHER_CLUSTERS
from components.passwords import random_password
from components.rancher.settings import RancherSettings
from components.releases import chart_release
from components.secret_data import sealed
from components.versions import RANCHER

APP: Final = "rancher"
BOOTSTRAP_SECRET: Final = "bootstrap-secret"  # noqa: S105 - the name that the chart gives it
REPLICAS: Final = 3
HTTP_PORTS: Final = (80, 443, 444)
EXTENSION_PORT: Final = 6666
"""Port where Rancher serves its own kinds to the API server."""
WEBHOOK_PORT: Final = 9443


class Rancher(pulumi.ComponentResource):
    """Rancher, and an imported cluster per region. Each region joins by a command that Rancher generates afterwards.

    `regions` are all regions of the stack. Rancher calls its own region `local`.
    `certificates` installs cert-manager, with which the chart creates the certificate of the host name.
    The user creates the host name's DNS record.

    Outputs: `url`, `secret_name` (in cattle-system: `bootstrapPassword` of the user `admin`).
    """

    url: str
    secret_name: str

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: RancherSettings,
        *,
        regions: Iterable[str],
        certificates: pulumi.Resource,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:rancher:Rancher", name, None, context.child(opts))
        self._context = context
        self._child = pulumi.ResourceOptions(parent=self)
        release = chart_release(
            f"{name}-release",
            RANCHER,
            name=APP,
            namespace=context.namespaces[RANCHER_NAMESPACE],
            values=values(settings),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[*self._network_policies(name), self._password(name), certificates]
            ),
        )
        for region in sorted(set(regions) - {context.region}):
            self._register(region, release)
        self.url = f"https://{settings.hostname}"
        self.secret_name = BOOTSTRAP_SECRET
        self.register_outputs({"url": self.url, "secret_name": self.secret_name})

    def _password(self, name: str) -> k8s.core.v1.Secret:
        # A hook of the chart recreates the Secret with the password it finds there, but without our labels.
        password = random_password(f"{name}-bootstrap-password", self._child)
        return k8s.core.v1.Secret(
            f"{name}-bootstrap",
            metadata=object_meta(
                BOOTSTRAP_SECRET,
                app=APP,
                region=self._context.region,
                namespace=self._context.namespaces[RANCHER_NAMESPACE],
            ),
            data={"bootstrapPassword": sealed(password.result)},
            opts=self._child,
        )

    def _network_policies(self, name: str) -> list[pulumi.Resource]:
        policy = partial(
            network.policy,
            app=APP,
            region=self._context.region,
            namespace=self._context.namespaces[RANCHER_NAMESPACE],
            opts=self._child,
        )
        return [
            policy(
                f"{name}-policy",
                name=APP,
                pods={"app": APP},
                # The ingress controller, the agents of all regions and the API server may have any address.
                ingress=[network.ingress([*HTTP_PORTS, EXTENSION_PORT])],
            ),
            policy(
                f"{name}-webhook-policy",
                name="webhook",
                pods={"app": "rancher-webhook"},
                # The API server calls the webhook from an address that differs between clusters.
                ingress=[network.ingress([WEBHOOK_PORT])],
            ),
            # All pods call the Kubernetes API. Rancher also calls its own name, its catalogues and the clouds.
            policy(f"{name}-egress", name="egress", egress=[network.api_server_egress()]),
        ]

    def _register(self, region: str, release: pulumi.Resource) -> None:
        k8s.apiextensions.CustomResource(
            f"{region}-rancher-cluster",
            api_version="provisioning.cattle.io/v1",
            kind="Cluster",
            metadata=object_meta(region, app=APP, region=region, namespace=self._context.namespaces[RANCHER_CLUSTERS]),
            # An empty spec describes an existing cluster that joins by itself.
            spec={},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[release]),
        )


def values(settings: RancherSettings) -> dict[str, Any]:
    """Values of chart `rancher`, without the bootstrap password: its Secret exists before the chart."""
    return {
        "hostname": settings.hostname,
        "replicas": REPLICAS,
        "ingress": {
            "tls": {"source": "rancher"},
            **({"ingressClassName": settings.ingress_class} if settings.ingress_class else {}),
        },
        # A wrong certificate is an error, also for agents of old clusters.
        "agentTLSMode": "strict",
        "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}},
    }
