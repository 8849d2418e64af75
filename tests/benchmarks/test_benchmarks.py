"""The benchmarks' own parts: generated stacks, the flat program, the critical path, the page. No test measures time."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks import circles, durations, flat, graph, growth, measure, overhead, page, path, regions, results
from benchmarks.workplace import stack_document
from sandbox import binaries, language
from stacks.settings import parse
from tests.support.rendering import render_program

pytestmark = pytest.mark.unit

MACHINE = {"processor": "x", "cores": 2, "memory GiB": 23, "system": "Linux x86_64", "python": "3.11.7"}
WHEN = {"measured": "2026-11-24 20:00 UTC", "commit": "abc", "machine": MACHINE, "load before": 1.0}


def entry(name: str, minutes: float = 0.0, **more: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:s::p::a:b:C::{name}", "type": "a:b:C", "custom": True, "minutes": minutes, **more}


def urn(name: str) -> str:
    return f"urn:pulumi:s::p::a:b:C::{name}"


def chain(*entries: dict[str, Any]) -> list[tuple[str, float]]:
    steps = graph.longest(entries, lambda item: float(item["minutes"]))
    return [(step.urn.rpartition("::")[2], step.ready) for step in steps]


def test_the_longest_chain_is_found() -> None:
    network, slow = entry("network", 1), entry("slow", 6, dependencies=[urn("network")])
    quick = entry("quick", 2, dependencies=[urn("network")])
    last = entry("last", 1, dependencies=[urn("quick"), urn("slow")])
    assert chain(network, quick, slow, last) == [("network", 1), ("slow", 7), ("last", 8)]


@pytest.mark.parametrize(
    "edge",
    [
        {"dependencies": [urn("first")]},
        {"parent": urn("first")},
        {"provider": f"{urn('first')}::some-id"},
        {"deletedWith": urn("first")},
        {"propertyDependencies": {"name": [urn("first")], "other": None}},
    ],
    ids=lambda edge: str(next(iter(edge))),
)
def test_every_kind_of_edge_counts(edge: dict[str, Any]) -> None:
    assert chain(entry("first", 2), entry("second", 3, **edge)) == [("first", 2), ("second", 5)]


def test_independent_resources_do_not_add_up() -> None:
    assert chain(entry("one", 5), entry("two", 4)) == [("one", 5)]


def test_nothing_has_no_chain() -> None:
    assert path.minutes(graph.longest([], lambda _: 1.0)) == 0.0


@pytest.mark.parametrize(
    ("resource", "minutes"),
    [
        ({"type": "gcp:container/cluster:Cluster", "custom": True}, 6.0),
        ({"type": "kubernetes:apps/v1:StatefulSet", "custom": True}, 2.0),
        ({"type": "kubernetes:core/v1:Service", "custom": True, "inputs": {"spec": {"type": "LoadBalancer"}}}, 1.0),
        ({"type": "kubernetes:core/v1:Service", "custom": True, "inputs": {"spec": {}}}, 1 / 60),
        ({"type": "tls:index/privateKey:PrivateKey", "custom": True}, 0.0),
        ({"type": "pulumi:providers:kubernetes", "custom": True}, 0.0),
        ({"type": "sacred-council:data:Cache", "custom": False}, 0.0),
    ],
)
def test_durations_are_modelled_by_type(resource: dict[str, Any], minutes: float) -> None:
    assert durations.minutes(resource) == minutes


def test_regions_of_all_clouds_come_in_turn() -> None:
    assert [cloud for cloud, _ in regions.names(regions.MIXED)[:6]] == ["gcp", "aws", "azure"] * 2
    assert {cloud for cloud, _ in regions.names("aws")} == {"aws"}
    assert len(set(regions.names(regions.MIXED))) >= growth.PREVIEW_ONLY


def test_the_settings_take_as_many_regions_as_are_previewed() -> None:
    document = regions.document(stack_document("planetary"), regions.MIXED, growth.PREVIEW_ONLY)
    keys = {key.removeprefix("sacred-council:"): value for key, value in document["config"].items()}
    keys.pop("pulumi:disable-default-providers")
    assert len(parse(keys).regions) == growth.PREVIEW_ONLY


def test_a_stack_of_more_regions_begins_with_those_of_fewer() -> None:
    planetary = stack_document("planetary")
    few, many = (regions.document(planetary, "mixed", count)["config"]["sacred-council:regions"] for count in (3, 10))
    assert many[:3] == few
    assert planetary == stack_document("planetary")


def test_more_regions_than_the_catalogue_has_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the catalogue has \d+ regions of gcp, not 999"):
        regions.document(stack_document("planetary"), "gcp", 999)


def test_the_flat_program_keeps_secrets_secret(tmp_path: Path) -> None:
    wrapped = {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "plaintext": '{"key": "dGVzdA=="}',
    }
    inputs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one"}, "data": wrapped}
    state = {"urn": "urn:pulumi:s::p::kubernetes:core/v1:Secret::one", "type": "kubernetes:core/v1:Secret"}
    flat.write(tmp_path / "flat", [{**state, "custom": True, "inputs": inputs}])
    (made,) = render_program("local", {}, tmp_path / "flat" / "__main__.py").resources
    assert made.inputs["data"] == {"key": "dGVzdA=="}
    assert "data" in made.secret_paths
    assert (tmp_path / "flat" / "resources.json").stat().st_mode & 0o077 == 0


def test_the_flat_program_leaves_what_the_program_leaves(tmp_path: Path) -> None:
    """Nobody but the vault may delete a key in Azure, so that the program leaves it to the vault's end."""
    urn = "urn:pulumi:s::p::kubernetes:core/v1:Namespace::"
    item = {"custom": True, "type": "kubernetes:core/v1:Namespace", "inputs": {}}
    kept = {**item, "urn": f"{urn}left", "retainOnDelete": True}
    flat.write(tmp_path / "flat", [kept, {**item, "urn": f"{urn}gone"}])
    left, gone = render_program("local", {}, tmp_path / "flat" / "__main__.py").resources
    assert (left.name, left.retained) == ("left", True)
    assert (gone.name, gone.retained) == ("gone", False)


