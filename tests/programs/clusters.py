"""One cluster of each platform, for tests. Configuration of `cluster`: platform, networks (JSON) and protected."""

import importlib

import pulumi
import pulumi_random as random

from components.cluster import Cluster


def show(cluster: Cluster) -> None:
    """Give everything the cluster offers to a resource, whose inputs tests can see."""
    identity = cluster.workload_identity(namespace="cockroachdb", service_account="backup")
    offered = {
        "foundAs": dict(cluster.found_as),
        "egressAddresses": list(cluster.egress_addresses),
        "storageClass": cluster.storage_class,
        "meshPlatform": cluster.mesh_platform,
        "dnsServer": cluster.dns_server,
        "apiEndpoint": cluster.api_endpoint,
        "apiCertificateAuthority": cluster.api_certificate_authority,
        "kubeconfig": cluster.kubeconfig,
        "public": dict(cluster.load_balancer_annotations.public),
        "internal": dict(cluster.load_balancer_annotations.internal),
        "identity": None
        if identity is None
        else {
            "principal": identity.principal,
            "annotations": dict(identity.annotations),
            "podLabels": dict(identity.pod_labels),
            "tokenEndpoints": [list(endpoint) for endpoint in identity.token_endpoints],
        },
    }
    pulumi.CustomResource("test:index:Offered", "offered", offered)


config = pulumi.Config("cluster")
platform = config.require("platform")
generator = random.Provider("here-random")
# Each platform's program imports its own SDK only.
build = importlib.import_module(f"tests.programs.cluster_{platform}").build
show(
    build(
        networks=config.require_object("networks"),
        protected=config.require_bool("protected"),
        opts=pulumi.ResourceOptions(providers=[generator]),
    )
)
