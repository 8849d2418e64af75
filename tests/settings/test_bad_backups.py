"""Bad settings of backups and of services that other regions must reach, with the exact messages."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.settings.values import days_of
from stacks.monitoring_targets import of_region
from stacks.settings import SettingsError, parse
from tests.support.bad_settings import NOT_A_REGION

pytestmark = pytest.mark.unit

GCP = {
    "name": "us-central1",
    "cloud": "gcp",
    "project": "my-project",
    "nodes": {"type": "e2-standard-4", "min": 3, "max": 9},
}
BELGIUM = {**GCP, "name": "europe-west1"}
PLACE = {"latitude": 50.85, "longitude": 4.35, "timeZone": "Europe/Brussels", "languages": ["nl", "fr"]}
SHORT = "is too short for full backups {}: at times no backup would exist; write {} or more"
TAIWAN = {"name": "asia-east1", "cloud": "existing", "context": "one", "egressAddresses": ["192.0.2.10"]}


def stack(*regions: Mapping[str, Any], **database: Any) -> dict[str, Any]:
    """Return the configuration of a stack of these regions."""
    primary_region = {"primaryRegion": regions[0]["name"]} if len(regions) > 1 else {}
    servers = {"messaging": {"servers": 3}}
    return {"stage": "regional", "regions": list(regions), "database": {**primary_region, **database}, **servers}


def complaints(values: Mapping[str, Any]) -> list[str]:
    """Return the messages about bad settings, without the project."""
    with pytest.raises(SettingsError) as raised:
        parse(values)
    return [str(mistake).removeprefix("sacred-council:") for mistake in raised.value.mistakes]


@pytest.mark.parametrize(
    ("backup", "said"),
    [
        (
            {"schedule": "every hour"},
            'schedule: "every hour" must be @hourly, @daily or a cron expression of five fields for every day; '
            'write e.g. "*/30 * * * *" for every half hour',
        ),
        ({"full": "@monthly"}, 'full: "@monthly" must be @daily or @weekly; write @daily or @weekly'),
        ({"retention": "1y"}, 'retention: "1y" must be a duration in days or weeks; write e.g. 30d or 8w'),
        (
            {"retention": "1d"},
            f'retention: "1d" {SHORT.format("@daily", "2d")}',
        ),
        (
            {"retention": "1w", "full": "@weekly"},
            f'retention: "1w" {SHORT.format("@weekly", "14d")}',
        ),
        (
            {"regions": ["us-central2"]},
            f'regions[0]: "us-central2" {NOT_A_REGION}; did you mean us-central1?',
        ),
        (
            {"regions": ["us-central1", "asia-east1"]},
            'regions[1]: "asia-east1" has no object storage (cloud: existing); name regions of gcp, aws or azure',
        ),
        (
            {"regions": ["us-central1", "us-central1"]},
            'regions[1]: "us-central1" is listed twice; remove the repetition',
        ),
        ({"regions": [{"name": "us-central1"}]}, 'regions[0]: {"name": "us-central1"} must be text; put it in quotes'),
        ({"full": ["@daily"]}, 'full: ["@daily"] must be @daily or @weekly; did you mean @daily?'),
        ({"shedule": "@daily"}, "shedule: is not a setting; did you mean schedule?"),
    ],
)
def test_a_bad_backup_is_named_with_its_remedy(backup: dict[str, Any], said: str) -> None:
    assert complaints(stack(GCP, TAIWAN, backup=backup)) == [f"database.backup.{said}"]


@pytest.mark.parametrize("name", [["us-central1"], {"is": "us-central1"}])
def test_a_region_whose_name_is_no_text_is_named_once(name: object) -> None:
    region = {**TAIWAN, "name": name, "slot": 200, "geography": PLACE}
    assert complaints(stack(GCP, region, backup={"regions": ["us-central1"]})) == [
        f"regions[1].name: {json.dumps(name)} must be text; put it in quotes"
    ]


def test_postgresql_is_backed_up_by_its_cloud() -> None:
    assert complaints(stack(GCP, engine="postgresql", backup={"retention": "30d"})) == [
        "database.backup: applies to cockroachdb only: the cloud backs up PostgreSQL itself; remove it"
    ]


def test_backups_are_the_primary_region_s_unless_it_has_no_cloud_or_others_are_named() -> None:
    assert parse(stack(GCP, BELGIUM)).backup_regions == ("us-central1",)
    assert parse(stack(TAIWAN, GCP)).backup_regions == ()
    assert parse(stack(TAIWAN, GCP, backup={"regions": ["us-central1"]})).backup_regions == ("us-central1",)
    assert parse(stack(GCP, backup={"regions": []})).backup_regions == ()
    assert parse(stack(GCP, engine="postgresql")).backup_regions == ()


def test_each_region_is_monitored_for_the_backups_it_takes() -> None:
    settings = parse(stack(GCP, BELGIUM, TAIWAN, backup={"regions": ["europe-west1"]}))
    monitoring_targets = {region.name: of_region(settings, region.name).backups for region in settings.regions}
    assert monitoring_targets == {"us-central1": False, "europe-west1": True, "asia-east1": False}


def test_weeks_have_seven_days() -> None:
    assert (days_of("30d"), days_of("8w")) == (30, 56)


@pytest.mark.parametrize("kind", ["NodePort", "ClusterIP"])
def test_among_several_regions_each_must_be_in_reach_of_the_others(kind: str) -> None:
    assert complaints(stack(GCP, {**TAIWAN, "serviceType": kind})) == [
        f'regions[1].serviceType: "{kind}" cannot be reached by other regions, whose databases and messaging must '
        "connect to it; write LoadBalancer; kind and minikube need an add-on that assigns addresses"
    ]
    assert parse(stack({**TAIWAN, "serviceType": kind})).regions[0].service_type == kind