def test_what_a_cloud_makes_up_comes_from_the_resource_that_has_it() -> None:
    """Azure gives an identity another GUID in each run, and a role names its identity by it."""
    guid, urn = "0e1f6b1c-2222-4333-8444-555566667777", "urn:pulumi:s::p::kubernetes:core/v1:Namespace::one"
    kept = {"custom": True, "type": "kubernetes:core/v1:ConfigMap", "inputs": {"data": {"id": guid}}}
    one, near, far = flat.recorded(
        [
            {"custom": True, "type": "kubernetes:core/v1:Namespace", "urn": urn, "outputs": {"principalId": guid}},
            {**kept, "urn": "urn:pulumi:s::p::kubernetes:core/v1:ConfigMap::near", "dependencies": [urn]},
            {**kept, "urn": "urn:pulumi:s::p::kubernetes:core/v1:ConfigMap::far"},
        ]
    )
    assert one["inputs"] == {}
    assert near["inputs"]["data"] == {"id": {flat.OUTPUT: [urn, "principal_id"]}}
    # Whoever does not depend on it may be registered first.
    assert far["inputs"]["data"] == {"id": guid}


def test_what_the_sdks_class_does_not_take_is_registered_by_its_type() -> None:
    assert flat.takes("pulumi_random", "RandomString", {"length": 1, "minLower": 1})
    assert not flat.takes("pulumi_random", "RandomString", {"lenght": 1})
    state = {"urn": "urn:pulumi:s::p::kubernetes:core/v1:Secret::one", "type": "kubernetes:core/v1:Secret"}
    (made,) = flat.recorded([{**state, "custom": True, "inputs": {"spec": {}}}])
    assert (made["class"], made["inputs"]) == (None, {"spec": {}})


@pytest.mark.parametrize(
    ("command", "role"),
    [
        (["/x/engine/pulumi", "up"], measure.ENGINE),
        (language.program_command("/x/python", "127.0.0.1:1"), measure.LANGUAGE),
        (["/x/python", "-P", "/p/sandbox/language.py", "127.0.0.1:1"], measure.LANGUAGE),
        (["/x/python", "-P", "-m", "sandbox.providers.gcp", "127.0.0.1:1"], measure.PROVIDERS),
        ([f"/x/plugins/{binaries.KUBERNETES_PROVIDER.name}", "127.0.0.1:1"], measure.PROVIDERS),
        (["/x/helm", "template"], ""),
        ([], ""),
    ],
)
def test_processes_are_told_apart(command: list[str], role: str) -> None:
    assert measure.role(command) == role


def test_time_and_output_of_a_command_are_measured(tmp_path: Path) -> None:
    run = measure.run([sys.executable, "-c", "import time; time.sleep(0.1); print('done')"], tmp_path, {})
    assert run.output == "done\n"
    assert run.seconds >= 0.1


