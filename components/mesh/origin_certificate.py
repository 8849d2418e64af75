"""The certificate that a CDN sees when it asks a region: from a public authority, because CDNs trust no other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import object_meta

APP: Final = "istio-ingressgateway"
NAME: Final = "origin-certificate"
ACCOUNT: Final = "acme-account"
NOBODYS_CLASS: Final = "answered-by-the-gateway"
"""cert-manager must make an Ingress for its challenges. No controller has this class: the gateway answers by itself."""


@dataclass(frozen=True, kw_only=True)
class OriginCertificateArgs:
    """`hosts` are the names in the certificate, `directory` is the authority's (URL).

    `account_key` (PEM) is the account's with the authority, the same in all regions. `ready` brings cert-manager.
    """

    region: str
    namespace: pulumi.Input[str]
    hosts: Sequence[str]
    directory: str
    account_key: pulumi.Input[str]
    ready: pulumi.Resource

    def __post_init__(self) -> None:
        if not self.hosts:
            raise ValueError("hosts: expected at least one host name, got none")


class OriginCertificate(pulumi.ComponentResource):
    """An issuer, the account that it uses, and a certificate that cert-manager renews.

    Outputs: `secret_name` (of type kubernetes.io/tls; it exists once the authority has asked the gateway).
    """

    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: OriginCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:mesh:OriginCertificate", name, None, opts)
        self._name = name
        self._args = args
        account = k8s.core.v1.Secret(
            f"{name}-account",
            metadata=object_meta(ACCOUNT, app=APP, region=args.region, namespace=args.namespace),
            string_data={"tls.key": args.account_key},
            opts=pulumi.ResourceOptions(parent=self),
        )
        issuer = self._resource("Issuer", "issuer", issuer_spec(args.directory), account)
        self._resource("Certificate", "certificate", certificate_spec(args.hosts), issuer)
        self.secret_name = pulumi.Output.from_input(NAME)
        self.register_outputs({"secret_name": self.secret_name})

    def _resource(
        self, kind: str, name: str, spec: dict[str, Any], after: pulumi.Resource
    ) -> k8s.apiextensions.CustomResource:
        args = self._args
        return k8s.apiextensions.CustomResource(
            f"{self._name}-{name}",
            api_version="cert-manager.io/v1",
            kind=kind,
            metadata=object_meta(NAME, app=APP, region=args.region, namespace=args.namespace),
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.ready, after]),
        )


def issuer_spec(directory: str) -> dict[str, Any]:
    """Spec of an Issuer that proves by HTTP that a host is ours."""
    return {
        "acme": {
            "server": directory,
            "privateKeySecretRef": {"name": ACCOUNT},
            # The account is given: regions with accounts of their own could not answer for each other.
            "disableAccountKeyGeneration": True,
            "solvers": [{"http01": {"ingress": {"ingressClassName": NOBODYS_CLASS, "serviceType": "ClusterIP"}}}],
        }
    }


def certificate_spec(hosts: Sequence[str]) -> dict[str, Any]:
    """Spec of a Certificate for `hosts`, with a new key at each renewal."""
    return {
        "secretName": NAME,
        "dnsNames": list(hosts),
        "issuerRef": {"group": "cert-manager.io", "kind": "Issuer", "name": NAME},
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "usages": ["digital signature", "server auth"],
        "revisionHistoryLimit": 1,
    }
