"""Pictures of the local stack: correct, reproducible, and legible in light and in dark."""

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from picture import __main__ as command
from picture import atlas, labels, sphere, tones
from picture.land import Outline, outlines
from picture.map import draw
from picture.parts import Part, Parts, parts
from picture.world import world
from report.preview import read_preview
from stacks.geography import CATALOGUE
from tests.support import pictures
from tests.support.plans import plan_of, planned, preview_of
from tests.support.rendering import ROOT, Rendered, stack_config

pytestmark = pytest.mark.unit

READABLE = 4.5
"""WCAG 2's minimum contrast between text and its background (level AA)."""
VISIBLE = 3
"""WCAG 2's minimum contrast for graphics."""


def test_a_region_without_a_place_is_in_the_list_and_not_on_the_map(local: Rendered) -> None:
    text = draw(world(preview_of("local", local)))
    assert not list(ElementTree.fromstring(text).iterfind("{*}g/{*}circle"))
    assert "a cluster of yours" in text


def test_settings_that_are_not_valid_are_not_drawn(local: Rendered) -> None:
    preview = preview_of("local", local)
    with pytest.raises(ValueError, match="settings of stack local are not valid"):
        world(replace(preview, settings={**preview.settings, "stage": "cosmic"}))


def test_every_resource_of_a_component_counts_once(local: Rendered) -> None:
    found = parts(plan_of(local))
    left_out = {"stack:Platform", "stack:Region", "stack:RegionBase"}
    ours = [one for one in local.resources if one.type.removeprefix("sacred-council:") not in left_out]
    providers = [one for one in ours if one.type.startswith("pulumi:providers:") and one.name.startswith("platform-")]
    assert sum(found.sizes.values()) == len(ours) - len(providers)


def test_lines_that_follow_from_others_are_left_out() -> None:
    one, two, three = (Part("Region", kind) for kind in ("One", "Two", "Three"))
    found = Parts({one: 1, two: 1, three: 1}, {one: frozenset(), two: frozenset({one}), three: frozenset({one, two})})
    assert found.needed[three] == [two]


def test_parts_that_wait_for_each_other_are_drawn_all_the_same() -> None:
    one, two = Part("Region", "One"), Part("Region", "Two")
    found = Parts({one: 1, two: 1}, {one: frozenset({two}), two: frozenset({one})})
    assert sorted(found.ranks.values()) == [0, 1]
    assert {part: found.needed[part] for part in (one, two)} == {one: [two], two: [one]}


def test_a_plan_of_the_engine_has_parents_dependencies_and_providers() -> None:
    resource = planned("kubernetes:core/v1:Secret", "local-secret")
    state = {
        "type": resource.type,
        "parent": "urn:a",
        "dependencies": ["urn:b"],
        "provider": "urn:pulumi:local::sacred-council::pulumi:providers:kubernetes::local-cluster::an-id",
    }
    preview = read_preview({"steps": [{"op": "create", "urn": resource.urn, "newState": state}]})
    (read,) = preview.plan.resources
    assert read.parent == "urn:a"
    assert read.waits_for == {
        "urn:b",
        "urn:pulumi:local::sacred-council::pulumi:providers:kubernetes::local-cluster",
    }


def test_the_command_draws_what_was_planned(local: Rendered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(_previewed("local", local)))
    monkeypatch.setattr(sys, "argv", ["picture", "local", "--plan", str(plan), "--folder", str(tmp_path / "drawn")])
    assert command.main() == 0
    for name in ("local.svg", "local-resources.svg"):
        assert (tmp_path / "drawn" / name).read_text() == (pictures.FOLDER / name).read_text()


def test_the_command_says_what_is_wrong_with_a_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text("{}")
    monkeypatch.setattr(sys, "argv", ["picture", "local", "--plan", str(plan), "--folder", str(tmp_path)])
    assert command.main() == 1
    assert "error: this is not the output of `pulumi preview --json`" in capsys.readouterr().err


def _previewed(stack: str, rendered: Rendered) -> dict[str, Any]:
    """The engine's output: settings as text, with the defaults of Pulumi.yaml, and without secrets."""
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    config = {key: value["default"] for key, value in declared.items() if "default" in value} | stack_config(stack)
    states = [
        {
            "urn": one.urn,
            "type": one.type,
            "parent": one.parent,
            "inputs": one.inputs,
            "dependencies": sorted(one.dependencies),
            "provider": one.provider,
        }
        for one in rendered.resources
    ]
    return {
        "config": {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()},
        "steps": [{"op": "create", "urn": state["urn"], "newState": state} for state in states],
    }


