"""Streams and mirrors on the real super-cluster, created by the Job's script with the real `nats` command.

The stack is `multiregion` with two streams: one mirrored in all regions, one in none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from tests.support.binaries import binary
from tests.support.nats_servers import PASSWORD, stored
from tests.support.rendering import Rendered, render, stack_config
from tests.support.super_cluster import SuperCluster, files, job_files, nats_command, run_job, super_cluster

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]

HOME, NEAR, FAR = "europe-west1", "us-central1", "asia-east1"
COUNCILS, LOCAL = "councils", "here-only"
MESSAGES = 20
STREAMS = [
    {"name": COUNCILS, "subjects": ["councils.>"], "home": HOME, "mirroredIn": "all", "maxSize": "8Mi"},
    {"name": LOCAL, "subjects": ["local.>"], "home": FAR, "maxSize": "8Mi"},
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuperCluster]:
    """The super-cluster with its streams. Each test leaves it complete."""
    with made(tmp_path_factory.mktemp("streams")) as built:
        yield built


@contextmanager
def made(directory: Path) -> Iterator[SuperCluster]:
    """Start the super-cluster and create its streams."""
    binary("nats")
    with super_cluster(stack(STREAMS), directory) as built:
        built.start()
        for name in (FAR, NEAR, HOME):
            assert run_job(built, name).returncode == 0
        yield built


def stack(listed: list[dict[str, Any]], *without: str) -> Rendered:
    """Render the multiregion stack with these streams and without some of its regions."""
    regions = [
        region for region in stack_config("multiregion")["sacred-council:regions"] if region["name"] not in without
    ]
    return render(
        "multiregion",
        {
            "sacred-council:regions": regions,
            "sacred-council:database": {"primaryRegion": NEAR},
            "sacred-council:messaging": {"servers": 3, "storage": "1Gi", "streams": listed},
        },
    )


def publish(subject: str, count: int = 1) -> Any:
    async def do(client: Client) -> int:
        acknowledged = [await stored(client, f"{subject}.{number}", b"%d" % number) for number in range(count)]
        return acknowledged[-1].seq

    return do


async def messages(client: Client) -> int:
    """Return the number of messages in the region's copy of the stream."""
    return (await client.jetstream(timeout=10).stream_info(COUNCILS)).state.messages


async def held(client: Client) -> set[str]:
    return {info.config.name or "" for info in await client.jetstream(timeout=10).streams_info()}


async def read(client: Client) -> list[bytes]:
    """Return all messages that a consumer of the region's copy receives."""
    subscription = await client.jetstream(timeout=10).subscribe("councils.>", stream=COUNCILS, ordered_consumer=True)
    expected = await messages(client)
    return [(await subscription.next_msg(timeout=10)).data for _ in range(expected)]


def here(cluster: SuperCluster, name: str, do: Any, index: int = 0) -> Any:
    return cluster.platform.with_client(cluster.regions[name], do, index=index)


def caught_up(cluster: SuperCluster, *names: str) -> int:
    """Wait until the mirrors of these regions have as many messages as the home region; return that number."""
    wanted = int(here(cluster, HOME, messages))
    for name in names:
        cluster.eventually(lambda name=name: here(cluster, name, messages) == wanted, f"{name} has {wanted} messages")
    return wanted


def test_each_region_holds_what_is_configured_for_it(cluster: SuperCluster) -> None:
    assert here(cluster, HOME, held) == here(cluster, NEAR, held) == {COUNCILS}
    assert here(cluster, FAR, held) == {COUNCILS, LOCAL}


def test_what_is_published_at_home_is_read_in_the_other_regions(cluster: SuperCluster) -> None:
    here(cluster, HOME, publish("councils", MESSAGES))
    caught_up(cluster, NEAR, FAR)
    at_home = here(cluster, HOME, read)
    assert len(at_home) >= MESSAGES
    assert here(cluster, NEAR, read) == here(cluster, FAR, read) == at_home


def test_what_is_published_elsewhere_goes_to_the_home_and_to_all_mirrors(cluster: SuperCluster) -> None:
    before = here(cluster, HOME, messages)
    cluster.eventually(lambda: here(cluster, FAR, publish("councils.from-afar")) > before, "the home took it")
    assert caught_up(cluster, NEAR, FAR) == here(cluster, HOME, messages) > before


