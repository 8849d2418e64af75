"""The report on every stack: it covers every type, sums and sources are right, and a difference shows its cost."""

import json
import re
from typing import Any

import pytest

from report import cost, markdown
from report.difference import difference
from report.document import document
from report.preview import read_preview
from tests.support.hubs import hub
from tests.support.plans import engine_says, plan_of, preview_of
from tests.support.regions import MIXED
from tests.support.rendering import Rendered, render, stack_header

pytestmark = pytest.mark.stack


@pytest.fixture
def report(stack_name: str, stack: Rendered) -> dict[str, Any]:
    """The document of each stack in turn."""
    return document(preview_of(stack_name, stack))


def test_every_type_of_every_stack_is_charged_or_free_for_a_reason(stack: Rendered) -> None:
    types = {one.type for one in stack.resources}
    assert types & cost.CHARGERS.keys()
    assert {kind for kind in types if kind not in cost.CHARGERS and not cost.free_because(kind)} == set()


VERDICTS = {"local": "within", "regional": "may exceed", "multiregion": "within", "planetary": "no limit"}


def test_no_stack_exceeds_the_budget_of_its_stage_and_its_file_says_whether_autoscaling_may(
    stack_name: str, report: dict[str, Any]
) -> None:
    assert report["budget"]["verdict"] == VERDICTS[stack_name]
    assert ("may exceed" in stack_header(stack_name)) == (VERDICTS[stack_name] == "may exceed")


def test_parts_and_regions_add_up_to_the_whole(stack: Rendered) -> None:
    found = cost.lines(plan_of(stack))
    whole = cost.total(found)
    assert found
    assert whole.most + whole.unknown > 0
    for sums in (cost.by(found, lambda line: line.region), cost.by(found, lambda line: line.part)):
        assert sum(one.least for one in sums.values()) == pytest.approx(whole.least)
        assert sum(one.most for one in sums.values()) == pytest.approx(whole.most)
        assert sum(one.unknown for one in sums.values()) == whole.unknown


def test_the_document_is_plain_json(report: dict[str, Any]) -> None:
    assert json.loads(json.dumps(report)) == report


def test_every_line_has_a_source_and_a_date_or_is_unknown(report: dict[str, Any]) -> None:
    assert report["cost"]["lines"]
    for line in report["cost"]["lines"]:
        priced = line["price"] is not None
        assert priced == (line["kind"] != "unknown")
        assert not priced or (line["price"]["source"] and line["price"]["date"])


def test_the_markdown_says_how_much_is_left_out_and_never_invents_a_price(report: dict[str, Any]) -> None:
    text = markdown.render(report)
    total = report["cost"]["total"]
    assert f"{total['unknown']} without a known price" in text
    for part in ("## Cost", "## Capacity", "## Carbon", "Budget of the stage"):
        assert part in text
    assert "None" not in text
    assert "nan" not in text


def test_the_sources_of_the_prices_are_numbered_in_the_order_of_use(report: dict[str, Any]) -> None:
    text = markdown.render(report)
    used = list(dict.fromkeys(re.findall(r" a [\w -]+ \[(\d+)\] \|$", text, re.MULTILINE)))
    listed = re.findall(r"^- \[(\d+)\] \[[^\]]+\]\((\S+)\), (\S+)$", text, re.MULTILINE)
    assert used == [str(number) for number in range(1, len(used) + 1)]
    assert [number for number, *_ in listed] == used
    prices = [line["price"] for line in report["cost"]["lines"] if line["price"]]
    assert bool(used) == bool(prices) == (report["stack"] != "local"), "a cluster of one's own has no price"
    assert {tuple(source) for _, *source in listed} == {(price["source"], price["date"]) for price in prices}


def test_no_difference_says_nothing_has_changed(report: dict[str, Any]) -> None:
    text = difference(report, report)
    assert "(+" not in text
    assert "(-" not in text
    assert text.count("\n| ") == 2


def test_without_a_base_everything_is_new(report: dict[str, Any]) -> None:
    assert difference(None, report).startswith("| Cost a month |")


def test_the_engines_preview_is_read(stack_name: str, stack: Rendered, report: dict[str, Any]) -> None:
    assert document(read_preview(engine_says(stack_name, stack))) == report


def test_every_type_of_a_hub_is_charged_or_free_for_a_reason() -> None:
    types = {one.type for one in hub(*MIXED).resources}
    assert types & cost.CHARGERS.keys()
    assert {kind for kind in types if kind not in cost.CHARGERS and not cost.free_because(kind)} == set()


def test_the_difference_shows_what_a_region_more_costs() -> None:
    one = document(preview_of("regional", render("regional")))
    three = document(preview_of("multiregion", render("multiregion")))
    text = difference(one, three)
    assert "| asia-east1 cluster |" in text
    assert "| Users |" in text
    assert "(+$" in text
    assert "(-$" in difference(three, one)