@pytest.mark.parametrize("colours", [tones.LIGHT, tones.DARK], ids=["light", "dark"])
def test_text_can_be_read(colours: Mapping[str, str]) -> None:
    for behind in ("paper", "card", "a", "b", "c", "d"):
        for words in ("ink", "soft"):
            assert _contrast(colours[words], colours[behind]) >= READABLE, (words, behind)
    for drawn in ("next", "gcp", "aws", "azure", "existing"):
        for behind in ("land", "sea", "deep"):
            assert _contrast(colours[drawn], colours[behind]) >= VISIBLE, (drawn, behind)


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_dark_has_every_colour_of_light() -> None:
    assert tones.LIGHT.keys() == tones.DARK.keys()
    used = {value for known in tones.KINDS.values() for value in known.values() if value in tones.LIGHT}
    assert used == tones.LIGHT.keys()


def test_outlines_are_closed_and_on_the_earth() -> None:
    for outline in outlines():
        assert outline[0] == outline[-1]
        assert all(-180 <= longitude <= 180 and -90 <= latitude <= 90 for longitude, latitude in outline)
        assert all(abs(a[0] - b[0]) < 180 or abs(a[1]) == 90 for a, b in pairwise(outline))


@pytest.mark.parametrize(
    ("place", "land"),
    [
        ((-100.0, 40.0), True),
        ((-60.0, -10.0), True),
        ((-42.0, 70.0), True),
        ((10.0, 48.0), True),
        ((25.0, 5.0), True),
        ((100.0, 60.0), True),
        ((179.0, 67.0), True),
        ((135.0, -25.0), True),
        ((0.0, -85.0), True),
        ((-30.0, 40.0), False),
        ((-150.0, 0.0), False),
        ((80.0, -20.0), False),
        ((179.0, 40.0), False),
        ((18.0, 37.0), False),
    ],
)
def test_land_is_where_it_is_on_earth(place: tuple[float, float], land: bool) -> None:
    assert any(_inside(place, outline) for outline in outlines()) == land


def test_every_region_of_the_catalogue_is_on_land_or_near_a_coast() -> None:
    for one in CATALOGUE:
        place = (one.place.longitude, one.place.latitude)
        near = min(math.dist(place, point) for outline in outlines() for point in outline)
        assert near < 1.2 or any(_inside(place, outline) for outline in outlines()), one.name


def _inside(place: tuple[float, float], outline: Outline) -> bool:
    """Whether a ray to the east crosses the outline an odd number of times."""
    x, y = place
    cuts = [a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) for a, b in pairwise(outline) if (a[1] > y) != (b[1] > y)]
    return sum(one > x for one in cuts) % 2 == 1


def test_an_atlas_is_cut_where_the_map_ends() -> None:
    # A square of twenty degrees on the 180th meridian, written like an atlas: 170, -170, -170, 170.
    arc = [[170, 0], [-340, 0], [0, 20], [340, 0], [0, -20]]
    shape = {"type": "Polygon", "arcs": [[0]]}
    transform = {"scale": [1, 1], "translate": [0, 0]}
    rings = list(atlas.rings({"transform": transform, "arcs": [arc], "objects": {"land": {"geometries": [shape]}}}))
    assert len(rings) == 2
    assert {x for ring in rings for x, _ in ring} == {-180, -170, 170, 180}
    assert all(ring[0] == ring[-1] for ring in rings)


def test_no_name_hides_another() -> None:
    points = [(f"region-{at}", (500.0 + 9 * at, 300.0)) for at in range(5)]
    boxes = labels.places(points, [], (0, 0, sphere.WIDTH, sphere.HEIGHT))
    assert len(boxes) == len(points)
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_the_shortest_way_crosses_the_edge_of_the_map_and_comes_back() -> None:
    chicago, tokyo = (-88.0, 42.0), (140.0, 36.0)
    ways = sphere.ways(chicago, tokyo)
    assert len(ways) == 2
    ends = {(round(x), round(y)) for way in ways for x, y in (way[0], way[-1])}
    assert {(round(x), round(y)) for x, y in (sphere.project(*chicago), sphere.project(*tokyo))} <= ends
    steps = [abs(b[0] - a[0]) for way in ways for a, b in pairwise(way)]
    assert max(steps) < sphere.WIDTH / 4
    assert len(sphere.ways((5.0, 50.0), (18.0, -34.0))) == 1
