"""The contract of growth, under mocks, for a stack with all that stages 3 and 4 have, in regions of no other test.

`test_growth_with_everything` is the same with the real engine.
"""

import pytest

from tests.support.growing import EDGE, EDGE_SITE, EVERYTHING
from tests.support.regions import BECOMES_A_PEER, CAMPINAS, COMPLETE, MUMBAI, STOCKHOLM, Where, changed, of_region, same
from tests.support.rendering import Rendered, render

pytestmark = pytest.mark.stack

ALONE, TWO = (MUMBAI,), (MUMBAI, STOCKHOLM)
_STACKS: dict[tuple[Where, ...], Rendered] = {}


def stack(*regions: Where) -> Rendered:
    if regions not in _STACKS:
        config = {f"sacred-council:{key}": value for key, value in EVERYTHING.given(*regions).items()}
        _STACKS[regions] = render("multiregion", config)
    return _STACKS[regions]


def known(where: Where) -> set[str]:
    return {*EVERYTHING.knows, *(EVERYTHING.primary_knows if where == EVERYTHING.primary else ())}


def created(before: Rendered, after: Rendered, name: str) -> set[str]:
    return {key.partition(" ")[0] for key in of_region(after, name).keys() - of_region(before, name).keys()}


def test_everything_is_on() -> None:
    found = {r.type for r in of_region(stack(*ALONE), MUMBAI[0]).values() if r.type.startswith("sacred-council:")}
    parts = {"streaming", "matching", "scaling", "ledger", "database", "messaging", "mesh", "monitoring"}
    assert parts <= {kind.split(":")[1] for kind in found}
    assert "sacred-council:messaging:LiveServers" in found
    assert of_region(stack(*ALONE), EDGE_SITE[0])
    assert of_region(stack(*ALONE), EDGE[0])


@pytest.mark.parametrize("more", [TWO, COMPLETE])
def test_more_regions_only_add_to_the_first(more: tuple[Where, ...]) -> None:
    before, after = stack(*ALONE), stack(*more)
    assert of_region(before, MUMBAI[0]).keys() <= of_region(after, MUMBAI[0]).keys()
    assert changed(before, after, MUMBAI[0]) <= known(MUMBAI)
    assert changed(before, after, MUMBAI[0]) & BECOMES_A_PEER == set()
    added = created(before, after, MUMBAI[0])
    assert "streaming-mirror" in added
    assert [rest for rest in added if not EVERYTHING.brought(rest)] == []


@pytest.mark.parametrize("where", TWO)
def test_a_third_region_changes_only_what_knows_the_peers(where: Where) -> None:
    before, after = stack(*TWO), stack(*COMPLETE)
    assert of_region(before, where[0]).keys() == of_region(after, where[0]).keys()
    assert changed(before, after, where[0]) <= known(where)


@pytest.mark.parametrize("more", [TWO, COMPLETE])
def test_more_regions_change_no_edge_site_nor_what_all_share(more: tuple[Where, ...]) -> None:
    before, after = stack(*ALONE), stack(*more)
    for name in (EDGE_SITE[0], "platform"):
        assert of_region(before, name).keys() == of_region(after, name).keys()
        assert changed(before, after, name) == set()


@pytest.mark.parametrize("more", [TWO, COMPLETE])
def test_of_the_cdn_only_what_lists_the_regions_changes(more: tuple[Where, ...]) -> None:
    before, after = stack(*ALONE), stack(*more)
    assert of_region(before, EDGE[0]).keys() == of_region(after, EDGE[0]).keys()
    assert changed(before, after, EDGE[0]) == EVERYTHING.edge_knows


def test_no_pods_restart_when_regions_come() -> None:
    before, after = stack(*ALONE), stack(*COMPLETE)
    old = {r.urn: r for r in before.resources if r.inputs.get("kind") in ("StatefulSet", "Deployment")}
    new = {r.urn: r for r in after.resources}
    assert old
    assert [r.name for urn, r in old.items() if not same(r, new[urn])] == []


def test_the_order_of_the_list_changes_nothing() -> None:
    before, after = ({r.urn: r for r in stack(*order).resources} for order in (COMPLETE, (CAMPINAS, STOCKHOLM, MUMBAI)))
    assert before.keys() == after.keys()
    assert [before[urn].name for urn in before if not same(before[urn], after[urn])] == []


def test_each_region_has_as_many_resources_however_many_there_are() -> None:
    two, three = stack(*TWO), stack(*COMPLETE)
    for name, _ in TWO:
        assert len(of_region(two, name)) == len(of_region(three, name))
