"""A region of each cloud with its managed data services, rendered by the whole program."""

from functools import cache
from typing import Any

from sandbox.providers.aws.make import CALLER_ROLE
from tests.support.regions import MACHINES
from tests.support.rendering import Rendered, Resource, render

GROUP = "11111111-2222-3333-4444-555555555555"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
REGIONS = {"gcp": "us-central1", "aws": "us-east-1", "azure": "westeurope"}
COMMON: dict[str, dict[str, Any]] = {
    "gcp": {"project": "my-project"},
    "aws": {"rdsAuthorities": PEM, "administrators": [CALLER_ROLE]},
    "azure": {"adminGroups": [GROUP]},
}
CLOUDS = list(REGIONS)
DATABASE = {"engine": "postgresql", "nodes": 3, "storage": "50Gi", "cpu": "2", "memory": "4Gi"}
CACHE = {"engine": "managed", "replicas": 3, "cpu": "250m", "memory": "1Gi", "maxMemory": "512Mi"}


@cache
def managed(cloud: str, *, protected: bool = True, several: bool = True) -> Rendered:
    """The regional stack on `cloud` with managed data services; `several` adds a standby and replicas."""
    number = {} if several else {"nodes": 1}
    replicas = {} if several else {"replicas": 1}
    return render("regional", settings(cloud, protected, {**DATABASE, **number}, {**CACHE, **replicas}))


@cache
def managed_in(cloud: str, region: str) -> Rendered:
    """The same stack in another region of the cloud, with a standby and the smallest cache."""
    values = settings(cloud, True, DATABASE, {"engine": "managed"})
    (one,) = values["sacred-council:regions"]
    return render("regional", {**values, "sacred-council:regions": [{**one, "name": region}]})


def settings(cloud: str, protected: bool, database: dict[str, Any], cache_: dict[str, Any]) -> dict[str, Any]:
    """The settings of this stack. Clouds differ in their line of `regions` and in their section of `clouds`."""
    nodes = {"type": MACHINES[cloud], "min": 3, "max": 9}
    return {
        "sacred-council:regions": [{"name": REGIONS[cloud], "cloud": cloud, "nodes": nodes}],
        "sacred-council:clouds": {name: {**more, "deletionProtection": protected} for name, more in COMMON.items()},
        "sacred-council:database": database,
        "sacred-council:cache": cache_,
    }


def named(rendered: Rendered, cloud: str, rest: str, type_: str) -> Resource:
    """The region's only resource of a type with the name `<region>-<rest>`."""
    (found,) = [r for r in rendered.of_type(type_) if r.name == f"{REGIONS[cloud]}-{rest}"]
    return found
