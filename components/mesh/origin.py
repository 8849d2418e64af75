"""A gateway as the origin of a CDN: a public certificate, and access for the CDN alone."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components.cdn import RegionEdge
from components.cdn.keys import ACME_DIRECTORY, ISSUER, PRINCIPAL
from components.cdn.names import HEALTH_PATH, TOKEN_HEADER
from components.context import RegionContext
from components.namespaces import INGRESS
from components.public_gateway import HTTP_TARGET_PORT, HTTPS_TARGET_PORT, INGRESS_APP, INGRESS_PODS
from components.workload import AppMetadata, custom_object

CERTIFICATE: Final = "origin-certificate"
ACCOUNT: Final = "acme-account"
NOBODYS_CLASS: Final = "answered-by-the-gateway"
"""Class of the Ingresses that cert-manager creates for challenges. No controller has it: the gateway answers itself."""


class OriginCertificate(pulumi.ComponentResource):
    """An issuer, its account, and a certificate that cert-manager renews.

    A public authority signs the certificate, because CDNs trust no other.
    All regions share one account with the authority.
    `ready` is the resource that installs cert-manager.

    Outputs: `secret_name` (type kubernetes.io/tls; the Secret exists once the authority has asked the gateway),
    `hosts` (the names in the certificate).
    """

    secret_name: pulumi.Output[str]
    hosts: Sequence[str]

    def __init__(
        self,
        name: str,
        context: RegionContext,
        edge: RegionEdge,
        *,
        ready: pulumi.Resource,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:mesh:OriginCertificate", name, None, context.child(opts))
        self._name = name
        self._app = _gateway(context)
        account = k8s.core.v1.Secret(
            f"{name}-account",
            metadata=self._app.meta(ACCOUNT),
            string_data={"tls.key": edge.keys.account_key},
            opts=pulumi.ResourceOptions(parent=self),
        )
        issuer = self._resource("Issuer", issuer_spec(), [ready, account])
        self._resource("Certificate", certificate_spec(edge.hosts), [ready, issuer])
        self.secret_name = pulumi.Output.from_input(CERTIFICATE)
        self.hosts = edge.hosts
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


class OriginAuthentication(pulumi.ComponentResource):
    """Accept HTTPS only with the edge's token, which is not forwarded, and HTTP only for challenges.

    Without a token, the gateway answers HTTPS only on the path of the edge's probes.
    The gateway holds only public keys, so a reader of its configuration cannot make a token.
    `gateway` is the public Gateway (namespace/name).
    `ready` are the resources of the control plane to wait for.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        edge: RegionEdge,
        *,
        gateway: pulumi.Output[str],
        ready: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:mesh:OriginAuthentication", name, None, context.child(opts))
        self._name = name
        self._app = _gateway(context)
        self._after = pulumi.ResourceOptions(parent=self, depends_on=list(ready))
        keys, domain = edge.keys, context.domain
        security, networking = "security.istio.io/v1", "networking.istio.io/v1"
        tokens = keys.key_set.apply(lambda known: token_rules(INGRESS_PODS, audience=domain, key_set=known))
        self._resource(security, "RequestAuthentication", "token", tokens)
        self._resource(security, "AuthorizationPolicy", "edge-only", edge_only(INGRESS_PODS))
        probes = gateway.apply(lambda known: readiness(hosts=[domain, *edge.hosts], gateway=known))
        self._resource(networking, "VirtualService", "readiness", probes)
        answers = keys.account_thumbprint.apply(lambda thumbprint: challenge_filter(INGRESS_PODS, thumbprint))
        self._resource("networking.istio.io/v1alpha3", "EnvoyFilter", "challenges", answers)
        self.register_outputs({})

    def _resource(self, api_version: str, kind: str, name: str, spec: pulumi.Input[dict[str, Any]]) -> None:
        custom_object(
            f"{self._name}-{name}",
            self._app,
            api_version=api_version,
            kind=kind,
            name=name,
            spec=spec,
            opts=self._after,
        )


def _gateway(context: RegionContext) -> AppMetadata:
    return AppMetadata(app=INGRESS_APP, region=context.region, namespace=context.namespaces[INGRESS])


