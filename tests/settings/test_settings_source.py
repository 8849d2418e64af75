"""The edge to Pulumi: values that it loads, values that it refuses and never shows, and the handling of secrets."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import pytest
from pulumi.runtime import config as runtime_config

from stacks.settings import SECRETS, Settings, SettingsError, load, parse, secret
from stacks.settings.errors import PROJECT

pytestmark = pytest.mark.unit

LOCAL: Mapping[str, Any] = {"stage": "local", "regions": [{"name": "local", "cloud": "existing"}]}
WEBHOOK = {"alertWebhookToken": "hunter2", "alertWebhookUrl": "https://example.org/hook"}


@pytest.fixture(autouse=True)
def _fresh_configuration() -> Iterator[None]:
    yield
    runtime_config.set_all_config({}, [])


def loaded(values: Mapping[str, object], secrets: Mapping[str, str] | None = None) -> Settings:
    """Load a stack's configuration in the form in which the engine passes it."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    everything = texts | dict(secrets or {})
    runtime_config.set_all_config(
        {f"{PROJECT}:{key}": text for key, text in everything.items()}, [f"{PROJECT}:{key}" for key in secrets or {}]
    )
    return load(pulumi.Config(PROJECT))


def test_the_engine_s_configuration_is_loaded() -> None:
    settings = loaded({**LOCAL, "database": {"nodes": 3}, "mesh": {"enabled": False}})
    assert (settings.stage, settings.database.nodes, settings.mesh.enabled) == ("local", 3, False)


def test_keys_of_other_namespaces_are_none_of_our_business() -> None:
    loaded(LOCAL)
    runtime_config.set_config("kubernetes:context", "elsewhere")
    assert load(pulumi.Config(PROJECT)).stage == "local"


def test_the_configuration_of_the_environment_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {f"{PROJECT}:stage": "local", f"{PROJECT}:regions": json.dumps(LOCAL["regions"])}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(texts))
    assert load(pulumi.Config(PROJECT)) == parse(LOCAL)


def test_an_unknown_key_is_refused_and_its_value_is_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        loaded({**LOCAL, "databse": "hunter2"})
    assert str(caught.value) == (
        "The configuration has 1 mistake. Nothing was changed.\n"
        "  sacred-council:databse: is not a setting; did you mean database?"
    )


def test_an_encrypted_setting_is_refused_and_its_value_is_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        loaded({"stage": "local"}, secrets={"regions": '["hunter2"]'})
    assert str(caught.value) == (
        "The configuration has 1 mistake. Nothing was changed.\n"
        "  sacred-council:regions: is encrypted, but resources contain settings in plain text; "
        "`pulumi config rm regions`, then set it again without --secret"
    )


def test_nothing_is_concluded_from_a_setting_that_is_encrypted() -> None:
    names = ("us-central1", "europe-west1")
    regions = [
        {"name": name, "cloud": "existing", "context": name, "egressAddresses": ["192.0.2.10"]} for name in names
    ]
    database = json.dumps({"primaryRegion": "us-central1"})
    with pytest.raises(SettingsError) as caught:
        loaded({"stage": "local", "regions": regions, "messaging": {"servers": 3}}, secrets={"database": database})
    assert [mistake.path for mistake in caught.value.mistakes] == ["database"]


@pytest.mark.parametrize("key", SECRETS)
def test_a_secret_in_plain_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded({**LOCAL, key: "hunter2"})
    assert str(caught.value) == (
        "The configuration has 1 mistake. Nothing was changed.\n"
        f"  sacred-council:{key}: is a secret and must be encrypted; replace it: `pulumi config set --secret {key}`"
    )


def test_a_token_without_an_address_to_send_it_to_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(LOCAL, secrets={"alertWebhookToken": "hunter2"})
    assert str(caught.value) == (
        "The configuration has 1 mistake. Nothing was changed.\n"
        "  sacred-council:alertWebhookToken: has no effect without alertWebhookUrl: nothing would receive it; "
        "`pulumi config set --secret alertWebhookUrl`, or `pulumi config rm alertWebhookToken`"
    )
    assert loaded(LOCAL, secrets=WEBHOOK).stage == "local"


def test_an_address_in_plain_is_the_only_mistake_beside_an_encrypted_token() -> None:
    with pytest.raises(SettingsError, match="has 1 mistake") as caught:
        loaded({**LOCAL, "alertWebhookUrl": "https://example.org/hook"}, secrets={"alertWebhookToken": "hunter2"})
    assert "alertWebhookUrl: is a secret and must be encrypted" in str(caught.value)


def test_a_webhook_is_refused_where_nothing_sends_alerts() -> None:
    with pytest.raises(SettingsError) as caught:
        loaded({**LOCAL, "monitoring": {"enabled": False}}, secrets=WEBHOOK)
    assert str(caught.value) == (
        "The configuration has 2 mistakes. Nothing was changed.\n"
        "  sacred-council:alertWebhookUrl: has no effect with monitoring.enabled: false: nothing sends "
        "alerts; write monitoring: {enabled: true}, or `pulumi config rm alertWebhookUrl`\n"
        "  sacred-council:alertWebhookToken: has no effect with monitoring.enabled: false: nothing sends "
        "alerts; write monitoring: {enabled: true}, or `pulumi config rm alertWebhookToken`"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://alerts.example.org:8443/hunter2",
        "http://alerts.example.org/hunter2",
        "http://alerts.example.org:443/hunter2",
        "https://alerts.example.org:hunter2/",
        "ftp://alerts.example.org/hunter2",
    ],
)
def test_a_webhook_that_alerts_are_not_let_out_to_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(LOCAL, secrets={"alertWebhookUrl": url})
    assert str(caught.value) == (
        "The configuration has 1 mistake. Nothing was changed.\n"
        "  sacred-council:alertWebhookUrl: must be an HTTPS address on port 443: alerts can leave through no other "
        "port; `pulumi config set --secret alertWebhookUrl` with an address that begins with https:// and names no port"
    )


@pytest.mark.parametrize("url", ["https://alerts.example.org:443/hook", "HTTPS://alerts.example.org", "unknown-0123"])
def test_a_webhook_in_reach_is_taken_and_so_is_a_made_up_word_of_a_plan(url: str) -> None:
    assert loaded(LOCAL, secrets={"alertWebhookUrl": url}).stage == "local"


def test_a_setting_that_is_not_a_map_is_reported_as_it_was_written() -> None:
    with pytest.raises(SettingsError, match='sacred-council:mesh: "strict" must be a map of settings'):
        loaded({**LOCAL, "mesh": "strict"})


def test_a_secret_is_an_encrypted_output_and_stays_out_of_the_settings() -> None:
    settings = loaded(LOCAL, secrets={"cockroachdbLicense": "hunter2"})
    assert "hunter2" not in settings.model_dump_json()

    async def read() -> tuple[str | None, bool]:
        licence = secret(pulumi.Config(PROJECT), "cockroachdbLicense")
        assert licence is not None
        return await licence.future(), await licence.is_secret()

    assert asyncio.run(read()) == ("hunter2", True)


@pytest.mark.parametrize("secrets", [{}, {"cockroachdbLicense": ""}])
def test_a_secret_that_is_not_set_or_empty_is_none(secrets: dict[str, str]) -> None:
    loaded(LOCAL, secrets=secrets)
    assert secret(pulumi.Config(PROJECT), "cockroachdbLicense") is None


def test_only_declared_secrets_can_be_read() -> None:
    with pytest.raises(KeyError):
        secret(pulumi.Config(PROJECT), "somethingElse")
