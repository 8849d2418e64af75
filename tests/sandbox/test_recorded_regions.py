"""Reading the regions of a stack and keeping the record of their control planes."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import control_planes, lock
from sandbox.layout import Layout, SandboxError
from sandbox.regions import (
    REGIONS_KEY,
    SITES_KEY,
    SLOTS,
    ControlPlane,
    Region,
    assign,
    load_record,
    parse_regions,
    read_regions,
    release,
    save_record,
)
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True), unique=True, min_size=1, max_size=12)


def _document(*entries: object) -> dict[str, object]:
    return {"config": {REGIONS_KEY: list(entries)}}


def _regions(names: list[str]) -> list[Region]:
    return [Region(name=name, context=name) for name in names]


def test_a_region_without_a_context_is_its_own_context() -> None:
    document = _document({"name": "local", "cloud": "existing"}, {"name": "eu", "cloud": "existing", "context": "kind"})
    assert parse_regions(document, "f") == [Region(name="local", context="local"), Region(name="eu", context="kind")]


def test_edge_sites_have_clusters_too() -> None:
    document = _document({"name": "eu", "cloud": "gcp"})
    document["config"][SITES_KEY] = [{"name": "lisbon", "context": "k3s"}]  # type: ignore[index]
    assert parse_regions(document, "f")[1:] == [Region(name="lisbon", context="k3s")]


def test_a_site_may_not_have_the_name_of_a_region() -> None:
    document = _document({"name": "eu", "cloud": "existing"})
    document["config"][SITES_KEY] = [{"name": "eu", "context": "k3s"}]  # type: ignore[index]
    with pytest.raises(SandboxError, match="is used more than once"):
        parse_regions(document, "f")


def test_the_stack_files_of_the_project_can_be_read() -> None:
    files = sorted(ROOT.glob("Pulumi.*.yaml"))
    assert files
    assert all(read_regions(file) for file in files)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, f"f: config key {REGIONS_KEY} must be a list with at least one region"),
        ({"config": {}}, f"f: config key {REGIONS_KEY} must be a list with at least one region"),
        (_document(), f"f: config key {REGIONS_KEY} must be a list with at least one region"),
        (_document("local"), rf"f: {REGIONS_KEY}\[0\].name is None; use lower-case letters"),
        (_document({"name": "Eu West"}), rf"f: {REGIONS_KEY}\[0\].name is 'Eu West'; use lower-case letters"),
        (_document({"name": "a", "context": 3}), rf"f: {REGIONS_KEY}\[0\].context is 3; it must be the name of"),
        (_document({"name": "a"}, {"name": "a"}), f"f: {REGIONS_KEY}: name 'a' is used more than once"),
        (_document({"name": "a"}, {"name": "b", "context": "a"}), "context 'a' is used more than once"),
    ],
)
def test_a_bad_region_list_is_refused_with_its_place_and_the_rule(document: object, message: str) -> None:
    with pytest.raises(SandboxError, match=message):
        parse_regions(document, "f")


def test_a_missing_stack_file_names_the_stacks_there_are(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.local.yaml").touch()
    with pytest.raises(SandboxError, match=r"Pulumi\.lokal\.yaml does not exist; the stacks .* are: local\."):
        read_regions(tmp_path / "Pulumi.lokal.yaml")


def test_a_stack_file_that_is_not_yaml_is_an_error_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.local.yaml").write_text("config: [")
    with pytest.raises(SandboxError, match=r"Pulumi\.local\.yaml is not valid YAML"):
        read_regions(tmp_path / "Pulumi.local.yaml")


@given(first=NAMES, second=NAMES)
def test_slots_are_distinct_and_never_change(first: list[str], second: list[str]) -> None:
    before = assign({}, "one", _regions(first))
    after = assign(before, "two", _regions([name for name in second if name not in first]))
    slots = [plane.slot for plane in after.values()]
    assert len(set(slots)) == len(slots)
    assert all(0 <= slot < SLOTS for slot in slots)
    assert {name: after[name].slot for name in first} == {name: before[name].slot for name in first}


@given(first=NAMES, second=NAMES)
def test_releasing_a_stack_frees_what_no_other_stack_uses(first: list[str], second: list[str]) -> None:
    others = [name for name in second if name not in first]
    record = assign(assign({}, "one", _regions(first)), "two", _regions(others))
    kept, unused = release(record, "one")
    assert set(kept) == set(others)
    assert {plane.name for plane in unused} == set(first)
    assert all(plane.stacks == ("two",) for plane in kept.values())


def test_a_region_that_another_stack_uses_is_refused_with_the_command_that_frees_it() -> None:
    record = assign({}, "regional", [Region(name="us", context="us", cloud="gcp")])
    with pytest.raises(SandboxError) as refused:
        assign(record, "world", [Region(name="eu", context="eu"), Region(name="us", context="other")])
    assert str(refused.value) == (
        "Stack world: the control planes of these regions are in use by regional: us. "
        "Two stacks cannot be in one cluster, not even for a preview. "
        "Take the other down first: `make down STACK=regional`."
    )
    assert assign(record, "regional", [Region(name="us", context="us", cloud="gcp")]) == record


def test_nothing_is_changed_before_a_region_is_refused(tmp_path: Path) -> None:
    layout = Layout(project=tmp_path, home=tmp_path / "home", binaries=tmp_path / "home")
    save_record(layout.registry, assign({}, "regional", _regions(["us"])))
    before = layout.registry.read_text()
    with pytest.raises(SandboxError, match="make down STACK=regional"):
        control_planes.start(layout, "world", _regions(["eu", "us"]))
    assert layout.registry.read_text() == before
    assert {path.name for path in layout.home.iterdir()} == {layout.registry.name, layout.registry_lock.name}


def test_who_changes_the_record_waits_for_whoever_else_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layout = Layout(project=tmp_path, home=tmp_path / "home", binaries=tmp_path / "home")
    record = assign({}, "one", _regions(["eu"]))
    save_record(layout.registry, record)
    with ThreadPoolExecutor() as pool:
        with lock.only_one(layout.registry_lock, "never said"):
            removed = pool.submit(control_planes.remove, layout, "one")
            said, end = "", time.monotonic() + 30
            while "Another command starts or stops control planes; waiting for it." not in said:
                assert time.monotonic() < end, said
                time.sleep(0.01)
                assert not removed.done()
                said += capsys.readouterr().err
            save_record(layout.registry, assign(record, "two", _regions(["us"])))
        assert removed.result(timeout=10) == ["eu"]
    assert set(load_record(layout.registry)) == {"us"}


def test_a_region_that_is_gone_from_the_record_is_no_error(tmp_path: Path) -> None:
    layout = Layout(project=tmp_path, home=tmp_path / "home", binaries=tmp_path / "home")
    assert control_planes.retire(layout, "one", _regions(["eu"])) == []


def test_a_full_sandbox_says_so() -> None:
    record = assign({}, "one", _regions([f"r{number}" for number in range(SLOTS)]))
    with pytest.raises(SandboxError, match="All 64 control planes of the sandbox are in use"):
        assign(record, "two", _regions(["one-more"]))


def test_the_record_survives_writing_and_reading(tmp_path: Path) -> None:
    record = {"eu": ControlPlane(name="eu", context="kind", slot=3, stacks=("a", "b"))}
    save_record(tmp_path / "regions.json", record)
    assert load_record(tmp_path / "regions.json") == record
    assert load_record(tmp_path / "missing.json") == {}


def test_a_damaged_record_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "regions.json").write_text("[{")
    with pytest.raises(SandboxError, match="delete it and run `make up` again"):
        load_record(tmp_path / "regions.json")


def test_regions_that_left_a_stacks_list_are_released_and_the_others_kept() -> None:
    used = assign({}, "world", [Region(name=name, context=name) for name in ("eu", "us", "asia")])
    both = assign(used, "other", [Region(name="africa", context="africa")])
    kept, unused = release(both, "world", ["eu"])
    assert {name: plane.stacks for name, plane in kept.items()} == {"eu": ("world",), "africa": ("other",)}
    assert [plane.name for plane in unused] == ["us", "asia"]
