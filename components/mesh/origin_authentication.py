"""A gateway that serves the edge and nobody else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components.mesh import config, routes
from components.metadata import object_meta

APP: Final = "istio-ingressgateway"


@dataclass(frozen=True, kw_only=True)
class OriginAuthenticationArgs:
    """`gateway` are the labels of the gateway's pods in `namespace`, `served_by` is its Gateway (namespace/name).

    The edge's probes ask `hosts` for `health_path`, and have no token.
    The token comes in `header` for `audience` from `issuer`, and is signed with a key of `key_set` (JSON); its bearer
    is `principal` in Istio's terms. `account_thumbprint` is what a public authority's challenges are answered with.
    """

    region: str
    namespace: pulumi.Input[str]
    gateway: Mapping[str, str]
    served_by: pulumi.Input[str]
    hosts: Sequence[str]
    health_path: str
    header: str
    issuer: str
    audience: str
    principal: str
    key_set: pulumi.Input[str]
    account_thumbprint: pulumi.Input[str]
    ready: list[pulumi.Resource]


class OriginAuthentication(pulumi.ComponentResource):
    """HTTPS only with the edge's token, which is taken off before a request goes on; HTTP only for challenges.

    Without a token, HTTPS only says that the gateway has its certificate and is ready.
    The gateway holds public keys: who reads its configuration cannot make a token.
    """

    def __init__(self, name: str, args: OriginAuthenticationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:mesh:OriginAuthentication", name, None, opts)
        self._name = name
        self._args = args
        tokens = pulumi.Output.from_input(args.key_set).apply(
            lambda keys: token_rules(
                gateway=args.gateway, header=args.header, issuer=args.issuer, audience=args.audience, key_set=keys
            )
        )
        answers = pulumi.Output.from_input(args.account_thumbprint).apply(
            lambda thumbprint: challenge_filter(args.gateway, thumbprint)
        )
        self._resource("security.istio.io/v1", "RequestAuthentication", "token", tokens)
        self._resource(
            "security.istio.io/v1",
            "AuthorizationPolicy",
            "edge-only",
            edge_only(args.gateway, args.principal, args.health_path),
        )
        self._resource("networking.istio.io/v1", "VirtualService", "readiness", self._readiness())
        self._resource("networking.istio.io/v1alpha3", "EnvoyFilter", "challenges", answers)
        self.register_outputs({})

    def _readiness(self) -> pulumi.Output[dict[str, Any]]:
        args = self._args
        return pulumi.Output.from_input(args.served_by).apply(
            lambda gateway: routes.readiness(hosts=args.hosts, gateway=gateway, path=args.health_path)
        )

    def _resource(self, api_version: str, kind: str, name: str, spec: pulumi.Input[dict[str, Any]]) -> None:
        args = self._args
        k8s.apiextensions.CustomResource(
            f"{self._name}-{name}",
            api_version=api_version,
            kind=kind,
            metadata=object_meta(name, app=APP, region=args.region, namespace=args.namespace),
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.ready)),
        )


def token_rules(*, gateway: Mapping[str, str], header: str, issuer: str, audience: str, key_set: str) -> dict[str, Any]:
    """Spec of a RequestAuthentication: what is in `header` must be a token of the edge's. It goes no further."""
    rule = {
        "issuer": issuer,
        "audiences": [audience],
        "jwks": key_set,
        "fromHeaders": [{"name": header}],
        "forwardOriginalToken": False,
    }
    return {"selector": {"matchLabels": dict(gateway)}, "jwtRules": [rule]}


def edge_only(gateway: Mapping[str, str], principal: str, health_path: str) -> dict[str, Any]:
    """Spec of an AuthorizationPolicy: the edge, its probes, and HTTP, which only has challenges and redirects."""
    return {
        "selector": {"matchLabels": dict(gateway)},
        "action": "ALLOW",
        "rules": [
            {"from": [{"source": {"requestPrincipals": [principal]}}]},
            {"to": [{"operation": {"ports": [str(config.HTTP_TARGET_PORT)]}}]},
            {
                "to": [
                    {
                        "operation": {
                            "ports": [str(config.HTTPS_TARGET_PORT)],
                            "methods": ["GET", "HEAD"],
                            "paths": [health_path],
                        }
                    }
                ]
            },
        ],
    }


def challenge_filter(gateway: Mapping[str, str], thumbprint: str) -> dict[str, Any]:
    """Spec of an EnvoyFilter: over HTTP, an authority's challenge is answered by who knows the account's thumbprint.

    The answer follows from the question, so every region has it: no matter which one a shared host leads to.
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
                        "portNumber": config.HTTP_TARGET_PORT,
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
    """Lua that answers `/.well-known/acme-challenge/<token>` (RFC 8555, section 8.3). Tokens are base64url only."""
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
