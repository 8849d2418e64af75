"""The region's public gateway as its callers in the same cluster meet it: its pods and their ports."""

from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components import network

INGRESS_APP: Final = "istio-ingressgateway"
"""The public gateway: its release, its Service and its account in the mesh."""
INGRESS_PODS: Final = {"istio": "ingressgateway"}
"""Labels of the public gateway's pods."""

# Unprivileged ports, so that the gateway needs neither a capability nor a sysctl.
HTTP_TARGET_PORT: Final = 8080
HTTPS_TARGET_PORT: Final = 8443

BEHIND: Final = {80: HTTP_TARGET_PORT, 443: HTTPS_TARGET_PORT}
"""Port of the gateway's pods by port of its load balancer."""


def own_gateway_egress(gateway: pulumi.Input[str], *ports: int) -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
    """Let the pods reach the public gateway in the namespace `gateway` by the `ports` of its load balancer.

    Cilium (also on GKE and AKS) and Calico send a request for the cluster's own load balancer straight to a pod.
    So the rule names the pods and their ports, and stands beside a rule for the load balancer's.
    """
    return network.egress([BEHIND[port] for port in ports], network.peer(namespace=gateway, pods=INGRESS_PODS))
