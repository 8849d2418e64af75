"""Clusters on Google Cloud: closed, hardened, encrypted, logged."""

from datetime import datetime, timedelta

import pytest

from tests.support.clusters import CLUSTER_TYPES, cluster, only, public

pytestmark = pytest.mark.stack


def test_gke_nodes_are_private_and_shielded() -> None:
    assert cluster("gke")["privateClusterConfig"]["enablePrivateNodes"]
    assert cluster("gke")["enableShieldedNodes"]
    config = only(public("gke"), "gcp:container/nodePool:NodePool").inputs["nodeConfig"]
    assert config["shieldedInstanceConfig"] == {"enableSecureBoot": True, "enableIntegrityMonitoring": True}
    assert config["kubeletConfig"]["insecureKubeletReadonlyPortEnabled"] == "FALSE"


def test_gke_pods_cannot_take_the_identity_of_their_node() -> None:
    config = only(public("gke"), "gcp:container/nodePool:NodePool").inputs["nodeConfig"]
    assert config["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
    assert config["serviceAccount"] == "gke-nodes-x7k2p9@council.iam.gserviceaccount.com"
    roles = [r.inputs["role"] for r in public("gke").of_type("gcp:projects/iAMMember:IAMMember")]
    assert roles == ["roles/container.defaultNodeServiceAccount"]


def test_gke_encrypts_secrets_with_a_key_that_rotates_and_that_only_its_agent_may_use() -> None:
    rendered = public("gke")
    key = only(rendered, "gcp:kms/cryptoKey:CryptoKey")
    assert key.inputs["rotationPeriod"] == "7776000s"
    encryption = cluster("gke")["databaseEncryption"]
    assert encryption == {"state": "ENCRYPTED", "keyName": f"{key.name}-id"}
    grant = only(rendered, "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember")
    assert grant.inputs["member"].startswith("serviceAccount:service-123456789012@container-engine-robot.")
    assert grant.urn in only(rendered, CLUSTER_TYPES["gke"]).dependencies


def test_gke_logs_its_control_plane() -> None:
    logged = set(cluster("gke")["loggingConfig"]["enableComponents"])
    assert {"APISERVER", "CONTROLLER_MANAGER", "SCHEDULER", "SYSTEM_COMPONENTS"} <= logged


def test_gke_enforces_network_policies_and_follows_a_release_channel() -> None:
    assert cluster("gke")["datapathProvider"] == "ADVANCED_DATAPATH"
    assert cluster("gke")["releaseChannel"] == {"channel": "REGULAR"}


def test_gke_spreads_the_pool_over_the_zones_of_the_region() -> None:
    pool = only(public("gke"), "gcp:container/nodePool:NodePool")
    assert pool.inputs["location"] == "europe-west1"
    assert pool.inputs["autoscaling"] == {
        "totalMinNodeCount": 4,
        "totalMaxNodeCount": 9,
        "locationPolicy": "BALANCED",
    }
    assert pool.inputs["management"] == {"autoRepair": True, "autoUpgrade": True}


def test_gke_pods_and_services_have_the_ranges_of_the_plan() -> None:
    nodes = public("gke").named("here-network-nodes").inputs
    ranges = {one["rangeName"]: one["ipCidrRange"] for one in nodes["secondaryIpRanges"]}
    assert (nodes["ipCidrRange"], ranges) == ("10.7.0.0/17", {"pods": "100.65.192.0/18", "services": "10.7.128.0/18"})


def test_gke_goes_out_with_its_reserved_address_alone() -> None:
    nat = only(public("gke"), "gcp:compute/routerNat:RouterNat").inputs
    assert nat["natIpAllocateOption"] == "MANUAL_ONLY"
    (address,) = nat["natIps"]
    assert address.endswith("/regions/europe-west1/addresses/here-network-egress-0a1b2c3")


def test_gke_lets_the_api_server_call_webhooks_and_aggregated_apis() -> None:
    """The ports are those of pods: a call to a Service reaches the pod's port. GKE itself opens 443 and 10250."""
    rule = only(public("gke"), "gcp:compute/firewall:Firewall").inputs
    assert rule["sourceRanges"] == ["10.7.240.0/28"]
    istio, rancher_api, rancher_webhook, keda_metrics, ingress_nginx = "15017", "6666", "9443", "6443", "8443"
    assert set(rule["allows"][0]["ports"]) == {istio, rancher_api, rancher_webhook, keda_metrics, ingress_nginx}


def test_google_upgrades_on_the_regions_own_day_and_within_it() -> None:
    # https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions
    window = cluster("gke")["maintenancePolicy"]["recurringWindow"]
    start, end = (datetime.fromisoformat(window[key]) for key in ("startTime", "endTime"))
    assert window["recurrence"] == "FREQ=WEEKLY;BYDAY=TU"
    assert f"{start:%A}" == f"{end:%A}" == "Tuesday"
    assert start.utcoffset() == timedelta(0)
    assert timedelta(hours=12) <= end - start < timedelta(days=1)


def test_gke_uses_its_key_once_google_honours_the_grant() -> None:
    rendered = public("gke")
    grant = only(rendered, "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember")
    clock = only(rendered, "gcp:compute/healthCheck:HealthCheck")
    # The clock starts after the grant, and the cluster waits for the clock.
    assert grant.urn in clock.dependencies
    assert clock.urn in only(rendered, CLUSTER_TYPES["gke"]).dependencies
