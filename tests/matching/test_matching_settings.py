"""Matching's settings, what follows from them for the services, and the names and statements of the table."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.database import cockroachdb_sql, postgresql
from components.matching.embedding import GPU_BATCH_TOKENS, arguments, environment, scaled_object, source_port
from components.matching.index import VectorIndex
from components.matching.settings import MatchingSettings
from components.scaling.scaled_services import BEHAVIOR
from components.services import NAMES
from components.services.settings import MATCHING_SERVICE, ServiceSettings
from stacks.settings import Settings, SettingsError, parse
from tests.support.bad_settings import complaints, with_change
from tests.support.regions import IOWA, VIRGINIA, Where, configured

pytestmark = pytest.mark.unit

COMMIT, OTHER_COMMIT = "a" * 40, "b" * 40


def settings(**sections: object) -> Settings:
    return parse({"stage": "local", "regions": [{"name": "local", "cloud": "existing"}], **sections})


def matching(**keys: object) -> MatchingSettings:
    return MatchingSettings.model_validate(keys)


def index(**changes: object) -> VectorIndex:
    return VectorIndex.of(matching(**{"model": "owner/model", "revision": COMMIT, **changes}))


def test_matching_is_off_and_then_there_are_four_services() -> None:
    assert not settings().matching.enabled
    assert sorted(settings().running_services.by_name()) == list(NAMES)
    assert MATCHING_SERVICE not in NAMES


def test_with_matching_its_service_has_the_defaults_or_what_is_written() -> None:
    on = {"enabled": True, "sourceNetworks": ["203.0.113.7/32"]}
    usual = settings(matching=on).running_services.by_name()
    assert sorted(usual) == sorted((*NAMES, MATCHING_SERVICE))
    assert usual[MATCHING_SERVICE] == ServiceSettings()
    written = settings(matching=on, services={MATCHING_SERVICE: {"maxReplicas": 7}})
    assert written.running_services.by_name()[MATCHING_SERVICE].max_replicas == 7


def test_without_addresses_of_the_source_matching_is_refused() -> None:
    assert complaints(with_change("matching", {"enabled": True})) == [
        "matching.sourceNetworks: must name the addresses of the model's source: network policies let the servers "
        "reach nothing else; write the ranges of a server of yours, or those that the source publishes"
    ]


@pytest.mark.parametrize(
    ("where", "machine", "refused"),
    [
        (IOWA, "e2-standard-4", False),
        (IOWA, "t2a-standard-4", True),
        (VIRGINIA, "m7i.xlarge", False),
        (VIRGINIA, "m7g.xlarge", True),
        (VIRGINIA, "im4gn.xlarge", True),
        (VIRGINIA, "g5.xlarge", False),
    ],
)
def test_matching_is_refused_on_nodes_whose_processors_its_image_is_not_for(
    where: Where, machine: str, refused: bool
) -> None:
    on = {"enabled": True, "sourceNetworks": ["203.0.113.7/32"]}
    values = configured(where) | {"stage": "regional", "matching": on}
    values["regions"][0]["nodes"]["type"] = machine
    complaint = (
        f'regions[0].nodes.type: "{machine}" has Arm processors, and the embedding servers of matching run on x86-64 '
        "processors only; choose a machine with x86-64 processors, or write matching.enabled: false"
    )
    if refused:
        assert complaints(values) == [complaint]
    else:
        assert parse(values).matching.enabled
    assert not parse(values | {"matching": {}}).matching.enabled


def test_a_service_without_matching_is_refused_and_so_is_what_is_wrong_in_it() -> None:
    with pytest.raises(SettingsError) as refused:
        settings(services={MATCHING_SERVICE: {"minReplicas": 4}})
    assert [mistake.path for mistake in refused.value.mistakes] == [
        "services.sacred-matching",
        "services.sacred-matching.minReplicas",
    ]


@pytest.mark.parametrize(
    ("source", "port"),
    [("https://huggingface.co", 443), ("https://models.example.org:8443/hub", 8443), ("https://10.0.0.7/", 443)],
)
def test_the_source_s_port_is_in_its_address(source: str, port: int) -> None:
    assert source_port(source) == port


@pytest.mark.parametrize("change", [{"model": "owner/other"}, {"revision": OTHER_COMMIT}, {"dimension": 768}])
def test_another_model_has_another_table(change: dict[str, object]) -> None:
    assert index(**change).table != index().table
    assert index().table == index().table


@given(st.integers(1, 2000))
def test_a_table_s_name_needs_no_quotes_and_both_databases_make_the_same_columns(dimension: int) -> None:
    made = index(dimension=dimension)
    assert re.fullmatch(r"matching\.profiles_[0-9a-f]{8}", made.table)

    def columns(statements: str) -> list[str]:
        """The lines of the table up to its index, if that is part of it."""
        table = re.split(r",?\n(?:  VECTOR INDEX|\);)", statements.partition("CREATE TABLE")[2])[0]
        return [line.strip(" ,") for line in table.splitlines()[1:]]

    assert columns(made.postgresql) == columns(made.cockroachdb)
    assert f"embedding vector({dimension}) NOT NULL" in columns(made.postgresql)


def test_every_statement_for_cockroachdb_can_run_again() -> None:
    statements = [one.strip() for one in index().cockroachdb.split(";") if one.strip()]
    assert all(one.startswith(("GRANT ", "COMMENT ")) or "IF NOT EXISTS" in one for one in statements)


def test_the_jobs_of_both_databases_read_the_files_that_they_get() -> None:
    assert f"{postgresql.SETTINGS}/application.sql" in postgresql.SCHEMA_SCRIPT
    for file in ("schema.sql", "made.sql"):
        assert file in cockroachdb_sql.SCHEMA_SCRIPT


def test_the_server_runs_one_commit_of_the_model_and_says_so_in_its_answers() -> None:
    wanted = matching(model="owner/model", revision=COMMIT)
    words = arguments(wanted)
    assert {"--model-id=owner/model", f"--revision={COMMIT}", f"--served-model-name=owner/model@{COMMIT}"} <= set(words)
    assert VectorIndex.of(wanted).full_name == f"owner/model@{COMMIT}"


def test_servers_on_gpus_make_the_same_numbers_as_those_on_processors_in_larger_batches() -> None:
    usual, on_gpus = arguments(matching()), arguments(matching(), gpus=True)
    # text-embeddings-inference would take half the precision on a GPU (backends/src/dtype.rs).
    assert "--dtype=float32" in usual
    assert set(on_gpus) - set(usual) == {f"--max-batch-tokens={GPU_BATCH_TOKENS}"}


def test_servers_on_gpus_find_the_driver_where_gke_puts_it() -> None:
    # https://cloud.google.com/kubernetes-engine/docs/how-to/gpus: CUDA libraries are in /usr/local/nvidia/lib64.
    found = environment(matching(), gpus=True)
    assert found["LD_LIBRARY_PATH"].split(":")[0] == "/usr/local/nvidia/lib64"
    assert "/usr/local/nvidia/bin" in found["PATH"].split(":")
    assert not {"LD_LIBRARY_PATH", "PATH"} & environment(matching()).keys()


@pytest.mark.parametrize(("cpu", "threads"), [("250m", "1"), ("1", "1"), ("1500m", "2"), ("4", "4")])
def test_the_server_has_a_thread_for_each_processor_that_it_may_use(cpu: str, threads: str) -> None:
    found = environment(matching(cpu=cpu))
    assert {found[name] for name in ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS")} == {threads}


def test_a_scaled_object_follows_the_queue_and_keeps_servers_when_nobody_answers() -> None:
    found = scaled_object(matching(minReplicas=2, maxReplicas=9, queuePerReplica=5))
    assert (found["minReplicaCount"], found["maxReplicaCount"]) == (2, 9)
    assert found["fallback"] == {"failureThreshold": 3, "replicas": 2, "behavior": "currentReplicasIfHigher"}
    assert found["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] == BEHAVIOR
    triggers = {one["type"]: one for one in found["triggers"]}
    assert triggers["cpu"]["metadata"] == {"value": "70", "containerName": "embedding"}
    queue = triggers["prometheus"]
    assert queue["metricType"] == "AverageValue"
    assert (queue["metadata"]["query"], queue["metadata"]["threshold"]) == ("embedding:queue:texts", "5")
    assert queue["metadata"]["ignoreNullValues"] == "false"
