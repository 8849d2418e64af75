"""Streams of several regions: the Job that creates them, and the subjects that servers redirect."""

import json
from typing import Any

import pytest

from components.messaging import configuration as nats
from tests.messaging.test_streams import ASIA, EU, EVERYWHERE, NOWHERE, SOMEWHERE, US, values
from tests.support.data_services import allowed, container, object_named, waits_for
from tests.support.regions import GOOGLE, rendered_with
from tests.support.rendering import Rendered, render

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def stack() -> Rendered:
    messaging = values(EVERYWHERE, SOMEWHERE, NOWHERE)["messaging"]
    return rendered_with(GOOGLE, messaging=messaging)


def job(stack: Rendered, region: str) -> dict[str, Any]:
    """Return the pod template of the region's Job."""
    return dict(stack.named(f"{region}-messaging-streams-job").inputs["spec"]["template"])


def test_the_job_gets_the_regions_definitions_and_the_password_as_a_secret(stack: Rendered) -> None:
    data = stack.named(f"{ASIA}-messaging-streams-settings").inputs["data"]
    assert sorted(data) == ["councils.json", "local.json", "orders.json", "streams.sh"]
    assert json.loads(data["orders.json"])["mirror"]["external"] == {"api": "$JS.us-central1.API"}
    variables = {v["name"]: v for v in container(job(stack, ASIA), "streams")["env"]}
    assert variables["NATS_URL"]["value"] == "tls://nats:4222"
    assert variables["NATS_PASSWORD"]["valueFrom"]["secretKeyRef"]["name"] == "nats-streams"
    assert "password-of" not in str(job(stack, ASIA)) + str(data)


def test_the_job_sees_the_root_certificate_and_not_the_servers_key(stack: Rendered) -> None:
    (volume,) = [v for v in job(stack, US)["spec"]["volumes"] if v["name"] == "certificates"]
    assert volume["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]


def test_the_job_comes_after_the_servers_and_reaches_nothing_else(stack: Rendered) -> None:
    assert f"{US}-messaging-statefulset" in waits_for(stack, stack.named(f"{US}-messaging-streams-job"))
    spec = stack.named(f"{US}-messaging-streams-network-policy").inputs["spec"]
    assert spec["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "nats-streams"}
    (rule,) = spec["egress"]
    assert [port["port"] for port in rule["ports"]] == [nats.CLIENT_PORT]
    assert rule["to"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "nats"}}}]


def test_the_servers_let_the_job_in_only_where_there_is_one(stack: Rendered) -> None:
    local = render("local")
    assert ("nats-streams", nats.CLIENT_PORT) not in allowed(local, "nats", "nats", "ingress")
    assert [r.name for r in local.resources if "streams" in r.name] == []
    streams_stack = render("local", {"sacred-council:messaging": {"streams": [{"name": "a", "subjects": ["a"]}]}})
    assert ("nats-streams", nats.CLIENT_PORT) in allowed(streams_stack, "nats", "nats", "ingress")
    assert object_named(streams_stack, "Job", "nats-streams", "nats")


def test_servers_redirect_what_their_mirrors_need_and_no_more(stack: Rendered) -> None:
    texts = {
        region: stack.named(f"{region}-messaging-settings").inputs["data"]["nats.conf"] for region in (US, EU, ASIA)
    }
    assert "imports" not in texts[EU]
    assert texts[US].count("CONSUMER.CREATE.councils") == 3
    assert "CONSUMER.CREATE.orders" not in texts[US]
    assert "$JS.us-central1.API.CONSUMER.CREATE.orders" in texts[ASIA]