def test_the_job_changes_nothing_when_it_runs_again(cluster: SuperCluster) -> None:
    before = here(cluster, HOME, messages)
    for name in cluster.regions:
        result = run_job(cluster, name)
        assert result.returncode == 0, result.stdout + result.stderr
    assert here(cluster, HOME, messages) == before
    assert caught_up(cluster, NEAR, FAR) == before


def test_the_job_changes_a_stream_in_place_and_keeps_its_messages(cluster: SuperCluster) -> None:
    before = here(cluster, HOME, messages)
    file = f"{COUNCILS}.json"
    for name in (HOME, NEAR):
        text = job_files(cluster.rendered, name)[file]
        assert '"max_bytes": 8388608' in text
        result = run_job(cluster, name, {file: text.replace('"max_bytes": 8388608', '"max_bytes": 9388608')})
        assert result.returncode == 0, result.stdout + result.stderr

    async def limit(client: Client) -> int:
        return (await client.jetstream(timeout=10).stream_info(COUNCILS)).config.max_bytes or 0

    assert here(cluster, HOME, limit) == here(cluster, NEAR, limit) == 9388608
    assert here(cluster, HOME, messages) == before == caught_up(cluster, NEAR)


def test_a_definition_that_is_refused_fails_the_job(cluster: SuperCluster) -> None:
    file = f"{COUNCILS}.json"
    text = job_files(cluster.rendered, HOME)[file].replace('"num_replicas": 3', '"num_replicas": 9')
    result = run_job(cluster, HOME, {file: text})
    assert result.returncode != 0
    assert "replicas" in result.stdout + result.stderr


def test_passwords_are_in_no_output(cluster: SuperCluster) -> None:
    result = run_job(cluster, HOME)
    assert PASSWORD not in result.stdout + result.stderr


def test_mirrors_are_read_while_the_home_is_dead_and_catch_up_when_it_is_back(cluster: SuperCluster) -> None:
    here(cluster, HOME, publish("councils.before", MESSAGES))
    count = caught_up(cluster, NEAR, FAR)
    cluster.kill(HOME)
    try:
        for name in (NEAR, FAR):
            for index in range(3):
                cluster.eventually(
                    lambda name=name, index=index: len(here(cluster, name, read, index)) == count,
                    f"all {count} messages of {name}, read from server {index}",
                )
    finally:
        cluster.start(HOME)
    cluster.eventually(lambda: here(cluster, HOME, publish("councils.after")) > count, "the home is back")
    assert caught_up(cluster, NEAR, FAR) > count


def test_a_mirror_may_not_do_at_home_what_it_does_not_need(cluster: SuperCluster) -> None:
    async def ask(client: Client) -> str:
        try:
            answer = await client.request(f"$JS.{HOME}.API.STREAM.DELETE.{COUNCILS}", b"", timeout=3)
        except Exception as error:
            return type(error).__name__
        return answer.data.decode()

    assert here(cluster, NEAR, ask) in {"NoRespondersError", "TimeoutError"}
    assert here(cluster, HOME, held) == {COUNCILS}


def test_a_mirror_becomes_the_stream_when_its_home_is_lost_for_good(tmp_path: Path) -> None:
    moved = [{**STREAMS[0], "home": NEAR}, STREAMS[1]]
    with made(tmp_path) as cluster:
        here(cluster, HOME, publish("councils", MESSAGES))
        count = caught_up(cluster, NEAR, FAR)
        cluster.kill(HOME)
        cluster.rendered = stack(moved, HOME)
        for name in (NEAR, FAR):
            restart_with_new_files(cluster, name)
        promoted = run_job(cluster, NEAR)
        assert promoted.returncode == 0, promoted.stdout + promoted.stderr
        assert here(cluster, NEAR, publish("councils.after")) == count + 1
        refused = run_job(cluster, FAR)
        assert refused.returncode != 0
        assert "mirror" in refused.stdout + refused.stderr
        removed = nats_command(cluster, FAR, {"remove.sh": f"nats stream rm {COUNCILS} --force"}, "remove.sh")
        assert removed.returncode == 0, removed.stdout + removed.stderr
        assert run_job(cluster, FAR).returncode == 0
        cluster.eventually(lambda: here(cluster, FAR, messages) == count + 1, "the other mirrors the new home")


def restart_with_new_files(cluster: SuperCluster, name: str) -> None:
    """Restart the region's servers one by one, as their StatefulSet does."""
    region = cluster.regions[name]
    region.files = files(cluster.rendered, name)
    for index in reversed(range(region.servers)):
        cluster.platform.running.stop(region.server_name(index))
        cluster.platform.start(region, index)
        cluster.platform.healthy(region, index)
