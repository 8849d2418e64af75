"""Pictures of stacks of several regions: failover, the database's and the hub's places, and dependencies."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from picture import tones
from picture.map import draw
from picture.parts import Part, parts
from picture.world import world
from tests.support import pictures
from tests.support.plans import plan_of, preview_of
from tests.support.rendering import render, stack_config

pytestmark = pytest.mark.stack

PAINTED = ("rect", "circle", "path", "polygon", "polyline", "text")
"""The visible elements of a picture."""


def test_committed_pictures_are_those_of_the_program(stack_name: str) -> None:
    remedy = "look at what changed, then run: python -m tests.support.pictures"
    for name, text in pictures.drawn(stack_name).items():
        assert (pictures.FOLDER / name).read_text() == text, f"{name}: {remedy}"


def test_pictures_are_well_formed_and_say_what_they_show(stack_name: str) -> None:
    drawn = pictures.drawn(stack_name)
    assert drawn
    for text in drawn.values():
        root = ElementTree.fromstring(text)
        assert root.attrib["role"] == "img"
        assert stack_name in root.attrib["aria-label"]


def test_every_element_is_painted_without_a_style_sheet(stack_name: str) -> None:
    # Renderers without CSS media queries (librsvg, chat previews) read only attributes. Without any they paint black.
    for name, text in pictures.drawn(stack_name).items():
        for element in ElementTree.fromstring(text).iter():
            kind = element.tag.rpartition("}")[2]
            if kind in PAINTED:
                paints = {one for key in ("fill", "stroke") if (one := element.get(key, "")) not in ("", "none")}
                assert paints, (name, kind, element.attrib)
                assert "fill" in element.attrib, (name, kind, element.attrib)
                assert all(_known(one) for one in paints), (name, paints)


def test_the_style_sheet_is_for_those_who_ask_for_dark(stack_name: str) -> None:
    for name, text in pictures.drawn(stack_name).items():
        assert "var(" not in text, name
        (style,) = [one.text or "" for one in ElementTree.fromstring(text).iter() if one.tag.endswith("}style")]
        head, _, rules = style.strip().partition("{")
        assert head.strip() == "@media (prefers-color-scheme: dark)", name
        # A rule outside the query would come after the query's last bracket.
        assert rules.rstrip().endswith("}\n    }"), name


def _known(paint: str) -> bool:
    return paint == "url(#sea)" or paint in tones.LIGHT.values()


def test_a_map_names_every_region_and_who_takes_over() -> None:
    preview = preview_of("multiregion", render("multiregion"))
    text = draw(world(preview))
    for name in ("us-central1", "europe-west1", "asia-east1"):
        assert f">{name}</text>" in text
    assert "If it fails: us-central1, then asia-east1." in text
    peerings = {marker.name: marker.peerings for marker in world(preview).markers}
    assert set(peerings.values()) == {("database", "messaging", "streaming", "metrics", "mesh")}


def test_only_the_database_s_home_has_a_ring() -> None:
    root = ElementTree.fromstring(draw(world(preview_of("planetary", render("planetary")))))
    circles = [one.attrib["class"] for one in root.iterfind("{*}g/{*}circle")]
    assert [kind for kind in circles if kind.startswith("ring-")] == ["ring-gcp"]
    # Six regions and two edge sites.
    assert sum(kind.startswith("dot-") for kind in circles) == 6 + 2


def test_the_hub_is_where_the_settings_put_it() -> None:
    preview = preview_of("multiregion", render("multiregion"))
    gitops = {"enabled": True, "hub": "europe-west1", "repository": {"url": "https://example.org/council.git"}}
    markers = world(replace(preview, settings={**preview.settings, "gitops": gitops})).markers
    assert [marker.name for marker in markers if "Argo CD" in marker.notes] == ["europe-west1"]


def test_the_order_of_the_regions_changes_no_map() -> None:
    preview = preview_of("multiregion", render("multiregion"))
    regions = list(reversed(stack_config("multiregion")["sacred-council:regions"]))
    assert world(replace(preview, settings={**preview.settings, "regions": regions})) == world(preview)


def test_what_waits_is_to_the_right_of_what_it_waits_for() -> None:
    found = parts(plan_of(render("planetary")))
    for part, others in found.waits_for.items():
        assert all(found.ranks[other] < found.ranks[part] for other in others), part
    # KEDA looks for the services.
    assert found.ranks[Part("Region", "ScaledServices")] == max(found.ranks.values())
