"""Streams: the configurations that are allowed, and the regions that hold each stream."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.messaging import streams
from components.messaging.settings import MessagingSettings, StreamSettings
from stacks.settings import parse
from stacks.settings.rules.messaging import overlap
from tests.support.bad_settings import complaints

pytestmark = pytest.mark.unit

US, EU, ASIA = "us-central1", "europe-west1", "asia-east1"
EVERYWHERE = {"name": "councils", "subjects": ["councils.>"], "home": EU, "mirroredIn": "all"}
SOMEWHERE = {"name": "orders", "subjects": ["orders.*"], "home": US, "mirroredIn": [ASIA], "replicas": 1}
NOWHERE = {"name": "local", "subjects": ["local"], "home": ASIA}
OWN = {"cloud": "existing", "egressAddresses": ["192.0.2.1"]}


def values(*listed: dict[str, Any], regions: tuple[str, ...] = (US, EU, ASIA), **messaging: Any) -> dict[str, Any]:
    """Return the configuration of a stack of these regions with these streams."""
    several = {"database": {"primaryRegion": regions[0]}} if len(regions) > 1 else {}
    return {
        "stage": "continental",
        "regions": [{**OWN, "name": name, "context": name} for name in regions],
        "messaging": {"servers": 3, "streams": list(listed), **messaging},
        **several,
    }


def messaging(*listed: dict[str, Any], **more: Any) -> MessagingSettings:
    """Parse the messaging settings of a stack with these streams."""
    return parse(values(*listed, **more)).messaging


def held(region: str, *listed: dict[str, Any]) -> list[str]:
    return [stream.name for stream in streams.held(region, messaging(*listed).streams)]


def test_a_region_holds_its_own_streams_and_the_mirrors_that_are_asked_for() -> None:
    listed = (SOMEWHERE, NOWHERE, EVERYWHERE)
    assert held(US, *listed) == ["councils", "orders"]
    assert held(EU, *listed) == ["councils"]
    assert held(ASIA, *listed) == ["councils", "local", "orders"]


def test_the_home_takes_messages_and_the_others_mirror_it() -> None:
    (stream,) = messaging(EVERYWHERE).streams
    home, mirror = (streams.definition(region, stream, servers=3) for region in (EU, US))
    assert (home["subjects"], home.get("mirror")) == (["councils.>"], None)
    assert mirror["mirror"] == {"name": "councils", "external": {"api": "$JS.europe-west1.API"}}
    assert "subjects" not in mirror
    kept = ("num_replicas", "max_age", "max_bytes", "storage", "retention")
    assert {key: home[key] for key in kept} == {key: mirror[key] for key in kept}
    assert (home["num_replicas"], home["max_age"], home["max_bytes"]) == (3, 7 * 86400 * 10**9, 256 * 2**20)


def test_a_region_more_changes_nothing_of_what_the_others_hold() -> None:
    for region in (US, EU):
        before, after = (messaging(EVERYWHERE, regions=regions) for regions in ((US, EU), (ASIA, EU, US)))
        assert streams.files(region, before) == streams.files(region, after)
        assert streams.mirrored(region, before) == streams.mirrored(region, after)


def test_a_single_region_is_the_home_of_all() -> None:
    stream = {"name": "councils", "subjects": ["councils.>"]}
    settings = messaging(stream, regions=(US,), servers=1)
    found = settings.streams
    assert streams.held(US, found) == found
    assert streams.mirrored(US, settings) == []
    definition = streams.definition(US, found[0], servers=1)
    assert (definition["subjects"], definition["num_replicas"]) == (["councils.>"], 1)


def test_the_duplicate_window_is_never_longer_than_messages_are_kept() -> None:
    short = StreamSettings(name="s", subjects=("s.>",), home="here", retention="1h")
    definition = streams.definition("here", short, servers=3)
    assert definition["duplicate_window"] <= definition["max_age"] == 3600 * 10**9


BAD: list[tuple[dict[str, Any], str]] = [
    (
        {"name": "a.b"},
        '[0].name: "a.b" must be at most 63 letters, digits, hyphens and underscores; write e.g. council-decisions',
    ),
    (
        {"subjects": ["councils..x"]},
        '[0].subjects[0]: "councils..x" must be a NATS subject: words with dots between them, after the first * for '
        "any word, > for all that follow; write e.g. councils.> or councils.*.decisions",
    ),
    (
        {"subjects": ["*.decisions"]},
        '[0].subjects[0]: "*.decisions" must be a NATS subject: words with dots between them, after the first * for '
        "any word, > for all that follow; write e.g. councils.> or councils.*.decisions",
    ),
    ({"subjects": []}, "[0].subjects: [] must have at least one entry; write e.g. [councils.>]"),
    (
        {"subjects": ["a", "a"]},
        '[0].subjects: ["a", "a"] must not name a subject twice; remove the repetition',
    ),
    (
        {"home": None},
        "[0].home: is missing: with several regions, one holds the stream and others may mirror it; name one of "
        "us-central1, europe-west1, asia-east1, and change it only when that region is lost",
    ),
    (
        {"home": "europe-west2"},
        '[0].home: "europe-west2" is not the name of a region of this stack; did you mean europe-west1?',
    ),
    (
        {"mirroredIn": ["asia-east2"]},
        '[0].mirroredIn: "asia-east2" is not the name of a region of this stack; did you mean asia-east1?',
    ),
    (
        {"mirroredIn": [EU]},
        '[0].mirroredIn: "europe-west1" is the stream\'s home, which has the stream itself; name other regions only',
    ),
    (
        {"replicas": 5},
        "[0].replicas: 5 must not be above messaging.servers, which is 3; write 3 or less, or raise messaging.servers",
    ),
    (
        {"retention": "forever"},
        '[0].retention: "forever" must be a duration in hours, days, weeks or years; write e.g. 12h, 7d or 4w',
    ),
    ({"size": "1Gi"}, "[0].size: is not a setting; did you mean maxSize?"),
]


@pytest.mark.parametrize(("change", "complaint"), BAD, ids=[complaint for _, complaint in BAD])
def test_a_bad_stream_is_reported(change: dict[str, Any], complaint: str) -> None:
    stream = {key: value for key, value in {**EVERYWHERE, **change}.items() if value is not None}
    assert complaints(values(stream)) == [f"messaging.streams{complaint}"]


def test_all_beside_regions_is_refused() -> None:
    (line,) = complaints(values({**EVERYWHERE, "mirroredIn": ["all", ASIA]}))
    assert line.endswith("must be either all or names of regions; write all, or remove it and name the regions")


def test_streams_that_do_not_go_together_are_reported() -> None:
    twin = {**NOWHERE, "name": "councils", "subjects": ["councils.first"]}
    assert complaints(values(EVERYWHERE, twin)) == [
        'messaging.streams[1].name: "councils" is already the name of messaging.streams[0]; choose another name',
        'messaging.streams[1].subjects: "councils.first" takes messages that messaging.streams[0] already takes with '
        '"councils.>"; let every message belong to one stream',
    ]
    assert complaints(values({**EVERYWHERE, "maxSize": "2Gi"}, storage="2Gi")) == [
        'messaging.storage: "2Gi" is too little for the streams, whose maxSize together is 2.00Gi: every server may '
        "hold all of them, and a tenth stays free; raise storage, or lower maxSize"
    ]


def test_what_is_missing_is_asked_for() -> None:
    assert complaints(values({"home": EU})) == [
        "messaging.streams[0].name: is missing; add e.g. name: council-decisions",
        "messaging.streams[0].subjects: is missing; add e.g. subjects: [councils.>]",
    ]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a.*", "a.b", True),
        ("a.*", "a.b.c", False),
        ("a.>", "a.b.c", True),
        ("a.>", "a", False),
        ("*.b", "a.*", True),
        ("*.b", "a.c", False),
        ("a.*.c", "a.>", True),
    ],
)
def test_subjects_overlap_where_a_message_could_belong_to_both(one: str, other: str, expected: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is expected


@given(st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=4))
def test_every_subject_overlaps_with_itself_and_with_everything_below_its_first_word(words: list[str]) -> None:
    subject = ".".join(words)
    assert overlap(subject, subject)
    assert overlap(subject, f"{words[0]}.>") is (len(words) > 1)
