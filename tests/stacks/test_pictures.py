"""Pictures of stacks of several regions: who takes over, where the database and the hub are, what waits for what."""

from dataclasses import replace
from xml.etree import ElementTree

from picture.map import draw
from picture.parts import Part, parts
from picture.world import world
from tests import pictures
from tests.plans import plan_of, preview_of
from tests.rendering import Rendered, render, stack_config


def test_committed_pictures_are_those_of_the_program(stack: Rendered, stack_name: str) -> None:
    remedy = "look at what changed, then run: python -m tests.pictures"
    for name, text in pictures.drawn(stack_name, stack).items():
        assert (pictures.FOLDER / name).read_text() == text, f"{name}: {remedy}"


def test_pictures_are_well_formed_and_say_what_they_show(stack: Rendered, stack_name: str) -> None:
    for text in pictures.drawn(stack_name, stack).values():
        root = ElementTree.fromstring(text)
        assert root.attrib["role"] == "img"
        assert stack_name in root.attrib["aria-label"]


def test_a_map_names_every_region_and_who_takes_over() -> None:
    preview = preview_of("multiregion", render("multiregion"))
    text = draw(world(preview))
    for name in ("us-central1", "europe-west1", "asia-east1"):
        assert f">{name}</text>" in text
    assert "If it fails: us-central1, then asia-east1." in text
    joined = {marker.name: marker.joined for marker in world(preview).markers}
    assert set(joined.values()) == {("database", "messaging", "metrics", "mesh")}


def test_only_the_database_s_home_has_a_ring() -> None:
    text = draw(world(preview_of("planetary", render("planetary"))))
    assert text.count('class="ring"') == 1
    assert text.count('class="dot"') == 6


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
    assert found.ranks[Part("Region", "Services")] == max(found.ranks.values())
