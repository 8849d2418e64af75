"""Whatever value a stack file gives a setting, the user gets readable mistakes and never a stack trace."""

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from components.cluster.settings import AwsRegion, AzureRegion, ExistingRegion, GcpRegion
from components.messaging.settings import StreamSettings
from components.scaling.settings import EventSettings
from components.services import NAMES
from components.services.settings import MATCHING_SERVICE
from components.streaming.settings import StreamingUserSettings, TopicSettings
from stacks.settings import Mistake, Settings, SettingsError, parse
from stacks.settings.errors import path_of
from stacks.settings.filling import validated
from stacks.settings.inheritance import inherit
from stacks.settings.malformed import examples

pytestmark = pytest.mark.unit

PLACE = {"latitude": 50.85, "longitude": 4.35, "timeZone": "Europe/Brussels", "languages": ["nl"], "country": "BE"}
CLUSTER = {"apiAccess": ["192.31.196.0/24"], "deletionProtection": False, "kubernetesVersion": "1.35", "flowLogs": True}
GCP = {
    **CLUSTER,
    "nodes": {"type": "e2-standard-4", "min": 3, "max": 9, "gpu": {"type": "g2-standard-4", "min": 1, "max": 5}},
    "project": "my-project",
    "releaseChannel": "REGULAR",
    "instances": {"database": "db-custom-2-8192"},
}
AWS = {
    **CLUSTER,
    "nodes": {
        "type": "m7i.xlarge",
        "min": 3,
        "max": 9,
        "gpu": {"type": "g5.xlarge", "min": 1, "max": 5, "zones": ["a", "b"]},
    },
    "administrators": ["arn:aws:iam::123456789012:role/administrators"],
    "patches": "2026-12",
    "zones": ["a", "b", "c"],
    "instances": {"database": "db.m7g.large", "cache": "cache.m7g.large"},
    "rdsAuthorities": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
}
AZURE = {
    **CLUSTER,
    "nodes": {
        "type": "Standard_D4s_v5",
        "min": 3,
        "max": 9,
        "gpu": {"type": "Standard_NV36ads_A10_v5", "min": 1, "max": 5, "zones": ["1"]},
    },
    "subscription": "00000000-0000-0000-0000-000000000000",
    "adminGroups": ["00000000-0000-0000-0000-000000000000"],
    "upgradeChannel": "patch",
    "zones": ["1", "2"],
    "systemMachine": "Standard_D2s_v5",
    "instances": {"database": "Standard_D2ds_v5", "cache": "Balanced_B5"},
}
OWN = {
    "name": "own",
    "cloud": "existing",
    "traffic": True,
    "context": "mine",
    "platform": "k3s",
    "serviceType": "LoadBalancer",
    "gatewayAddress": "203.0.113.7",
    "egressAddresses": ["203.0.113.8"],
    "dnsAddresses": ["10.96.0.10"],
    "gpus": True,
    "geography": PLACE,
    "slot": 200,
}
SERVICE = {
    "image": "ghcr.io/example/service:1.4.2",
    "minReplicas": 4,
    "maxReplicas": 6,
    "followTheSun": True,
    "cpu": "50m",
    "memory": "64Mi",
    "usersPerReplica": 5000,
    "requestsPerReplica": 100,
}
STREAM = {
    "name": "councils",
    "subjects": ["councils.>"],
    "home": "us-central1",
    "mirroredIn": ["own"],
    "replicas": 3,
    "retention": "7d",
    "maxSize": "256Mi",
}
WEBSOCKET = {
    "enabled": True,
    "agents": {"enabled": True, "maxMessage": "16Ki", "subscriptions": 16},
    "home": "us-central1",
    "origins": ["https://sacred-council.love"],
    "servers": 2,
    "maxConnections": 1000,
    "connectionsPerSecond": 50,
    "uploadPerSecond": "4Mi",
    "maxMessage": "64Ki",
    "maxSize": "256Mi",
    "retention": "30d",
    "cpu": "250m",
    "memory": "256Mi",
}
STREAMING = {
    "enabled": True,
    "brokers": 3,
    "controllers": 3,
    "storage": "20Gi",
    "cpu": "500m",
    "memory": "2Gi",
    "topics": [
        {
            "name": "decisions",
            "partitions": 6,
            "replicas": 3,
            "retention": "7d",
            "maxSize": "1Gi",
            "replicatedTo": ["own"],
        }
    ],
    "users": [
        {
            "name": "analytics",
            "produces": ["decisions"],
            "consumes": ["decisions"],
            "produceRate": "1Mi",
            "consumeRate": "2Mi",
        }
    ],
    "produceRate": "10Mi",
    "consumeRate": "20Mi",
}
LEDGER = {
    "enabled": True,
    "genesisRegions": ["us-central1", "gone"],
    "formerGenesisRegions": ["gone"],
    "validators": 4,
    "application": {"image": "ghcr.io/example/ledger:1.4.2", "cpu": "250m", "memory": "256Mi"},
    "retainBlocks": 200_000,
    "snapshotInterval": 1000,
    "storage": "20Gi",
    "cpu": "500m",
    "memory": "512Mi",
}
CIRCLES = {
    "enabled": True,
    "servers": 2,
    "maxParticipants": 50,
    "maxRate": "100M",
    "connectionsPerSecond": 50,
    "drain": "1h",
    "signingKey": "green",
    "cpu": "2",
    "memory": "1Gi",
}
MATCHING = {
    "enabled": True,
    "model": "intfloat/multilingual-e5-small",
    "revision": "614241f622f53c4eeff9890bdc4f31cfecc418b3",
    "dimension": 384,
    "source": "https://models.example.org",
    "sourceNetworks": ["203.0.113.0/24"],
    "minReplicas": 1,
    "maxReplicas": 4,
    "queuePerReplica": 8,
    "cpu": "1",
    "memory": "2Gi",
    "cache": "2Gi",
}
SITE = {
    "name": "lisbon",
    "context": "lisbon",
    "home": "us-central1",
    "geography": PLACE,
    "egressAddresses": ["203.0.113.71"],
    "platform": "k3s",
    "serviceType": "LoadBalancer",
    "gatewayAddress": "203.0.113.80",
    "dnsAddresses": ["10.43.0.10"],
    "storage": "8Gi",
}
EVERYTHING: Mapping[str, Any] = {
    "stage": "planetary",
    "regions": [
        {"name": "us-central1", "cloud": "gcp", "geography": PLACE, "slot": 201, **GCP},
        {"name": "sa-east-1", "cloud": "aws", "geography": PLACE, "slot": 202, **AWS},
        {"name": "southafricanorth", "cloud": "azure", "geography": PLACE, "slot": 203, **AZURE},
        OWN,
    ],
    "clouds": {"gcp": GCP, "aws": AWS, "azure": AZURE},
    "database": {
        "engine": "cockroachdb",
        "nodes": 3,
        "survive": "region",
        "primaryRegion": "us-central1",
        "storage": "10Gi",
        "cpu": "500m",
        "memory": "1Gi",
        "backup": {"regions": ["us-central1"], "schedule": "@hourly", "full": "@daily", "retention": "30d"},
    },
    "cache": {
        "engine": "redis",
        "replicas": 3,
        "storage": "1Gi",
        "maxMemory": "128Mi",
        "cpu": "100m",
        "memory": "256Mi",
    },
    "messaging": {
        "servers": 3,
        "storage": "2Gi",
        "cpu": "100m",
        "memory": "256Mi",
        "streams": [STREAM],
        "websocket": WEBSOCKET,
    },
    "streaming": STREAMING,
    "matching": MATCHING,
    "ledger": LEDGER,
    "circles": CIRCLES,
    "mesh": {"enabled": True, "replicas": 2, "postQuantum": "prefer", "memory": "1Gi"},
    "monitoring": {
        "enabled": True,
        "retention": "4w",
        "storage": "5Gi",
        "traceSampling": 0.1,
        "runbooks": "https://git.example.org/council/platform/blob/main/docs/runbooks",
        "machinePrices": {"e2-standard-4": 97.84},
        "memory": dict.fromkeys(("prometheus", "thanosSidecar", "thanosQuery", "kubeStateMetrics", "grafana"), "2Gi"),
    },
    "services": dict.fromkeys((*NAMES, MATCHING_SERVICE), SERVICE),
    "scaling": {
        "enabled": True,
        "forecast": {"enabled": True, "weeks": 3, "leadMinutes": 15, "maxGrowth": 2.0},
        "events": [
            {"name": "new-year", "start": "2027-01-01T00:00", "timeZone": "local", "hours": 2, "users": 20_000},
            {"name": "gathering", "start": "2027-06-20T20:00", "timeZone": "Europe/Brussels", "hours": 3, "users": 1},
        ],
    },
    "edge": {
        "domain": "sacred-council.love",
        "cdn": "gcp",
        "zone": "create",
        "rateLimit": 600,
        "waf": "block",
        "cachedPaths": ["/agent-network/static/"],
        "signingKey": "blue",
        "project": "my-project",
        "subscription": "00000000-0000-0000-0000-000000000000",
        "location": "westeurope",
    },
    "gitops": {
        "enabled": True,
        "hub": "us-central1",
        "canary": "us-central1",
        "repository": {
            "url": "https://git.example.org/council/platform.git",
            "revision": "main",
            "path": "charts/sacred-council",
            "values": "deploy",
        },
    },
    "rancher": {
        "enabled": True,
        "hub": "us-central1",
        "hostname": "rancher.example.org",
        "ingressClass": "nginx",
    },
    "edgeSites": [SITE],
}
"""A stack in which every key has a valid value."""

