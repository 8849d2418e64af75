"""CockroachDB: nodes, bootstrap, network policies and connection."""

import pytest

from components.database.credentials import DatabaseCredentials, connection_url
from tests.support.data_services import (
    allowed,
    container,
    data_services,
    object_named,
    secret_texts,
    unchanging,
    waits_for,
)

pytestmark = pytest.mark.unit

NAMESPACE = "cockroachdb"
PASSWORD = "password-of-credentials-password"


def test_the_connection_is_verified_in_full() -> None:
    found = connection_url(
        username="member", password="secret", host="db.svc", port=26257, database="council", authority_file="/ca.crt"
    )
    assert found == "postgresql://member:secret@db.svc:26257/council?sslmode=verify-full&sslrootcert=/ca.crt"


@pytest.mark.parametrize("name", ["", "Council", "sacred-council", "1st", 'x"; DROP DATABASE y', "a" * 64])
def test_names_that_would_need_quotes_in_sql_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"database: expected lower-case letters"):
        DatabaseCredentials("credentials", database=name)


def test_growing_changes_only_the_number_of_nodes() -> None:
    one = object_named(data_services(1), "StatefulSet", "cockroachdb", NAMESPACE)
    three = object_named(data_services(3), "StatefulSet", "cockroachdb", NAMESPACE)
    assert (one["spec"].pop("replicas"), three["spec"].pop("replicas")) == (1, 3)
    assert one == three
    assert unchanging(one)["podManagementPolicy"] == "Parallel"


def test_the_bootstrap_job_is_the_same_whatever_the_number_of_nodes() -> None:
    jobs = [object_named(data_services(nodes), "Job", "cockroachdb-bootstrap", NAMESPACE) for nodes in (1, 3)]
    assert jobs[0] == jobs[1]


def test_nodes_and_bootstrap_do_not_wait_for_each_other() -> None:
    found = data_services(1)
    nodes, job = found.named("here-database-statefulset"), found.named("here-database-jobs-bootstrap-job")
    assert job.name not in waits_for(found, nodes)
    assert nodes.name not in waits_for(found, job)


def test_the_connection_is_known_once_the_bootstrap_is_done() -> None:
    found = data_services(1)
    waited = waits_for(found, found.named("here-database-connection"))
    assert {"here-database-jobs-bootstrap-job", "here-database-statefulset"} <= waited


def test_clients_get_all_they_need_in_one_secret() -> None:
    secret = secret_texts(object_named(data_services(1), "Secret", "database-connection", "sacred-council"))
    host = "cockroachdb-public.cockroachdb.svc"
    assert secret == {
        "url": f"postgresql://sacred_council:{PASSWORD}@{host}:26257/sacred_council"
        "?sslmode=verify-full&sslrootcert=/etc/sacred-council/database/ca.crt",
        "host": host,
        "port": "26257",
        "database": "sacred_council",
        "username": "sacred_council",
        "password": PASSWORD,
        "ca.crt": "certificate of root-certificate\n",
    }


def test_the_host_that_clients_use_is_in_the_certificate() -> None:
    request = data_services(1).named("here-database-node-certificate-request").inputs
    assert "cockroachdb-public.cockroachdb.svc" in request["dnsNames"]
    assert "*.cockroachdb.cockroachdb" in request["dnsNames"]
    assert (request["subject"]["commonName"], request["ipAddresses"]) == ("node", ["127.0.0.1"])


def test_certificates_have_the_names_and_the_mode_that_cockroachdb_wants() -> None:
    nodes = object_named(data_services(1), "StatefulSet", "cockroachdb", NAMESPACE)["spec"]["template"]
    job = object_named(data_services(1), "Job", "cockroachdb-bootstrap", NAMESPACE)["spec"]["template"]
    for pod, holder in ((nodes, "node"), (job, "client.root")):
        source = next(v for v in pod["spec"]["volumes"] if v["name"] == "certificates")["secret"]
        assert {item["path"] for item in source["items"]} == {"ca.crt", f"{holder}.crt", f"{holder}.key"}
        assert source["defaultMode"] == 0o440
        context = pod["spec"]["securityContext"]
        assert context["runAsGroup"] == context["fsGroup"]


def test_probes_tell_a_live_node_from_a_ready_one() -> None:
    pod = object_named(data_services(1), "StatefulSet", "cockroachdb", NAMESPACE)["spec"]["template"]
    node = container(pod, "cockroachdb")
    assert node["livenessProbe"]["httpGet"] == {"path": "/health", "port": "https", "scheme": "HTTPS"}
    assert node["readinessProbe"]["httpGet"] == {"path": "/health?ready=1", "port": "https", "scheme": "HTTPS"}
    assert pod["spec"]["terminationGracePeriodSeconds"] == 300


def test_nodes_find_each_other_before_they_are_ready() -> None:
    service = object_named(data_services(3), "Service", "cockroachdb", NAMESPACE)
    assert (service["spec"]["clusterIP"], service["spec"]["publishNotReadyAddresses"]) == ("None", True)


def test_network_policies_open_only_what_is_needed() -> None:
    found = data_services(3)
    assert allowed(found, "cockroachdb", NAMESPACE, "ingress") == {
        ("cockroachdb", 26257),
        ("cockroachdb-bootstrap", 26257),
        ("cockroachdb-regions", 26257),
        ("sacred-council", 26257),
        ("monitoring", 8080),
    }
    assert allowed(found, "cockroachdb", NAMESPACE, "egress") == {("cockroachdb", 26257)}
    assert allowed(found, "cockroachdb-bootstrap", NAMESPACE, "egress") == {("cockroachdb", 26257)}


def test_prometheus_scrapes_each_node_once_and_verifies_it() -> None:
    found = data_services(1)
    endpoint = object_named(found, "ServiceMonitor", "cockroachdb", NAMESPACE)["spec"]["endpoints"][0]
    assert endpoint["tlsConfig"]["ca"]["secret"] == {"name": "cockroachdb-node", "key": "ca.crt"}
    assert "insecureSkipVerify" not in endpoint["tlsConfig"]
    assert "crds" in waits_for(found, found.named("here-database-monitor"))
    scraped = [
        r.inputs["metadata"]["name"]
        for r in found.objects("Service")
        if r.inputs["metadata"]["namespace"] == NAMESPACE
        and "sacred-council.love/metrics" in r.inputs["metadata"]["labels"]
    ]
    assert scraped == ["cockroachdb"]


def test_without_monitoring_nothing_of_it_is_needed() -> None:
    assert data_services(1, bare=True).objects("ServiceMonitor") == []


def test_the_password_is_only_in_secrets() -> None:
    found = data_services(1)
    holders = {r.inputs["kind"] for r in found.objects() if PASSWORD in str(r.inputs)}
    assert holders == {"Secret"}


def test_the_password_needs_no_escaping_in_a_url() -> None:
    assert data_services(1).named("credentials-password").inputs["special"] is False
