"""Capacity, carbon, the document, its Markdown, and the difference between two."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from components.circles.livekit import KEEPER_RESOURCES, PROXY_RESOURCES
from components.circles.settings import CirclesSettings
from components.cluster.settings import ExistingRegion
from components.quantities import cpus, quantity_bytes
from components.streaming.configuration import CONTROLLER_CPU, CONTROLLER_MEMORY
from components.streaming.settings import StreamingSettings
from report import __main__ as command
from report.budget import BUDGETS
from report.capacity import capacity, participants, participants_per_core, pods_needed
from report.carbon import MEMORY_WATTS_PER_GB, footprints, watts
from report.difference import change, difference
from report.document import document
from report.machines import Machines
from report.markdown import edge_sites
from report.preview import Plan, read_preview
from report.sites import storages
from stacks.settings import Settings, parse
from tests.conftest import STACKS
from tests.support.edge_sites import LISBON
from tests.support.plans import PREFIX, engine_says, planned, preview_of, region
from tests.support.rendering import Rendered, stack_config, stack_header

pytestmark = pytest.mark.unit

FOUR_CPUS_16_GIB = ("e2-standard-4", "m7i.xlarge", "Standard_D4s_v5")
FOR_PODS = 0.6
"""Share of a machine that remains after Kubernetes, monitoring, mesh and gateways."""
PROXY = {"cpu": "20m", "memory": "128Mi"}
"""The requests of Istio's proxy in each pod of a service."""
SMALL = Machines(cloud="gcp", type="e2-standard-4", least=3, most=9, disk="pd-ssd", disk_gb=0)


def _settings(regions: int, stage: str = "continental", pods: int = 6) -> dict[str, object]:
    names = ("us-central1", "europe-west1", "asia-east1")[:regions]
    return {
        "stage": stage,
        "regions": [
            {"name": name, "cloud": "existing", "context": name, "egressAddresses": ["192.0.2.1"]} for name in names
        ],
        "services": {"sacred-messaging": {"maxReplicas": pods}},
        **({"database": {"primaryRegion": names[0]}, "messaging": {"servers": 3}} if regions > 1 else {}),
    }


def test_one_region_carries_what_its_pods_hold() -> None:
    found = capacity(parse(_settings(1, "regional", pods=2)))
    assert (found.connections, found.users, found.enough) == (10_000, 100_000, True)


def test_several_regions_carry_what_is_left_when_one_is_lost() -> None:
    found = capacity(parse(_settings(3, pods=6)))
    assert (found.connections, found.users, found.enough) == (60_000, 600_000, False)
    assert found.pods_needed == 10


def _committed(stack: str) -> Settings:
    values = stack_config(stack).items()
    return parse({key.removeprefix(PREFIX): value for key, value in values if key.startswith(PREFIX)})


@pytest.mark.parametrize("stack", STACKS)
def test_every_committed_stack_carries_the_users_of_its_stage(stack: str) -> None:
    found = capacity(_committed(stack))
    assert found.enough
    assert found.pods >= found.pods_needed


@pytest.mark.parametrize("stack", ["local", "regional"])
def test_a_stack_with_a_small_budget_says_what_is_off_to_keep_it(stack: str) -> None:
    settings = _committed(stack)
    parts = {
        "event streaming": settings.streaming.enabled,
        "live collaboration": settings.messaging.websocket.enabled,
        "agents": settings.messaging.websocket.agents.enabled,
        "matching": settings.matching.enabled,
        "KEDA": settings.scaling.enabled,
        "the trust ledger": settings.ledger.enabled,
        "circles": settings.circles.enabled,
    }
    _, _, said = stack_header(stack).partition("Off, to keep the budget of ")
    budget, _, off = said.partition(":")
    assert budget == BUDGETS[settings.stage].words
    off, _, _ = off.partition(".")
    assert {part for part in parts if part in off} == {part for part, on in parts.items() if not on}


def _kafka(streaming: StreamingSettings) -> list[tuple[int, str, str]]:
    brokers = (streaming.brokers, streaming.cpu, streaming.memory)
    return [brokers, (streaming.controllers, CONTROLLER_CPU, CONTROLLER_MEMORY)] if streaming.enabled else []


def _circles(circles: CirclesSettings) -> list[tuple[int, str, str]]:
    beside = (PROXY_RESOURCES, KEEPER_RESOURCES)
    each = [(circles.cpu, circles.memory), *((one.cpu, one.memory) for one in beside)]
    return [(circles.servers, cpu, memory) for cpu, memory in each] if circles.enabled else []