Path = tuple[str | int, ...]


def paths(values: object) -> Iterator[Path]:
    """Yield the path to every value within `values`."""
    entries = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for step, value in entries:
        yield (step,)
        yield from ((step, *more) for more in paths(value))


PATHS = tuple(paths(dict(EVERYTHING)))

ODD: tuple[Any, ...] = (None, True, 0, -1, 0.5, float("nan"), "", "x", "a.b", [], ["x"], [[]], [{}], {}, {"x": ["x"]})
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.sampled_from(ODD)
WORDS = st.sampled_from([step for path in PATHS for step in path if isinstance(step, str)]) | st.text()
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=6
)


def with_values(changes: Mapping[Path, Any], base: Mapping[str, Any] = EVERYTHING) -> dict[str, Any]:
    """Return a copy of all settings with other values at some paths. A path that another change removed is skipped."""
    # In a copy by JSON no two places share an object.
    values: dict[str, Any] = json.loads(json.dumps(base))
    for path, value in changes.items():
        place: Any = values
        try:
            for step in path[:-1]:
                place = place[step]
            # A copy, because each sample is the same object and another change may modify its inside.
            place[path[-1]] = copy.deepcopy(value)
        except (KeyError, IndexError, TypeError):
            continue
    return values


def is_settled(values: Mapping[str, Any]) -> None:
    """Parse the values; swallow only SettingsError, so that any other exception fails the test."""
    with suppress(SettingsError):
        parse(values)


