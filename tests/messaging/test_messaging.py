"""NATS: servers, routes, gateways, accounts, network policies and connection."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.messaging import configuration
from components.messaging.settings import MessagingSettings
from stacks import topology
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

NAMESPACE = "nats"
PASSWORD = "password-of-here-messaging-application-password"
names = st.from_regex(r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?", fullmatch=True)
clusters = st.sampled_from([3, 5])
others = st.lists(st.from_regex(r"[a-z]{2,8}-[a-z]{4,9}[1-9]", fullmatch=True), unique=True, max_size=9)


def region(servers: int, seeds: list[str] | None = None, **more: Any) -> configuration.RegionServers:
    gateway = None
    if seeds is not None:
        named = [configuration.GatewayPeer(name=name, address=f"{name}.example.org:7222") for name in seeds]
        gateway = configuration.Gateway(advertise="here.example.org:7222", seeds=named)
    settings = MessagingSettings(servers=servers, storage="2Gi", memory="256Mi")
    return configuration.RegionServers(region="here", settings=settings, gateway=gateway, **more)


@given(clusters, others)
def test_a_new_cluster_waits_for_no_more_servers_than_it_has(servers: int, seeds: list[str]) -> None:
    found = region(servers, seeds[: servers - 1])
    assert len(configuration.routes(found)) + len(seeds[: servers - 1]) == servers
    assert configuration.routes(found)[0] == "tls://nats-0.nats-headless:6222"


@given(clusters, others)
def test_more_seeds_than_a_new_cluster_could_wait_for_are_refused(servers: int, seeds: list[str]) -> None:
    if len(seeds) >= servers:
        with pytest.raises(ValueError, match=f"gateway.seeds: {len(seeds)} regions are too many for {servers} servers"):
            region(servers, seeds)


@given(others)
def test_regions_share_no_system_account(regions: list[str]) -> None:
    assert len({configuration.system_account(region) for region in regions}) == len(regions)


def test_one_region_has_no_gateway_and_one_server_no_cluster() -> None:
    alone = configuration.render(region(1))
    assert "\ngateway {" not in alone
    assert "\ncluster {" not in alone
    several = configuration.render(region(3, ["europe-west1"]))
    assert "\ncluster {" in several
    assert '{name: "europe-west1", urls: ["tls://europe-west1.example.org:7222"]}' in several
    assert 'advertise: "here.example.org:7222"' in several


def test_a_region_without_mirrors_names_no_account_of_another() -> None:
    assert configuration.render(region(3)).count("SYS_") == 2
    assert "imports" not in configuration.render(region(3))


def test_a_mirror_may_make_its_consumer_at_the_streams_home_and_nothing_else() -> None:
    mirrored = [configuration.Mirrored(stream=stream, home="europe-west1") for stream in ("orders", "visions")]
    text = configuration.render(region(3, ["europe-west1"], mirrored=mirrored))
    account = next(line for line in text.splitlines() if line.strip().startswith('"SYS_europe-west1"'))
    assert account.count("service:") == 2
    assert '{service: "$JS.API.CONSUMER.CREATE.orders", accounts: ["APP"]}' in account
    assert (
        '{service: {account: "SYS_europe-west1", subject: "$JS.API.CONSUMER.CREATE.visions"}, '
        'to: "$JS.europe-west1.API.CONSUMER.CREATE.visions", share: true}'
    ) in text


def test_the_disk_is_never_promised_in_full() -> None:
    assert f"max_file_store: {2**31 * 9 // 10}" in configuration.render(region(1))


def test_growing_replaces_nothing() -> None:
    sets = [object_named(data_services(nodes), "StatefulSet", "nats", NAMESPACE) for nodes in (1, 3)]
    assert unchanging(sets[0]) == unchanging(sets[1])
    kept = {r.urn for r in data_services(1).resources if "messaging" in r.name}
    assert kept == {r.urn for r in data_services(3).resources if "messaging" in r.name}


def test_server_names_are_unique_over_all_regions() -> None:
    pod = object_named(data_services(1), "StatefulSet", "nats", NAMESPACE)["spec"]["template"]
    values = {e["name"]: e.get("value") for e in container(pod, "nats")["env"]}
    assert values["SERVER_NAME"] == "here-$(POD_NAME)"
    assert values["SYSTEM_ACCOUNT"] == configuration.system_account("here")


def test_only_hashes_of_passwords_reach_the_servers() -> None:
    found = data_services(1)
    users = secret_texts(object_named(found, "Secret", "nats-users", NAMESPACE))["users.conf"]
    assert 'APPLICATION_PASSWORD: "hash-of-here-messaging-application-password"' in users
    assert 'SYSTEM_PASSWORD: "hash-of-here-messaging-system-password"' in users
    assert PASSWORD not in users


def test_clients_get_all_they_need_in_one_secret() -> None:
    secret = secret_texts(object_named(data_services(1), "Secret", "messaging-connection", "sacred-council"))
    assert secret == {
        "url": f"tls://sacred-council:{PASSWORD}@nats.nats.svc:4222",
        "host": "nats.nats.svc",
        "port": "4222",
        "username": "sacred-council",
        "password": PASSWORD,
        "domain": "here",
        "ca.crt": "certificate of root-certificate\n",
    }
    names = data_services(1).named("here-messaging-certificate-request").inputs["dnsNames"]
    assert {"nats.nats.svc", "*.nats-headless"} <= set(names)


def test_the_connection_is_known_once_the_servers_are_ready() -> None:
    found = data_services(1)
    assert "here-messaging-statefulset" in waits_for(found, found.named("here-messaging-connection"))


def test_the_password_is_only_in_secrets() -> None:
    holders = {r.inputs["kind"] for r in data_services(3).objects() if PASSWORD in str(r.inputs)}
    assert holders == {"Secret"}


def test_clients_are_asked_to_leave_before_a_server_stops() -> None:
    pod = object_named(data_services(1), "StatefulSet", "nats", NAMESPACE)["spec"]["template"]
    assert container(pod, "nats")["lifecycle"]["preStop"]["exec"]["command"][1].startswith("--signal=ldm")
    assert pod["spec"]["terminationGracePeriodSeconds"] > configuration.LAME_DUCK_SECONDS


def test_network_policies_open_only_what_is_needed() -> None:
    found = data_services(3)
    assert allowed(found, "nats", NAMESPACE, "ingress") == {
        ("sacred-council", 4222),
        ("nats", 6222),
        ("monitoring", 7777),
    }
    assert allowed(found, "nats", NAMESPACE, "egress") == {("nats", 6222)}


def test_servers_find_each_other_before_they_are_ready() -> None:
    service = object_named(data_services(3), "Service", "nats-headless", NAMESPACE)
    assert (service["spec"]["clusterIP"], service["spec"]["publishNotReadyAddresses"]) == ("None", True)


def test_istio_is_told_that_the_server_speaks_first() -> None:
    port = object_named(data_services(1), "Service", "nats", NAMESPACE)["spec"]["ports"][0]
    assert port["appProtocol"] == "tcp"


@given(names, names)
def test_regions_meet_at_the_primary_region_whatever_other_regions_there_are(name: str, primary_region: str) -> None:
    assert topology.seeds(name, primary_region) == (() if name == primary_region else (primary_region,))