@pytest.mark.parametrize("stack", STACKS)
def test_the_machines_of_committed_stacks_hold_the_pods_of_data_services_and_services_at_the_most(stack: str) -> None:
    settings = _committed(stack)
    services, matching = settings.running_services.by_name().values(), settings.matching
    pods = [
        (settings.database.nodes, settings.database.cpu, settings.database.memory),
        (settings.cache.replicas, settings.cache.cpu, settings.cache.memory),
        (settings.messaging.servers, settings.messaging.cpu, settings.messaging.memory),
        *_kafka(settings.streaming),
        (matching.max_replicas if matching.enabled else 0, matching.cpu, matching.memory),
        (settings.ledger.validators if settings.ledger.enabled else 0, settings.ledger.cpu, settings.ledger.memory),
        *_circles(settings.circles),
        *((service.max_replicas, service.cpu, service.memory) for service in services),
        (sum(service.max_replicas for service in services), PROXY["cpu"], PROXY["memory"]),
    ]
    for one in settings.regions:
        if not isinstance(one, ExistingRegion):
            assert one.nodes.type in FOUR_CPUS_16_GIB
            room = one.nodes.max * FOR_PODS
            assert sum(count * cpus("cpu", cpu) for count, cpu, _ in pods) <= room * 4
            assert sum(count * quantity_bytes("memory", memory) for count, _, memory in pods) <= room * 16 * 2**30


def test_of_kafka_the_quotas_of_the_services_are_known() -> None:
    values = {**_settings(3), "streaming": {"enabled": True, "brokers": 3, "produceRate": "2Mi"}}
    assert capacity(parse(values)).streamed_bytes_per_second == 3 * 3 * 2 * 2**20
    assert capacity(parse(_settings(3))).streamed_bytes_per_second == 0


def test_of_matching_the_most_servers_and_the_size_of_the_embeddings_are_known() -> None:
    """Three servers in each of three regions. A number of an embedding has four bytes."""
    matching = {"enabled": True, "sourceNetworks": ["203.0.113.7/32"], "dimension": 100}
    found = capacity(parse({**_settings(3), "matching": matching}))
    assert (found.embedding_servers, found.embedding_bytes) == (3 * 3, found.planned_users * 400)
    without = capacity(parse(_settings(3)))
    assert (without.embedding_servers, without.embedding_bytes) == (0, 0)


def test_of_the_ledger_it_is_known_how_many_validators_it_may_lose() -> None:
    """Of four validators more than two thirds are three, of seven five."""
    known = {}
    for regions, validators in ((1, 4), (1, 7), (3, 1), (3, 2)):
        ledger = {"enabled": True, "validators": validators, "genesisRegions": ["us-central1"]}
        found = capacity(parse({**_settings(regions), "ledger": ledger}))
        known[found.validators] = found.validators_outlived
    assert known == {3: 0, 4: 1, 6: 1, 7: 2}
    assert capacity(parse(_settings(3))).validators == 0


def test_of_edge_sites_the_outage_is_known_that_their_outboxes_bear() -> None:
    """One GiB is 1,048,576 messages of a KiB: at ten a second 29.1 hours, as docs/edge-sites.md says."""
    streams = [
        {"name": "councils", "subjects": ["councils.>"], "home": "europe-west1", "maxSize": "1Gi"},
        {"name": "orders", "subjects": ["orders.>"], "home": "us-central1", "mirroredIn": "all", "maxSize": "256Mi"},
        {"name": "local", "subjects": ["local.>"], "home": "us-central1", "maxSize": "256Mi"},
    ]
    values = {**_settings(3), "messaging": {"servers": 3, "storage": "5Gi", "streams": streams}}
    (lisbon,) = storages(parse({**values, "edgeSites": [LISBON]}))
    assert (lisbon.site, lisbon.home, lisbon.disk_bytes) == ("lisbon", "europe-west1", 4 * 2**30)
    # The home holds its own stream and a mirror; only its own takes what the site publishes.
    assert lisbon.copies_bytes == 2**30 + 2**28
    assert [(outbox.stream, outbox.bytes, outbox.hours) for outbox in lisbon.outboxes] == [("councils", 2**30, 29.1)]
    assert list(storages(parse(values))) == []


def test_the_report_shows_edge_sites_with_their_homes() -> None:
    site = {"diskBytes": 2**32, "copiesBytes": 2**30, "home": "europe-west1"}
    outbox = {"stream": "councils", "bytes": 2**30, "hours": 29.1}
    text = "\n\n".join(
        edge_sites([{**site, "site": "lisbon", "outboxes": [outbox]}, {**site, "site": "oulu", "outboxes": []}])
    )
    assert "| lisbon | europe-west1 | 4.00 GiB | 1.00 GiB | 1.00 GiB | councils 29.1 h |" in text
    assert "| oulu | europe-west1 | 4.00 GiB | 1.00 GiB | 0.00 GiB | none: no stream lives in its home |" in text
    assert list(edge_sites([])) == []


