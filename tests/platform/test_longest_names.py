"""Names that Pulumi makes, in each cloud's region with the longest name.

Clouds limit the length of names; the stand-ins contain these limits.
"""

from dataclasses import replace

import pytest

from sandbox.providers.cloud.kinds import Kind
from stacks.geography.catalogue import CATALOGUE
from tests.support.cloud_standins import CLOUDS
from tests.support.managed import CACHE, DATABASE, settings
from tests.support.regions import MACHINES, rendered_with
from tests.support.rendering import Rendered, render

pytestmark = pytest.mark.stack

_RANDOM = 8
"""Characters that Pulumi appends: a hyphen and seven digits."""
LONGEST = {
    cloud: max((region.name for region in CATALOGUE if region.cloud == cloud), key=len) for cloud in sorted(MACHINES)
}


def too_long(stack: Rendered) -> dict[str, int]:
    """Return the length of each name that Pulumi would make too long, by type and logical name."""
    kinds: dict[str, Kind] = {token: kind for cloud in CLOUDS.values() for token, kind in cloud.table.items()}
    found = {}
    for resource in stack.resources:
        kind = kinds.get(resource.type)
        if kind and kind.name_input and not {kind.name_input, f"{kind.name_input}Prefix"} & resource.inputs.keys():
            length = len(resource.name) + _RANDOM
            if length > kind.longest:
                found[f"{resource.type} {resource.name}"] = length
    return found


@pytest.mark.parametrize("cloud", LONGEST)
def test_names_fit_in_the_region_with_the_longest_name(cloud: str) -> None:
    name = LONGEST[cloud]
    edge = {"domain": "example.org", "cdn": cloud}
    backup = {"backup": {"regions": [name]}, "primaryRegion": name}
    assert too_long(rendered_with(((name, cloud),), edge=edge, database=backup)) == {}


@pytest.mark.parametrize("cloud", LONGEST)
def test_names_of_managed_data_services_fit_too(cloud: str) -> None:
    (region,) = settings(cloud, True, DATABASE, CACHE)["sacred-council:regions"]
    data_services = settings(cloud, True, DATABASE, CACHE) | {
        "sacred-council:regions": [region | {"name": LONGEST[cloud]}]
    }
    assert too_long(render("regional", data_services)) == {}


def test_a_name_that_is_too_long_would_be_found() -> None:
    (pool,) = rendered_with(((LONGEST["gcp"], "gcp"),)).of_type("gcp:container/nodePool:NodePool")
    named = replace(pool, inputs={key: value for key, value in pool.inputs.items() if key != "namePrefix"})
    assert list(too_long(Rendered(resources=[named])).values()) == [len(pool.name) + _RANDOM]
