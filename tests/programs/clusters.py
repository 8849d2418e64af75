"""One cluster of each platform, for tests. Configuration of `cluster`: platform, networks (JSON) and protected."""

import importlib

import pulumi
import pulumi_random as random

from components.cluster import Cluster


def show(cluster: Cluster) -> None:
    """Make the cluster's outputs the inputs of a resource, which tests can read."""
    identity = cluster.workload_identity(namespace="cockroachdb", service_account="backup")
    outputs = cluster.outputs
    offered = {
        "foundAs": dict(outputs.found_as),
        "egressAddresses": list(outputs.egress_addresses),
        "storageClass": outputs.storage_class,
        "meshPlatform": outputs.mesh_platform,
        "dnsServer": outputs.dns_server,
        "zoneLabels": outputs.zone_labels,
        "gpus": outputs.gpus,
        "apiEndpoint": outputs.api_endpoint,
        "apiCertificateAuthority": outputs.api_certificate_authority,
        "public": dict(outputs.load_balancer_annotations),
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
# Importing only the platform's own program avoids importing the other clouds' SDKs.
build = importlib.import_module(f"tests.programs.cluster_{platform}").build
show(
    build(
        networks=config.require_object("networks"),
        protected=config.require_bool("protected"),
        opts=pulumi.ResourceOptions(providers=[generator]),
    )
)