def test_a_benchmark_that_is_told_to_end_ends_its_command_first(tmp_path: Path) -> None:
    benchmark = (
        "import signal, sys; from pathlib import Path; from benchmarks import measure\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "measure.run(['sh', '-c', 'echo $$ >pid; exec sleep 60'], Path(sys.argv[1]), {})"
    )
    with subprocess.Popen([sys.executable, "-c", benchmark, str(tmp_path)], stderr=subprocess.DEVNULL) as process:
        file = tmp_path / "pid"
        assert _soon(lambda: file.exists() and file.read_text().endswith("\n"))
        process.terminate()
        assert process.wait(30) != 0
    assert _soon(lambda: not psutil.pid_exists(int(file.read_text())))


def _soon(is_true: Callable[[], bool]) -> bool:
    """Whether `is_true` returns true within thirty seconds."""
    for _ in range(300):
        if is_true():
            return True
        time.sleep(0.1)
    return False


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(measure.FailedError, match="no room"):
        measure.run([sys.executable, "-c", "raise SystemExit('no room')"], tmp_path, {})


def _run(seconds: float) -> measure.Run:
    return measure.Run(
        seconds=seconds,
        cpu={measure.ENGINE: seconds / 2, measure.LANGUAGE: seconds / 2, measure.PROVIDERS: 99.0},
        peak={measure.ENGINE: 100.0 * seconds, measure.LANGUAGE: 50.0 * seconds},
    )


def _overhead() -> dict[str, Any]:
    both = {overhead.STRUCTURED: overhead.Series(), overhead.FLAT: overhead.Series()}
    for name, factor in ((overhead.STRUCTURED, 1.2), (overhead.FLAT, 1.0)):
        for phase in overhead.PHASES:
            both[name].runs[phase] = [_run(factor * seconds) for seconds in (1.0, 2.0, 30.0)]
    compared = overhead._compared(both, {overhead.STRUCTURED: 120, overhead.FLAT: 100})
    loading = {overhead.STRUCTURED: 0.9, overhead.FLAT: 0.6}
    return {"stack": "local", "state written": "once", "loading cpu": loading, **compared}


def test_the_ratio_is_that_of_the_medians() -> None:
    row = _overhead()
    assert row["program"]["up"]["seconds"] == 2.4
    assert {ratio["seconds"] for ratio in row["ratio"].values()} == {1.2}
    assert {ratio["cpu seconds"] for ratio in row["ratio"].values()} == {1.2}
    assert "ratio 1.2" in "\n".join(overhead.lines(_overhead()))
    assert "0.90 s of CPU time against    0.60 s" in "\n".join(overhead.lines(_overhead()))