SECTIONS = (
    "database",
    "cache",
    "messaging",
    "streaming",
    "matching",
    "ledger",
    "circles",
    "mesh",
    "monitoring",
    "scaling",
    "edge",
    "gitops",
    "rancher",
)


def test_every_setting_is_among_them_and_right() -> None:
    settings = parse(EVERYTHING)
    said = {step for path in PATHS for step in path if isinstance(step, str)}
    missing = {
        alias for model in _models(Settings) for field in model.model_fields.values() if (alias := field.alias)
    } - said
    assert not missing, "give EVERYTHING a right value for each"
    for section in SECTIONS:
        fields = type(getattr(settings, section)).model_fields.values()
        assert {field.alias for field in fields} <= EVERYTHING[section].keys(), section


def _models(*models: type[BaseModel]) -> set[type[BaseModel]]:
    found: set[type[BaseModel]] = {AwsRegion, AzureRegion, ExistingRegion, GcpRegion, StreamSettings, EventSettings}
    found |= {TopicSettings, StreamingUserSettings}
    left = [*models, *found]
    while left:
        for field in left.pop().model_fields.values():
            kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
            inner = {kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)} - found
            found |= inner
            left += inner
    return found | set(models)


@pytest.mark.parametrize("model", sorted(_models(Settings), key=str))
def test_the_examples_of_required_settings_are_right(model: type[BaseModel]) -> None:
    assert model.model_validate(examples(model)).model_fields_set == {
        name for name, field in model.model_fields.items() if field.is_required()
    }