def issuer_spec() -> dict[str, Any]:
    """Spec of an Issuer that proves by HTTP that we own a host."""
    return {
        "acme": {
            "server": ACME_DIRECTORY,
            "privateKeySecretRef": {"name": ACCOUNT},
            # One shared account: regions with separate accounts could not answer each other's challenges.
            "disableAccountKeyGeneration": True,
            "solvers": [{"http01": {"ingress": {"ingressClassName": NOBODYS_CLASS, "serviceType": "ClusterIP"}}}],
        }
    }


def certificate_spec(hosts: Sequence[str], name: str = CERTIFICATE) -> dict[str, Any]:
    """Spec of a Certificate for `hosts`, with a new key at each renewal. `name` is that of its Secret and Issuer."""
    return {
        "secretName": name,
        "dnsNames": list(hosts),
        "issuerRef": {"group": "cert-manager.io", "kind": "Issuer", "name": name},
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "usages": ["digital signature", "server auth"],
        "revisionHistoryLimit": 1,
    }


def token_rules(gateway: Mapping[str, str], *, audience: str, key_set: str) -> dict[str, Any]:
    """Spec of a RequestAuthentication: the edge's header must hold a valid token. The gateway removes the header."""
    rule = {
        "issuer": ISSUER,
        "audiences": [audience],
        "jwks": key_set,
        "fromHeaders": [{"name": TOKEN_HEADER}],
        "forwardOriginalToken": False,
    }
    return {"selector": {"matchLabels": dict(gateway)}, "jwtRules": [rule]}


def edge_only(gateway: Mapping[str, str]) -> dict[str, Any]:
    """Spec of an AuthorizationPolicy: admit the edge, its probes, and HTTP (only challenges and redirects)."""
    return {
        "selector": {"matchLabels": dict(gateway)},
        "action": "ALLOW",
        "rules": [
            {"from": [{"source": {"requestPrincipals": [PRINCIPAL]}}]},
            {"to": [{"operation": {"ports": [str(HTTP_TARGET_PORT)]}}]},
            {
                "to": [
                    {
                        "operation": {
                            "ports": [str(HTTPS_TARGET_PORT)],
                            "methods": ["GET", "HEAD"],
                            "paths": [HEALTH_PATH],
                        }
                    }
                ]
            },
        ],
    }


def readiness(*, hosts: Sequence[str], gateway: str) -> dict[str, Any]:
    """Spec of a VirtualService: the gateway itself answers the edge's probes of `hosts`."""
    answer = {"status": 200, "body": {"string": "ready"}}
    route = {"name": "readiness", "match": [{"uri": {"exact": HEALTH_PATH}}], "directResponse": answer}
    return {"hosts": list(hosts), "gateways": [gateway], "http": [route]}


def challenge_filter(gateway: Mapping[str, str], thumbprint: str) -> dict[str, Any]:
    """Spec of an EnvoyFilter: over HTTP, the gateway answers the authority's challenges with the account's thumbprint.

    The answer depends only on the question, so every region can answer for a shared host.
    """
    manager = "envoy.filters.network.http_connection_manager"
    lua = {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {"inline_string": challenge_script(thumbprint)},
    }
    return {
        "workloadSelector": {"labels": dict(gateway)},
        "configPatches": [
            {
                "applyTo": "HTTP_FILTER",
                "match": {
                    "context": "GATEWAY",
                    "listener": {
                        "portNumber": HTTP_TARGET_PORT,
                        "filterChain": {"filter": {"name": manager}},
                    },
                },
                "patch": {
                    "operation": "INSERT_FIRST",
                    "value": {"name": "sacred-council.challenges", "typed_config": lua},
                },
            }
        ],
    }


def challenge_script(thumbprint: str) -> str:
    """Return Lua that answers `/.well-known/acme-challenge/<token>` (RFC 8555, section 8.3; tokens are base64url)."""
    return f"""\
function envoy_on_request(handle)
  local path = handle:headers():get(":path") or ""
  local token = string.match(path, "^/%.well%-known/acme%-challenge/([%w_%-]+)$")
  if token then
    local headers = {{[":status"] = "200", ["content-type"] = "text/plain"}}
    handle:respond(headers, token .. ".{thumbprint}")
  end
end
"""
