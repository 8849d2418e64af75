"""A namespace that is closed until a component opens it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import PART_OF, object_meta
from components.network import DNS_CACHES, dns_egress
from components.pod_security import POD_SECURITY_VERSION


@dataclass(frozen=True, kw_only=True)
class RestrictedNamespaceArgs:
    """Settings of a restricted namespace."""

    namespace: str
    """The namespace's name in the cluster."""
    region: str
    labels: dict[str, str] = field(default_factory=dict)
    """Further labels of the namespace."""
    dns_caches: Sequence[str] = DNS_CACHES
    """Address blocks outside the pods' network where its pods may ask for names."""

    def __post_init__(self) -> None:
        if not self.namespace:
            raise ValueError("namespace: expected a name, got ''")


class RestrictedNamespace(pulumi.ComponentResource):
    """A namespace under the `restricted` Pod Security Standard that denies all traffic except DNS.

    Outputs: `namespace` (its name, known once the namespace and its default policy exist).
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: RestrictedNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:kubernetes:RestrictedNamespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        created = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata=object_meta(
                args.namespace,
                app=PART_OF,
                region=args.region,
                extra_labels={**_pod_security_labels(), **args.labels},
            ),
            opts=child,
        )
        closed = k8s.networking.v1.NetworkPolicy(
            f"{name}-default-deny",
            metadata=object_meta("default-deny", app=PART_OF, region=args.region, namespace=created.metadata.name),
            spec=k8s.networking.v1.NetworkPolicySpecArgs(
                pod_selector=k8s.meta.v1.LabelSelectorArgs(),
                policy_types=["Ingress", "Egress"],
                egress=dns_egress(args.dns_caches),
            ),
            opts=child,
        )
        self.namespace = closed.metadata.namespace
        self.register_outputs({"namespace": self.namespace})


def _pod_security_labels() -> dict[str, str]:
    modes = ("enforce", "audit", "warn")
    return {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in modes} | {
        f"pod-security.kubernetes.io/{mode}-version": POD_SECURITY_VERSION for mode in modes
    }
