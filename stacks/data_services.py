"""Which data services every region has, in which namespaces, and which of them its cloud runs. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from components.connection import DataService
from components.namespaces import CIRCLES, COCKROACHDB, KAFKA, LEDGER, MATCHING, NATS, POSTGRESQL, REDIS
from stacks.settings import Settings

_DATABASES: Final = {"cockroachdb": COCKROACHDB, "postgresql": POSTGRESQL}
"""By engine, for its nodes or for the job that makes the application's user."""
_CACHES: Final = {"redis": REDIS, "managed": None}
"""By engine. A managed cache has no namespace."""


def data_services(settings: Settings) -> Sequence[DataService]:
    """The data services that every region has. A service waits for the Secret of each of them."""
    optional: Mapping[DataService, bool] = {
        "streaming": settings.streaming.enabled,
        "matching": settings.matching.enabled,
        "ledger": settings.ledger.enabled,
        "circles": settings.circles.enabled,
    }
    return ["database", "cache", "messaging", *(name for name, enabled in optional.items() if enabled)]


def managed(settings: Settings) -> Sequence[DataService]:
    """Those that the clouds run."""
    engines: Mapping[DataService, bool] = {
        "database": settings.database.engine == "postgresql",
        "cache": settings.cache.engine == "managed",
    }
    return [data_service for data_service, is_managed in engines.items() if is_managed]


def data_namespaces(settings: Settings) -> dict[DataService, str]:
    """The namespaces in which a region has something of them."""
    known: Mapping[DataService, str | None] = {
        "database": _DATABASES[settings.database.engine],
        "cache": _CACHES[settings.cache.engine],
        "messaging": NATS,
        "streaming": KAFKA,
        "matching": MATCHING,
        "ledger": LEDGER,
        "circles": CIRCLES,
    }
    return {name: namespace for name in data_services(settings) if (namespace := known[name])}