def test_of_circles_the_participants_follow_from_a_measurement(tmp_path: Path) -> None:
    """Two servers with two cores each, at 80 %, in the two regions that are left of three."""
    edge = {"domain": "example.org", "cdn": "gcp", "project": "my-project"}
    servers = {"enabled": True, "servers": 2, "cpu": "2"}
    given = [{**one, "gatewayAddress": "203.0.113.7"} for one in cast("list[dict[str, Any]]", _settings(3)["regions"])]
    settings = parse({**_settings(3), "regions": given, "edge": edge, "circles": servers})
    assert participants(settings, {"audio, rooms of 4": 100.0}) == {"audio, rooms of 4": 640}
    assert participants(settings, {}) == {}
    assert participants(parse(_settings(3)), {"audio, rooms of 4": 100.0}) == {}
    result = tmp_path / "circles.json"
    assert participants_per_core(result) == {}
    result.write_text(json.dumps({"rows": [{"load": "audio, rooms of 4", "participants per core": 95.5}]}))
    assert participants_per_core(result) == {"audio, rooms of 4": 95.5}


def test_messages_are_a_quarter_of_the_benchmark_in_each_region() -> None:
    found = capacity(parse(_settings(3)))
    assert found.messages_per_second == 3 * 1_225_000
    assert found.stored_per_second == 3 * 8_925


@pytest.mark.parametrize(
    ("users", "regions", "expected"), [(100, 1, 2), (1_000_000, 3, 10), (10_000_000, 6, 40), (1_000_000, 1, 20)]
)
def test_pods_needed_follow_the_model(users: int, regions: int, expected: int) -> None:
    assert pods_needed(users, regions) == expected


def test_a_machine_draws_its_processors_and_memory_with_overhead() -> None:
    consumed = 4 * (0.71 + (4.26 - 0.71) / 2) + 16 * MEMORY_WATTS_PER_GB
    assert watts(SMALL) == pytest.approx(consumed * 1.1)


def test_the_power_of_an_unknown_machine_is_unknown() -> None:
    pool = planned("gcp:container/nodePool:NodePool", "us-central1-pool", {"nodeConfig": {"machineType": "n9-huge-1"}})
    (found,) = footprints(Plan((*region("us-central1", "gcp"), pool)))
    assert found.least_kg is None
    assert found.unknown == ("power of n9-huge-1",)


def test_carbon_is_energy_times_the_grid() -> None:
    inputs = {
        "autoscaling": {"totalMinNodeCount": 1, "totalMaxNodeCount": 2},
        "nodeConfig": {"machineType": "e2-standard-4"},
    }
    pool = planned("gcp:container/nodePool:NodePool", "europe-west1-pool", inputs)
    (found,) = footprints(Plan((*region("europe-west1", "gcp"), pool)))
    expected = (watts(SMALL) or 0) * 8.76
    assert found.least_kwh == pytest.approx(expected)
    assert found.most_kg == pytest.approx(2 * expected * 180 / 1000)


def test_a_region_on_machines_of_ones_own_has_an_unknown_footprint(local: Rendered) -> None:
    report = document(preview_of("local", local))
    assert report["carbon"]["unknownRegions"] == 1
    assert "machines" in report["carbon"]["regions"][0]["unknown"][0]


@pytest.mark.parametrize(
    ("before", "after", "expected"), [(1, 1, "$1.00"), (1, 3, "$3.00 (+$2.00)"), (3, 1, "$1.00 (-$2.00)")]
)
def test_changes_of_money_carry_their_sign(before: float, after: float, expected: str) -> None:
    assert change(before, after) == expected


def test_what_is_deleted_is_not_in_the_plan() -> None:
    gone = {"op": "delete", "urn": "urn:pulumi:local::p::a:b:C::gone", "oldState": {"type": "a:b:C"}}
    assert read_preview({"steps": [gone]}).plan.resources == ()


def test_a_failed_preview_is_an_error() -> None:
    with pytest.raises(ValueError, match="it has no steps"):
        read_preview({})
    with pytest.raises(ValueError, match="the preview failed: no cluster"):
        read_preview({"steps": [], "diagnostics": [{"severity": "error", "message": "no cluster\n"}]})


def test_the_command_writes_both_files_and_prints_the_difference(
    tmp_path: Path, local: Rendered, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(engine_says("local", local)))
    arguments = ["report", "local", "--plan", str(plan), "--folder", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", arguments)
    assert command.main() == 0
    written = tmp_path / "out" / "local.json"
    assert capsys.readouterr().out == (tmp_path / "out" / "local.md").read_text()
    monkeypatch.setattr("sys.argv", [*arguments, "--base", str(written)])
    assert command.main() == 0
    assert capsys.readouterr().out == difference(json.loads(written.read_text()), json.loads(written.read_text()))


def test_the_command_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["report", "local", "--plan", str(tmp_path / "missing.json")])
    assert command.main() == 1
    assert "missing.json" in capsys.readouterr().err