def test_the_time_to_load_modules_is_that_of_the_modules(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text("import time\nwhile time.process_time() < 0.3: pass\n")
    assert overhead.loading_seconds(tmp_path, "import busy") >= 0.3


def _growth() -> dict[str, Any]:
    rows = [
        {"regions": count, "resources": 10 + 100 * count, **growth._timed("preview", [_run(2.0 * count)])}
        for count in (1, 3)
    ]
    return {"clouds": "mixed", "rows": rows, "per region": growth._per_region(rows)}


def test_what_a_further_region_adds_is_counted() -> None:
    assert _growth()["per region"] == [{"from": 1, "to": 3, "resources": 100.0, "preview": 2.0, "preview CPU": 2.0}]
    assert "1 regions: 110 resources, preview 2.0 s" in "\n".join(growth.lines(_growth()))


def _path() -> dict[str, Any]:
    one, ten = (graph.longest([entry("a", 5), entry("b", m, parent=urn("a"))], lambda r: r["minutes"]) for m in (5, 6))
    series = {"gcp": path._figures({1: one, 10: ten}, 0.0), "mixed": path._figures({10: ten}, 10.0)}
    return {"aim": path.AIM, "limit": path.LIMIT, "series": series}


def test_the_path_is_compared_with_one_region_of_the_slowest_cloud() -> None:
    assert [row["ratio"] for row in _path()["series"]["gcp"]] == [1.0, 1.1]
    assert _path()["series"]["mixed"][0]["ratio"] == 1.1
    assert [step["name"] for step in _path()["series"]["mixed"][0]["chain"]] == ["a", "b"]
    assert "11.00 min, ratio 1.1" in "\n".join(path.lines(_path()))


def test_the_page_shows_what_was_measured_and_says_what_was_not() -> None:
    text = page.text([{**WHEN, **_overhead()}], None, {**WHEN, **_path()}, None)
    assert "Not measured: multiregion, planetary, regional." in text
    assert "| local | 120 (100) | up | 2.40 | 2.00 | 1.20 | 1.20 |" in text
    assert "| local | loading modules | | 0.90 (0.60) | |" in text
    assert "| local | up | 1.20 (1.00) | 1.20 (1.00) | 99.00 (99.00) |" in text
    assert "The part `growth` was not measured." in text
    assert "The part `circles` was not measured." in text
    assert "| mixed | 10 | 11.00 | 1.100 |" in text
    assert "local: Measured 2026-11-24 20:00 UTC at abc, on 2 cores" in text


def test_the_page_names_each_ratio_above_the_limit_and_what_takes_more_there() -> None:
    row = _overhead()
    assert "- local, up, 1.20: engine +0.20 s, language host +0.20 s, providers +0.00 s." in page.text(
        [{**WHEN, **row}], None, None, None
    )
    row["ratio"] = {phase: {**ratio, "seconds": 1.1} for phase, ratio in row["ratio"].items()}
    assert "No ratio is above 1.1." in page.text([{**WHEN, **row}], None, None, None)


def test_the_page_is_that_of_the_last_results(tmp_path: Path) -> None:
    assert page.write(tmp_path / "page.md").read_text() == page.PAGE.read_text()


def test_the_page_says_that_stacks_have_grown_until_all_is_measured_anew() -> None:
    later = {**WHEN, "measured": "2026-12-01 03:00 UTC"}
    assert "smaller\nstacks" in page.text([{**later, **_overhead()}], {**WHEN, **_growth()}, None, None)
    assert "smaller\nstacks" not in page.text([{**later, **_overhead()}], {**later, **_growth()}, None, None)


def test_the_page_shows_growth() -> None:
    text = page.text([], {**WHEN, **_growth()}, None, None)
    assert "| 3 | 310 | 6.0 |  |  | 600 | 300 |" in text
    assert "| 1 | 3 | 100.0 | 2.0 | 2.0 |  |  |" in text


def _circles() -> dict[str, Any]:
    traffic = {
        f"{what} {way} per participant-second": 50.0
        for what in ("packets", "bytes")
        for way in ("incoming", "outgoing")
    }
    row = {"load": circles.Load(2, 3).name, "participants": 6, "rounds": 3, "participants per core": 200.0, **traffic}
    rows = [{**row, "CPU seconds per participant-second": 0.005}]
    return {"server": "livekit-server version 1.2.3", "video": "small", "seconds": 30.0, "rows": rows}


def test_the_page_shows_how_many_people_a_core_carries_in_circles() -> None:
    text = page.text([], None, None, {**WHEN, **_circles()})
    assert "| audio, rooms of 3 | 6 | 50, 50 | 50, 50 | 5.00 | 200 |" in text
    assert "load before the run 1.0. livekit-server version 1.2.3." in text


@pytest.mark.parametrize(("sent", "passed", "fine"), [(50, 150, True), (40, 120, False), (50, 120, False)])
def test_people_who_send_or_hear_too_little_are_no_measurement(sent: float, passed: float, fine: bool) -> None:
    each = {"packets incoming per participant-second": sent, "packets outgoing per participant-second": passed}
    if fine:
        circles.complain(circles.Load(1, 4), each)
        return
    with pytest.raises(measure.FailedError, match="too slow"):
        circles.complain(circles.Load(1, 4), each)


def test_the_traffic_of_circles_is_that_of_both_directions() -> None:
    metrics = """# TYPE livekit_packet_total counter
livekit_packet_total{direction="incoming",node_id="ND_1",transmission="initial"} 100
livekit_packet_total{direction="outgoing",node_id="ND_1",transmission="initial"} 300
livekit_packet_total{direction="outgoing",node_id="ND_1",transmission="retransmit"} 1e+01
livekit_packet_bytes{direction="incoming",node_id="ND_1",transmission="initial"} 9000
livekit_node_packet_total{type="out"} 7
"""
    found = {"packets incoming": 100.0, "packets outgoing": 310.0, "bytes incoming": 9000.0, "bytes outgoing": 0.0}
    assert circles.traffic(metrics) == found


def test_results_are_written_with_their_circumstances(tmp_path: Path) -> None:
    written = results.write("path", {"aim": 1.02}, tmp_path)
    found = json.loads(written.read_text())
    assert found["aim"] == 1.02
    assert {"measured", "commit", "machine"} <= found.keys()
    assert results.read("path", tmp_path) == found
    assert results.read("other", tmp_path) is None
    results.write("overhead-local", {}, tmp_path)
    assert results.names("overhead", tmp_path) == ["overhead-local"]
