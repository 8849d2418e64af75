"""A certificate of a public authority for TURN over TLS. Browsers trust no other."""

from collections.abc import Sequence
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.cdn import RegionEdge
from components.certificates import CONTROLLER
from components.circles import proxy
from components.circles.configuration import APP
from components.context import RegionContext
from components.mesh.origin import ACCOUNT, certificate_spec, issuer_spec
from components.metadata import selector
from components.namespaces import CERT_MANAGER, CIRCLES
from components.workload import AppMetadata, custom_object

CERTIFICATE: Final = "circles-turn-certificate"


class TurnCertificate(pulumi.ComponentResource):
    """An issuer with the regions' shared account, and a certificate for the `hosts` of all servers of the region.

    The authority asks each server, whose proxy answers. cert-manager asks first, and may do so inside the cluster.
    `ready` is the resource that installs cert-manager.

    Outputs: `secret_name` (the Secret exists once the authority has signed).
    """

    secret_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: RegionContext,
        edge: RegionEdge,
        *,
        hosts: Sequence[str],
        ready: pulumi.Resource,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:circles:TurnCertificate", name, None, opts)
        self._name = name
        self._app = AppMetadata(app=APP, region=context.region, namespace=context.namespaces[CIRCLES])
        account = k8s.core.v1.Secret(
            f"{name}-account",
            metadata=self._app.meta(ACCOUNT),
            string_data={"tls.key": edge.keys.account_key},
            opts=pulumi.ResourceOptions(parent=self),
        )
        network.policy(
            f"{name}-challenges",
            name="circles-challenges",
            app=APP,
            region=context.region,
            namespace=context.namespaces[CERT_MANAGER],
            pods=CONTROLLER,
            egress=[
                network.egress(
                    [proxy.CHALLENGE_PORT], network.peer(namespace=context.namespaces[CIRCLES], pods=selector(APP))
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        issuer = self._resource("Issuer", issuer_spec(), [ready, account])
        self._resource("Certificate", certificate_spec(hosts, CERTIFICATE), [ready, issuer])
        self.secret_name = pulumi.Output.from_input(CERTIFICATE)
        self.register_outputs({"secret_name": self.secret_name})

    def _resource(self, kind: str, spec: dict[str, Any], after: Sequence[pulumi.Resource]) -> pulumi.Resource:
        return custom_object(
            f"{self._name}-{kind.lower()}",
            self._app,
            api_version="cert-manager.io/v1",
            kind=kind,
            name=CERTIFICATE,
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
