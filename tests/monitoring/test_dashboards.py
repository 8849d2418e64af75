"""The dashboards: every chart on its dashboard, both views alike, and none for parts that are not deployed."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.monitoring import MonitoringTargets
from components.monitoring.dashboards import ALL_REGIONS, DASHBOARDS, ONE_REGION, Scope, rendered, shown
from components.monitoring.dashboards.panels import COLUMNS
from stacks.monitoring_targets import of_region
from stacks.settings import parse
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

SETTINGS = {
    "stage": "local",
    "regions": [{"name": "local", "cloud": "existing"}],
    "streaming": {"enabled": True},
    "matching": {"enabled": True, "sourceNetworks": ["203.0.113.7/32"]},
    "ledger": {"enabled": True},
    "circles": {"enabled": True},
    "monitoring": {"retention": "4w"},
    "scaling": {"enabled": True},
}
TARGETS = replace(of_region(parse(SETTINGS), "local"), sites=("lisbon", "oulu"))
BARE = MonitoringTargets(services="s", monitoring="m")
SCOPES = (ONE_REGION, ALL_REGIONS)
DOCUMENTS = {
    f"{scope.name}-{name}": json.loads(text) for scope in SCOPES for name, text in rendered(TARGETS, scope).items()
}
OF_THE_SOURCE_DOCUMENT = {"resonance", "field", "flow", "connections", "transformation", "emergence"}
OF_THE_PARTS = {"database", "cache", "messaging", "streaming", "matching", "ledger", "circles", "mesh", "cost"}


QUOTING = [ROOT / "docs" / "monitoring.md", *sorted((ROOT / "docs" / "runbooks").glob("*.md"))]


def quotations(page: Path) -> list[tuple[str, str]]:
    """List (dashboard, panel) of each panel that a page names: the dashboard in italics, then its panels in quotes."""
    text = " ".join(page.read_text().split())
    found = re.findall(r'(?<!\*)\*([^*`]+)\*, ("[^"]+"(?: and "[^"]+")*)', text)
    return [(dashboard, panel) for dashboard, quoted in found for panel in re.findall('"([^"]+)"', quoted)]


def panels(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def targets(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in panels(document):
        yield from panel["targets"]


def test_there_is_every_dashboard_that_was_asked_for() -> None:
    assert {one.name for one in DASHBOARDS} >= OF_THE_SOURCE_DOCUMENT | OF_THE_PARTS
    assert (
        rendered(TARGETS, ONE_REGION).keys()
        == rendered(TARGETS, ALL_REGIONS).keys()
        == {one.name for one in DASHBOARDS}
    )


def test_titles_and_uids_are_unique() -> None:
    for key in ("title", "uid"):
        found = [document[key] for document in DOCUMENTS.values()]
        assert sorted(found) == sorted(set(found))


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.name)
def test_every_chart_is_on_its_dashboard(scope: Scope) -> None:
    for name, rows in shown(TARGETS, scope).items():
        titles = [panel["title"] for panel in panels(DOCUMENTS[f"{scope.name}-{name}"])]
        assert titles == [chart.title for row in rows for chart in row.charts]


@pytest.mark.parametrize(("name", "document"), DOCUMENTS.items())
def test_panels_do_not_overlap_and_fit(name: str, document: dict[str, Any]) -> None:
    places = [panel["gridPos"] for panel in document["panels"]]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(cells) == len(set(cells)), name
    assert max(x for x, _ in cells) < COLUMNS


@pytest.mark.parametrize(("name", "document"), DOCUMENTS.items())
def test_every_query_asks_the_data_source_of_its_view(name: str, document: dict[str, Any]) -> None:
    expected = "thanos" if name.startswith("global-") else "prometheus"
    assert {panel["datasource"]["uid"] for panel in panels(document)} == {expected}
    assert all(target["expr"] for target in targets(document))


def test_only_the_view_of_all_regions_lets_users_choose_regions() -> None:
    for name, document in DOCUMENTS.items():
        across = name.startswith("global-")
        variables = [variable["name"] for variable in document.get("templating", {}).get("list", [])]
        assert variables == (["region"] if across else [])
        asked = [target["expr"] for target in targets(document)]
        assert all(("$region" in query) == across for query in asked), name


def test_maps_take_coordinates_from_labels() -> None:
    maps = [panel for panel in panels(DOCUMENTS["global-resonance"]) if panel["type"] == "geomap"]
    assert len(maps) == 2
    for panel in maps:
        assert [layer["type"] for layer in panel["options"]["layers"]] == ["heatmap", "markers"]
        for layer in panel["options"]["layers"]:
            assert layer["location"] == {"mode": "coords", "latitude": "latitude", "longitude": "longitude"}
        (conversion,) = panel["transformations"]
        assert {c["targetField"] for c in conversion["options"]["conversions"]} == {"latitude", "longitude"}
        (query,) = panel["targets"]
        assert query["format"] == "table"
        assert query["instant"] is True


def test_exemplars_are_asked_for_where_histograms_have_them() -> None:
    with_exemplars = {t["expr"] for d in DOCUMENTS.values() for t in targets(d) if t["exemplar"]}
    assert with_exemplars
    assert all("_bucket" in query for query in with_exemplars)


def test_what_is_not_deployed_has_no_dashboard() -> None:
    names = rendered(BARE, ONE_REGION).keys()
    assert not names & (OF_THE_PARTS - {"cost"} | {"objectives"})
    assert names >= OF_THE_SOURCE_DOCUMENT | {"overview", "cost"}
    text = "".join(rendered(BARE, ONE_REGION).values())
    words = ("istio_", "redis_", "nats_", "kafka_", "te_queue", "liveness", "livekit_", "None")
    assert not any(word in text for word in words)


def test_only_a_home_of_edge_sites_has_their_row() -> None:
    def row_titles(targets: MonitoringTargets) -> list[str]:
        return [row.title for row in shown(targets, ONE_REGION)["messaging"]]

    assert [title for title in row_titles(TARGETS) if title not in row_titles(replace(TARGETS, sites=()))] == [
        "Edge sites"
    ]


def test_dashboards_cannot_be_edited_by_hand() -> None:
    assert not any(document["editable"] for document in DOCUMENTS.values())


@pytest.mark.parametrize("page", QUOTING, ids=lambda page: page.name)
def test_every_panel_that_a_page_quotes_is_on_that_dashboard(page: Path) -> None:
    titles = {
        (one.title, chart.title) for one in DASHBOARDS for row in one.rows(TARGETS, ONE_REGION) for chart in row.charts
    }
    assert [quoted for quoted in quotations(page) if quoted not in titles] == []


def test_panels_are_found_in_pages() -> None:
    assert ("overview", "Replicas by service") in quotations(ROOT / "docs/runbooks/latency-budget-burning.md")
    assert ("overview", "95 % of traced requests are faster than") in quotations(ROOT / "docs/monitoring.md")


def test_the_page_about_monitoring_names_every_dashboard() -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text()
    assert [one.title for one in DASHBOARDS if one.title not in page] == []
