"""What users reach of Google's load balancer: one anycast address, HTTPS, and HTTP that only sends there."""

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_gcp import compute

from components.cdn import names

_SCHEME: Final = "EXTERNAL_MANAGED"


@dataclass(frozen=True, kw_only=True)
class GcpFrontArgs:
    """`routes` is the URL map's id, `certificate_map` as target proxies name it."""

    routes: pulumi.Input[str]
    certificate_map: pulumi.Input[str]


class GcpFront(pulumi.ComponentResource):
    """An address with HTTPS (TLS 1.2 or newer, post-quantum key exchange where the browser has it) and a redirect.

    Outputs: `address`.
    """

    address: pulumi.Output[str]

    def __init__(self, name: str, args: GcpFrontArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:GcpFront", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.address = compute.GlobalAddress(f"{name}-address", labels=names.LABELS, opts=self._child).address
        ciphers = compute.SSLPolicy(
            f"{name}-ciphers",
            profile="RESTRICTED",
            min_tls_version="TLS_1_2",
            post_quantum_key_exchange="ENABLED",
            opts=self._child,
        )
        secure = compute.TargetHttpsProxy(
            f"{name}-https",
            url_map=args.routes,
            certificate_map=args.certificate_map,
            ssl_policy=ciphers.id,
            quic_override="ENABLE",
            opts=self._child,
        )
        redirect = compute.URLMap(
            f"{name}-redirect",
            default_url_redirect={
                "https_redirect": True,
                "redirect_response_code": "MOVED_PERMANENTLY_DEFAULT",
                "strip_query": False,
            },
            opts=self._child,
        )
        plain = compute.TargetHttpProxy(f"{name}-http", url_map=redirect.id, opts=self._child)
        self._rule(f"{name}-https-rule", "443", secure.id)
        self._rule(f"{name}-http-rule", "80", plain.id)
        self.register_outputs({"address": self.address})

    def _rule(self, name: str, port: str, target: pulumi.Input[str]) -> None:
        compute.GlobalForwardingRule(
            name,
            ip_address=self.address,
            port_range=port,
            target=target,
            load_balancing_scheme=_SCHEME,
            opts=self._child,
        )
