"""Receivers of alerts: nobody, or a webhook whose address and token are only in a Secret."""

import json
from typing import Any

import pytest

from components.monitoring.stack_values import alertmanager_config
from tests.support.rendering import ROOT, Rendered, render_program

pytestmark = pytest.mark.unit

PROGRAM = ROOT / "tests" / "programs" / "monitoring.py"
SECRET_URL, SECRET_TOKEN = "https://alerts.example.org/hook/3f9a", "token-3f9a"


@pytest.fixture(scope="module")
def monitoring() -> Rendered:
    return render_program("test", {}, PROGRAM)


@pytest.fixture(scope="module")
def told() -> Rendered:
    """The same program with a webhook that receives alerts."""
    return render_program("test", {"sacred-council:url": SECRET_URL, "sacred-council:token": SECRET_TOKEN}, PROGRAM)


def ports(rule: dict[str, Any]) -> list[int]:
    return [port["port"] for port in rule.get("ports", [])]


def who_is_told(rendered: Rendered) -> str:
    return str(rendered.registered_outputs[rendered.named("here-monitoring").urn]["alerts"])


def receivers(config: dict[str, Any]) -> list[str]:
    return [route["receiver"] for route in config["route"]["routes"]]


def test_without_a_receiver_alerts_are_sent_to_nobody_and_the_output_says_so(monitoring: Rendered) -> None:
    values = monitoring.named("here-monitoring-prometheus-release").inputs["values"]["alertmanager"]
    assert set(receivers(values["config"])) == {"null"}
    assert values["config"]["receivers"] == [{"name": "null"}]
    assert values["alertmanagerSpec"]["secrets"] == []
    assert who_is_told(monitoring).startswith("sent to nobody")
    assert [r.name for r in monitoring.objects("Secret") if "alert-receiver" in r.name] == []


def test_a_receiver_gets_what_is_critical_and_what_is_a_warning(told: Rendered) -> None:
    config = told.named("here-monitoring-prometheus-release").inputs["values"]["alertmanager"]["config"]
    assert receivers(config) == ["null", "people", "people"]
    assert [route["matchers"] for route in config["route"]["routes"][1:]] == [
        ['severity = "critical"'],
        ['severity = "warning"'],
    ]
    assert who_is_told(told) == "sent to the webhook in alertWebhookUrl"


def test_the_receiver_s_address_and_token_are_only_in_a_secret(told: Rendered) -> None:
    secret = told.named("here-monitoring-prometheus-alert-receiver")
    assert secret.inputs["stringData"] == {"url": SECRET_URL, "token": SECRET_TOKEN}
    assert {"stringData.url", "stringData.token"} <= secret.secret_paths or "stringData" in secret.secret_paths
    everything = json.dumps([r.inputs for r in told.resources if r.urn != secret.urn])
    assert SECRET_URL not in everything
    assert SECRET_TOKEN not in everything


def test_alertmanager_reads_them_where_the_operator_mounts_the_secret(told: Rendered) -> None:
    values = told.named("here-monitoring-prometheus-release").inputs["values"]["alertmanager"]
    secret = told.named("here-monitoring-prometheus-alert-receiver")
    mounted = f"/etc/alertmanager/secrets/{secret.inputs['metadata']['name']}"
    (webhook,) = values["config"]["receivers"][1]["webhook_configs"]
    assert values["alertmanagerSpec"]["secrets"] == [secret.inputs["metadata"]["name"]]
    assert webhook["url_file"] == f"{mounted}/url"
    assert webhook["http_config"]["authorization"]["credentials_file"] == f"{mounted}/token"
    assert secret.urn in told.named("here-monitoring-prometheus-release").dependencies


def test_a_receiver_without_a_token_is_called_without_one() -> None:
    (webhook,) = alertmanager_config(receiver=True, token=False)["receivers"][1]["webhook_configs"]
    assert webhook.keys() == {"url_file", "send_resolved"}


def test_only_with_a_receiver_may_alertmanager_call_out(monitoring: Rendered, told: Rendered) -> None:
    def out(rendered: Rendered) -> list[list[int]]:
        policy = rendered.named("here-monitoring-prometheus-policy-alertmanager").inputs["spec"]
        return [ports(rule) for rule in policy["egress"] if not rule.get("to")]

    assert out(monitoring) == []
    assert out(told) == [[443]]
