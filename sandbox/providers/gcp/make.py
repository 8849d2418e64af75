"""The forms of Google Cloud's ids and links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sandbox.providers.cloud.kinds import Facts, Kind, Make, Refusal, unchangeable

PROJECT: Final = "sandbox-project"
PROJECT_NUMBER: Final = "123456789012"
_COMPUTE: Final = "https://www.googleapis.com/compute/v1/"
_EVERYWHERE: Final = unchangeable("name project location region zone")
_LONGEST: Final = 63


def project(facts: Facts) -> str:
    """The project that a resource is in."""
    return facts.text("project") or facts.setting("project", PROJECT)


def place(facts: Facts) -> str:
    """The location, region or zone that a resource is in."""
    keys = ("location", "region", "zone")
    return next((facts.text(key) for key in keys if facts.text(key)), facts.setting("region", "us-central1"))


def in_place(collection: str, key: str = "name", *, of: str = "locations") -> Make:
    """An id such as `projects/p/locations/l/clusters/c`."""
    return lambda facts: f"projects/{project(facts)}/{of}/{place(facts)}/{collection}/{facts.text(key)}"


def worldwide(collection: str, key: str = "name", *, of: str = "global/") -> Make:
    """An id such as `projects/p/global/networks/n`."""
    return lambda facts: f"projects/{project(facts)}/{of}{collection}/{facts.text(key)}"


def below(key: str, *more: str) -> Make:
    """An id that is another resource's, with inputs after it: `<cluster>/nodePools/<name>`."""
    return lambda facts: "/".join(
        [facts.text(key), *(facts.text(part[1:]) if part[:1] == "$" else part for part in more)]
    )


def link(make_id: Make) -> Make:
    """The URL of a resource of Compute Engine."""
    return lambda facts: _COMPUTE + str(make_id(facts))


def compute(
    make_id: Make, immutable: str = "", *, minutes: float = 0.0, outputs: Mapping[str, Make] | None = None
) -> Kind:
    """A resource of Compute Engine."""
    return named(make_id, immutable, minutes=minutes, outputs={"selfLink": link(make_id), **(outputs or {})})


def named(
    make_id: Make,
    immutable: str = "",
    *,
    minutes: float = 0.0,
    longest: int = _LONGEST,
    outputs: Mapping[str, Make] | None = None,
    secret: frozenset[str] = frozenset(),
    refusal: Refusal | None = None,
    last_backup: Callable[[Facts], Sequence[str] | None] | None = None,
) -> Kind:
    """A resource that Pulumi names if the program does not."""
    return Kind(
        id=make_id,
        outputs={"project": project, **(outputs or {})},
        name_input="name",
        longest=longest,
        immutable=_EVERYWHERE | unchangeable(immutable),
        secret=secret,
        minutes=minutes,
        refusal=refusal,
        last_backup=last_backup,
    )


def nameless(
    make_id: Make, immutable: str = "", *, minutes: float = 0.0, refusal: Refusal | None = None, **outputs: Make
) -> Kind:
    """A resource that needs no name, or whose name the program must give."""
    return Kind(
        id=make_id,
        outputs={**outputs},
        immutable=_EVERYWHERE | unchangeable(immutable),
        minutes=minutes,
        refusal=refusal,
    )


def member(*keys: str) -> Kind:
    """A grant: who may do what on which resource. Nothing of it changes in place."""
    return Kind(
        id=lambda facts: "/".join(facts.text(key) for key in keys if facts.text(key)),
        outputs={"etag": lambda facts: facts.token[:12]},
        immutable=unchangeable(*keys, "condition"),
    )


def service_agent(facts: Facts) -> str:
    """The account that the Google service of a resource acts as in a project."""
    return agent_of(facts.text("service").partition(".")[0])


def agent_of(service: str) -> str:
    """The account that a Google service acts as in a project."""
    robots: Mapping[str, Any] = {
        "container": "container-engine-robot",
        "redis": "cloud-redis",
        "sqladmin": "gcp-sa-cloud-sql",
    }
    return f"service-{PROJECT_NUMBER}@{robots.get(service, f'gcp-sa-{service}')}.iam.gserviceaccount.com"
