"""Every setting is read while the platform is built: one that is not would change nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from pydantic import BaseModel

from components.settings import Model
from stacks.platform import Platform
from tests.support import managed
from tests.support.hubs import GITOPS, RANCHER
from tests.support.regions import GPUS, IOWA, MIXED, complete
from tests.support.rendering import BEHIND_A_CDN, render_anew

pytestmark = pytest.mark.stack

Field = tuple[str, str]
"""The name of the model that has a field, and that of the field."""


def fields(model: type[BaseModel] = Model) -> Iterator[Field]:
    """All fields of the models of settings."""
    for found in model.__subclasses__():
        if found.__module__.startswith(("components.", "stacks.")):
            yield from (owned(found, name) for name in found.model_fields)
        yield from fields(found)


def owned(model: type[BaseModel], name: str) -> Field:
    """The field, at the model that adds it to those of its bases."""
    owner = next(one for one in reversed(model.__mro__) if name in getattr(one, "model_fields", {}))
    return (owner.__name__, name)


@contextmanager
def reads() -> Iterator[set[Field]]:
    """Record what is read from the moment on when the platform is built. What rules read before does not count."""
    found: set[Field] = set()
    begin, built = Platform.__init__, False

    def build(self: Platform, *args: Any, **kwargs: Any) -> None:
        nonlocal built
        built = True
        begin(self, *args, **kwargs)

    def read(self: Model, name: str) -> Any:
        if built and name in type(self).model_fields:
            found.add(owned(type(self), name))
        return BaseModel.__getattribute__(self, name)

    with mock.patch.object(Platform, "__init__", build), mock.patch.object(Model, "__getattribute__", read):
        yield found


def stacks() -> Iterator[tuple[str, dict[str, Any]]]:
    """Stacks that have everything between them: the name of a stack file, and what replaces its values."""
    values = complete(*MIXED, primary=IOWA)
    for region in values["regions"]:
        region["nodes"]["gpu"] = {"type": GPUS[region["cloud"]]}
    event = {"name": "new-year", "start": "2027-01-01T00:00", "users": 1000}
    values["scaling"] = {"enabled": True, "events": [event]}
    values["ledger"]["application"] = {"image": "ghcr.io/example/ledger:1.0"}
    values.update(gitops=GITOPS, rancher=RANCHER)
    yield "multiregion", {f"sacred-council:{key}": value for key, value in values.items()}
    for cloud in managed.CLOUDS:
        edge = {"domain": "example.org", "cdn": cloud}
        of_cloud = managed.settings(cloud, True, managed.DATABASE, managed.CACHE)
        yield "regional", {**of_cloud, "sacred-council:edge": edge}
    yield "local", BEHIND_A_CDN


BY_REGIONS = {("Clouds", "aws")}
"""What `clouds` says of AWS is read by its regions alone, which take it over."""


def test_the_program_reads_every_setting() -> None:
    with reads() as found:
        for stack, overrides in stacks():
            render_anew(stack, overrides)
    unread = set(fields()) - found
    assert unread == BY_REGIONS, "nothing reads it, so it changes nothing; or no stack of this test has it"