@pytest.mark.parametrize("value", [*ODD, date(2026, 1, 1)], ids=repr)
def test_an_odd_value_in_any_one_place_gives_no_stack_trace(value: object) -> None:
    for path in PATHS:
        is_settled(with_values({path: value}))


def mistakes(values: Mapping[str, Any]) -> tuple[Mistake, ...]:
    """Return all mistakes in the values."""
    try:
        parse(values)
    except SettingsError as error:
        return error.mistakes
    return ()


WORDS_AND_NUMBERS = [value for value in ODD if not isinstance(value, list | dict)]
LONE: Mapping[str, Any] = {
    "stage": "regional",
    "regions": [{"name": "sa-east-1", "cloud": "aws", **AWS}],
    "database": {"engine": "postgresql", "nodes": 3, "cpu": "2", "memory": "64Gi", "storage": "60Ti"},
    "cache": {"engine": "managed", "replicas": 6, "maxMemory": "60Gi", "memory": "99Gi"},
    "messaging": {"servers": 1, "streams": [{"name": "councils", "subjects": ["councils.>"], "maxSize": "1Gi"}]},
    "edge": {"cdn": "azure", "domain": "example.org", "zone": "my-group/example.org"},
}
"""A stack of one region whose cloud runs the data services."""


@pytest.mark.parametrize("base", [EVERYTHING, LONE], ids=["everything", "lone"])
@pytest.mark.parametrize("value", [*WORDS_AND_NUMBERS, date(2026, 1, 1)], ids=repr)
def test_a_malformed_value_brings_no_mistake_in_any_other_place(value: object, base: Mapping[str, Any]) -> None:
    assert mistakes(base) == ()
    for path in paths(base):
        values = with_values({path: value}, base)
        if validated(inherit(values).values)[1]:
            there = Mistake(path=path_of(*path), rule="", remedy="")
            elsewhere = [str(one) for one in mistakes(values) if not there.follows_from(one.path)]
            assert elsewhere == [], path


@pytest.mark.parametrize("value", [True, 0.5, "a b"], ids=repr)
def test_a_malformed_value_that_regions_take_over_brings_no_mistake_in_any_other_place(value: object) -> None:
    base = {**LONE, "regions": [{"name": "sa-east-1", "cloud": "aws"}], "clouds": {"aws": AWS}}
    taken_over = [path for path in paths(base) if path[:2] == ("clouds", "aws") and len(path) > 2]
    assert taken_over
    for path in taken_over:
        found = mistakes(with_values({path: value}, base))
        there = Mistake(path=path_of(*path), rule="", remedy="")
        assert [str(one) for one in found if not there.follows_from(one.path)] == [], path
        assert len({str(one) for one in found}) == len(found)


@given(st.dictionaries(st.sampled_from(PATHS), ANYTHING, min_size=1, max_size=4))
def test_any_values_in_any_places_give_no_stack_trace(changes: dict[Path, Any]) -> None:
    is_settled(with_values(changes))


@given(st.dictionaries(st.sampled_from(sorted(EVERYTHING)), ANYTHING))
def test_any_values_of_the_first_keys_give_no_stack_trace(values: dict[str, Any]) -> None:
    is_settled(values)
