"""The report on stacks of several regions: every type has been looked at, and what a region more costs."""

from report import cost
from report.difference import difference
from report.document import document
from tests.hubs import hub
from tests.plans import preview_of
from tests.regions import MIXED
from tests.rendering import render


def test_every_type_of_a_hub_is_charged_or_free_for_a_reason() -> None:
    types = {one.type for one in hub(*MIXED).resources}
    assert {kind for kind in types if kind not in cost.CHARGERS and not cost.free_because(kind)} == set()


def test_the_difference_shows_what_a_region_more_costs() -> None:
    one = document(preview_of("regional", render("regional")))
    three = document(preview_of("multiregion", render("multiregion")))
    text = difference(one, three)
    assert "| asia-east1 cluster |" in text
    assert "| Users |" in text
    assert "(+$" in text
    assert "(-$" in difference(three, one)
