"""Alertmanager's own tool reads the rendered configuration and reports the receivers of each alert."""

import json
from pathlib import Path

import pytest

from components.monitoring.stack_values import MOUNTED, alertmanager_config
from tests.support.binaries import run
from tests.support.monitoring_examples import GROUPS

pytestmark = pytest.mark.conformance

SEVERITIES = {
    rule["alert"]: rule["labels"]["severity"] for group in GROUPS for rule in group["rules"] if "alert" in rule
}


def written(directory: Path, *, receiver: bool, token: bool = False) -> Path:
    """Write the configuration and the Secret's files to `directory`; return the configuration's path."""
    for key in ("url", "token"):
        (directory / key).write_text("https://alerts.example.org/hook")
    text = json.dumps(alertmanager_config(receiver=receiver, token=token)).replace(MOUNTED, str(directory))
    path = directory / "alertmanager.yaml"
    path.write_text(text)
    return path


def told(path: Path, *labels: str) -> str:
    """Return the receivers of an alert with `labels`."""
    result = run("amtool", "config", "routes", "test", f"--config.file={path}", *labels)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize(("receiver", "token"), [(False, False), (True, False), (True, True)])
def test_alertmanager_accepts_the_configuration(receiver: bool, token: bool, tmp_path: Path) -> None:
    result = run("amtool", "check-config", written(tmp_path, receiver=receiver, token=token))
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{1 + receiver} receivers" in result.stdout


@pytest.mark.parametrize(("alert", "severity"), SEVERITIES.items())
def test_every_alert_of_ours_reaches_people(alert: str, severity: str, tmp_path: Path) -> None:
    labels = (f"alertname={alert}", f"severity={severity}", "namespace=x", "region=here")
    assert told(written(tmp_path, receiver=True), *labels) == "people"
    assert told(written(tmp_path, receiver=False), *labels) == "null"


@pytest.mark.parametrize("labels", [("alertname=Watchdog", "severity=none"), ("alertname=X", "severity=info")])
def test_heartbeats_and_mere_information_reach_nobody(labels: tuple[str, ...], tmp_path: Path) -> None:
    assert told(written(tmp_path, receiver=True), *labels) == "null"


def test_a_wrong_configuration_is_found(tmp_path: Path) -> None:
    path = written(tmp_path, receiver=True)
    path.write_text(path.read_text().replace('"people"', '"nobody"', 1))
    assert run("amtool", "check-config", path).returncode != 0
