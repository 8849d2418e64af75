"""Settings of scaling that are wrong, alone or together with others."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.bad_settings import GOOD, complaints, with_change

pytestmark = pytest.mark.unit

EVENT: Mapping[str, Any] = {"name": "new-year", "start": "2027-01-01T00:00", "users": 8000}
NAME_RULE = "must be at most 40 lower case letters, digits and hyphens, starting with a letter; write e.g. new-year"
TIME_RULE = "must be a date and a time of day in minutes, without a zone; write e.g. 2027-01-01T00:00"
ZONE_RULE = "must be local, or the name of an IANA time zone; write local, Europe/Brussels or Etc/UTC"


def scaling(**keys: object) -> dict[str, Any]:
    """The good configuration with KEDA, and Prometheus keeping four weeks."""
    return {**GOOD, "monitoring": {"retention": "4w"}, "scaling": {"enabled": True, **keys}}


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("name", "New year", f'"New year" {NAME_RULE}'),
        ("name", "n" * 41, f'"{"n" * 41}" {NAME_RULE}'),
        ("start", "2027-01-01", f'"2027-01-01" {TIME_RULE}'),
        ("start", "2027-01-01T00:00:00Z", f'"2027-01-01T00:00:00Z" {TIME_RULE}'),
        ("start", "2027-02-30T00:00", '"2027-02-30T00:00" is not in the calendar; write e.g. 2027-01-01T00:00'),
        ("start", "2027-01-01T25:00", '"2027-01-01T25:00" is not in the calendar; write e.g. 2027-01-01T00:00'),
        ("timeZone", "everywhere", f'"everywhere" {ZONE_RULE}'),
        ("timeZone", "Europe/Brusels", '"Europe/Brusels" is not in the IANA time zone database; did you mean '
         "Europe/Brussels?"),
    ],
)  # fmt: skip
def test_a_wrong_value_of_an_event_is_explained(key: str, value: object, complaint: str) -> None:
    assert complaints(scaling(events=[{**EVENT, key: value}])) == [f"scaling.events[0].{key}: {complaint}"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("scaling.forecast.weeks", 0),
        ("scaling.forecast.weeks", 9),
        ("scaling.forecast.leadMinutes", 4),
        ("scaling.forecast.leadMinutes", 121),
        ("scaling.forecast.maxGrowth", 0.5),
        ("scaling.forecast.maxGrowth", 11.0),
        ("services.agent-network.usersPerReplica", 0),
        ("services.agent-network.requestsPerReplica", 0),
    ],
)
def test_a_number_out_of_bounds_is_refused(path: str, value: object) -> None:
    assert [line.partition(": ")[0] for line in complaints(with_change(path, value))] == [path]


def test_keda_needs_prometheus() -> None:
    assert complaints({**scaling(), "monitoring": {"enabled": False, "retention": "4w"}}) == [
        "scaling.enabled: true needs monitoring, because Prometheus computes the load and the forecast; "
        "write monitoring.enabled: true, or remove scaling.enabled"
    ]


def test_prometheus_keeps_the_weeks_of_the_forecast() -> None:
    assert complaints({**scaling(), "monitoring": {"retention": "21d"}}) == [
        'monitoring.retention: "21d" is shorter than the 22 days that a forecast from 3 weeks needs; '
        "write 22d or more, or lower scaling.forecast.weeks"
    ]
    assert complaints(scaling(forecast={"weeks": 4})) == [
        'monitoring.retention: "4w" is shorter than the 29 days that a forecast from 4 weeks needs; '
        "write 29d or more, or lower scaling.forecast.weeks"
    ]


def test_an_event_needs_keda() -> None:
    assert complaints({**GOOD, "scaling": {"events": [EVENT]}}) == [
        'scaling.events[0].name: "new-year" has no effect without KEDA; '
        "write scaling.enabled: true, or remove the event"
    ]


def test_two_events_have_two_names() -> None:
    assert complaints(scaling(events=[EVENT, {**EVENT, "users": 1}])) == [
        'scaling.events[1].name: "new-year" is already the name of scaling.events[0]; choose another name'
    ]


def test_no_event_needs_more_replicas_than_a_service_may_have() -> None:
    # Four fifths of 5,000 users for each of 3 replicas are 12,000.
    values = scaling(events=[{**EVENT, "users": 12_001}])
    larger = {"maxReplicas": 4}
    values["services"] = {
        "consciousness-field": larger,
        "agent-network": larger,
        "work-coordination": {"usersPerReplica": 6000},
    }
    assert complaints(values) == [
        "scaling.events[0].users: 12001 need 4 replicas of sacred-messaging in each region, and maxReplicas is 3; "
        "raise services.sacred-messaging.maxReplicas, or usersPerReplica if a replica can serve more"
    ]
