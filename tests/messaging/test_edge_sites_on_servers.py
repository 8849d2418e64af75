"""Three regions and two edge sites of real nats-servers, from the rendered files. Links are cut under load.

The stack is `multiregion` with two sites at one home. The streams are made by the Jobs' script with the real `nats`.
"""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.js.api import ConsumerConfig
from nats.js.errors import NoStreamResponseError

from components.messaging import configuration, streams
from tests.support import documented
from tests.support.binaries import binary
from tests.support.edge_sites import LISBON, OULU, Sites, edge_sites
from tests.support.nats_servers import PASSWORD, stored
from tests.support.rendering import Rendered, render
from tests.support.super_cluster import nats_command

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(420)]

HOME, NEAR, FAR = "europe-west1", "us-central1", "asia-east1"
REGIONS = (HOME, NEAR, FAR)
SITES = {"lisbon": HOME, "oulu": HOME}
COUNCILS, ORDERS = "councils", "orders"
OUTBOX = streams.outbox("lisbon", COUNCILS)
LOAD = 300
"""Messages of each test under load, a hundred of them while the link is cut."""
STREAMS = [
    {"name": COUNCILS, "subjects": ["councils.>"], "home": HOME, "mirroredIn": "all", "maxSize": "8Mi"},
    {"name": ORDERS, "subjects": ["orders.>"], "home": FAR, "mirroredIn": HOME, "maxSize": "8Mi"},
]


def stack() -> Rendered:
    return render(
        "multiregion",
        {
            "sacred-council:messaging": {"servers": 3, "storage": "1Gi", "streams": STREAMS},
            "sacred-council:edgeSites": [LISBON, OULU],
            # Only the messaging runs.
            "sacred-council:monitoring": {"enabled": False},
            "sacred-council:scaling": {},
            "sacred-council:mesh": {"enabled": False},
            "sacred-council:edge": {},
        },
    )


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """The regions and sites with their streams. Each test leaves them complete."""
    binary("nats")
    with edge_sites(stack(), tmp_path_factory.mktemp("sites"), SITES) as built:
        built.cluster.start(*REGIONS)
        built.cluster.together(*REGIONS)
        for site in SITES:
            built.start(site)
            built.linked(site)
        built.make_streams(FAR, NEAR, HOME, *SITES)
        yield built


def here(sites: Sites, name: str, do: Any) -> Any:
    return sites.cluster.platform.with_client(sites.at(name), do)


def publish(subject: str, numbers: range) -> Any:
    async def do(client: Client) -> str:
        last = ""
        for number in numbers:
            last = (await stored(client, subject, b"%d" % number)).stream
        return last

    return do


def count(stream: str) -> Any:
    async def do(client: Client) -> int:
        return (await client.jetstream(timeout=10).stream_info(stream)).state.messages

    return do


def bodies(stream: str, subject: str) -> Any:
    """Return the bodies of all messages of the stream with this subject, in order."""

    async def do(client: Client) -> list[bytes]:
        jetstream = client.jetstream(timeout=10)
        total = (await jetstream.stream_info(stream, subjects_filter=subject)).state.subjects or {}
        wanted = sum(total.values())
        if not wanted:
            return []
        subscription = await jetstream.subscribe(subject, stream=stream, ordered_consumer=True)
        return [(await subscription.next_msg(timeout=10)).data for _ in range(wanted)]

    return do


def emptied(sites: Sites, *names: str) -> None:
    """Wait until the outboxes of these sites are empty."""
    for name in names:
        sites.cluster.eventually(
            lambda name=name: here(sites, name, count(streams.outbox(name, COUNCILS))) == 0, f"{name} has sent all"
        )


def arrived(sites: Sites, name: str, subject: str, numbers: range) -> None:
    """Wait until the stream at `name` has these messages; then it has them once each, in order."""
    wanted = [b"%d" % number for number in numbers]
    sites.cluster.eventually(
        lambda: len(here(sites, name, bodies(COUNCILS, subject))) >= len(wanted), f"{name} has {len(wanted)} messages"
    )
    assert here(sites, name, bodies(COUNCILS, subject)) == wanted


def test_a_site_has_copies_of_its_homes_streams_and_outboxes_for_those_that_live_there(sites: Sites) -> None:
    async def held(client: Client) -> set[str]:
        return {info.config.name or "" for info in await client.jetstream(timeout=10).streams_info()}

    assert here(sites, "lisbon", held) == {COUNCILS, ORDERS, OUTBOX}
    assert here(sites, HOME, held) == {COUNCILS, ORDERS}


def test_what_a_site_publishes_reaches_every_region_and_every_site(sites: Sites) -> None:
    subject = "councils.everywhere"
    assert here(sites, "lisbon", publish(subject, range(20))) == OUTBOX
    for name in (HOME, NEAR, FAR, "oulu", "lisbon"):
        arrived(sites, name, subject, range(20))
    emptied(sites, "lisbon")


def test_what_a_region_publishes_is_read_at_the_sites(sites: Sites) -> None:
    subject = "councils.from-afar"
    assert here(sites, FAR, publish(subject, range(20))) == COUNCILS
    for name in ("lisbon", "oulu"):
        arrived(sites, name, subject, range(20))


def test_what_a_region_publishes_is_in_no_outbox(sites: Sites) -> None:
    before = here(sites, HOME, count(COUNCILS))
    here(sites, HOME, publish("councils.at-home", range(20)))
    arrived(sites, "lisbon", "councils.at-home", range(20))
    assert here(sites, HOME, count(COUNCILS)) == before + 20
    assert here(sites, "lisbon", count(OUTBOX)) == 0


def test_a_copy_of_a_copy_reaches_the_sites(sites: Sites) -> None:
    async def in_orders(client: Client) -> bytes:
        return (await client.jetstream(timeout=10).get_last_msg(ORDERS, "orders.first")).data or b""

    here(sites, FAR, publish("orders.first", range(1)))
    sites.cluster.eventually(lambda: here(sites, "oulu", in_orders) == b"0", "oulu has the order")


def test_a_site_says_at_once_that_no_stream_takes_a_message(sites: Sites) -> None:
    async def do(client: Client) -> str:
        with pytest.raises(NoStreamResponseError):
            await client.jetstream(timeout=5).publish("orders.from-lisbon", b"1")
        return "said so"

    assert here(sites, "lisbon", do) == "said so"


async def consume(client: Client, subject: str, found: Counter[bytes]) -> None:
    """Acknowledge all messages of the load that a durable consumer gets, and count them in `found`."""
    subscription = await client.jetstream().pull_subscribe(
        subject, durable="reader", stream=COUNCILS, config=ConsumerConfig(filter_subject=subject)
    )
    while sum(found.values()) < LOAD:
        try:
            batch = await subscription.fetch(50, timeout=1)
        except nats.errors.TimeoutError:
            continue
        for message in batch:
            found[message.data] += 1
            await message.ack_sync()
    # Whatever came twice would come now.
    with pytest.raises(nats.errors.TimeoutError):
        found.update([message.data for message in await subscription.fetch(1, timeout=3)])


async def connected(sites: Sites, *names: str) -> dict[str, Client]:
    """A client of each of these regions and sites."""
    options: dict[str, Any] = {
        "user": configuration.APPLICATION_USER,
        "password": PASSWORD,
        "tls": sites.cluster.platform.tls(),
    }
    return {name: await nats.connect(sites.at(name).client_url(), **options) for name in names}


async def consumed_under_load(sites: Sites, subject: str) -> dict[str, Counter[bytes]]:
    """What consumers at both sites and the home get while lisbon publishes, a third of the time without its link."""
    clients = await connected(sites, "lisbon", "oulu", HOME)
    found: dict[str, Counter[bytes]] = {name: Counter() for name in clients}
    reading = [asyncio.create_task(consume(client, subject, found[name])) for name, client in clients.items()]
    steps = {LOAD // 3: sites.cut, 2 * LOAD // 3: sites.join}
    try:
        for number in range(LOAD):
            if number in steps:
                await asyncio.to_thread(steps[number], "lisbon")
            await stored(clients["lisbon"], subject, b"%d" % number)
        await asyncio.wait_for(asyncio.gather(*reading), 120)
        return found
    finally:
        for task in reading:
            task.cancel()
        for client in clients.values():
            await client.close()


def test_nothing_is_lost_and_nothing_is_twice_when_a_link_is_cut_under_load(sites: Sites) -> None:
    subject = "councils.load"
    once = {b"%d" % number: 1 for number in range(LOAD)}
    for name, found in asyncio.run(consumed_under_load(sites, subject)).items():
        assert dict(found) == once, name
    arrived(sites, HOME, subject, range(LOAD))
    emptied(sites, "lisbon")


def test_a_cut_site_reads_what_it_has_and_keeps_what_it_is_told(sites: Sites) -> None:
    subject = "councils.alone"
    before = here(sites, "lisbon", count(COUNCILS))
    sites.cut("lisbon")
    try:
        here(sites, "lisbon", publish(subject, range(30)))
        assert here(sites, "lisbon", count(OUTBOX)) == 30
        assert here(sites, "lisbon", count(COUNCILS)) == before
        here(sites, HOME, publish("councils.meanwhile", range(10)))
        arrived(sites, "oulu", "councils.meanwhile", range(10))
    finally:
        sites.join("lisbon")
    for name in (HOME, "lisbon", "oulu"):
        arrived(sites, name, subject, range(30))
    arrived(sites, "lisbon", "councils.meanwhile", range(10))
    emptied(sites, "lisbon")


def test_a_site_that_was_killed_while_cut_delivers_when_it_is_back(sites: Sites) -> None:
    subject = "councils.killed"
    sites.cut("lisbon")
    here(sites, "lisbon", publish(subject, range(50)))
    sites.cluster.platform.stop(sites.at("lisbon"), kill=True)
    sites.start("lisbon")
    sites.join("lisbon")
    for name in (HOME, "lisbon"):
        arrived(sites, name, subject, range(50))
    emptied(sites, "lisbon")


def test_the_homes_servers_restart_one_by_one_while_a_site_is_cut(sites: Sites) -> None:
    subject = "councils.rolled"
    here(sites, "lisbon", publish(subject, range(25)))
    sites.cut("lisbon")
    here(sites, "lisbon", publish(subject, range(25, 50)))
    home = sites.at(HOME)
    for index in range(home.servers):
        sites.cluster.platform.running.stop(home.server_name(index))
        sites.cluster.platform.start(home, index)
        sites.cluster.platform.healthy(home, index)
    sites.join("lisbon")
    arrived(sites, HOME, subject, range(50))
    emptied(sites, "lisbon")


def test_what_a_site_has_not_delivered_survives_that_its_home_has_dropped_all_of_its_messages(sites: Sites) -> None:
    """The home then no longer knows how far it was. The outbox does."""
    subject = "councils.purged"
    here(sites, "lisbon", publish(subject, range(10)))
    arrived(sites, HOME, subject, range(10))
    emptied(sites, "lisbon")
    sites.cut("lisbon")
    here(sites, "lisbon", publish(subject, range(10, 20)))

    async def purge(client: Client) -> bool:
        return bool(await client.jetstream(timeout=10).purge_stream(COUNCILS))

    assert here(sites, HOME, purge)
    here(sites, HOME, publish("councils.others", range(5)))
    home = sites.at(HOME)
    for index in range(home.servers):
        sites.cluster.platform.running.stop(home.server_name(index))
        sites.cluster.platform.start(home, index)
        sites.cluster.platform.healthy(home, index)
    sites.join("lisbon")
    arrived(sites, HOME, subject, range(10, 20))
    emptied(sites, "lisbon")


def test_a_region_works_while_both_of_its_sites_are_away(sites: Sites) -> None:
    for site in SITES:
        sites.cut(site)
    try:
        assert here(sites, HOME, publish("councils.without-sites", range(10))) == COUNCILS
        sites.make_streams(HOME)
    finally:
        for site in SITES:
            sites.join(site)
    arrived(sites, "oulu", "councils.without-sites", range(10))


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        (f"$JS.{HOME}.API.STREAM.DELETE.{COUNCILS}", b""),
        (f"$JS.{HOME}.API.STREAM.PURGE.{COUNCILS}", b""),
        (f"$JS.{HOME}.API.STREAM.LIST", b""),
        (f"$JS.{HOME}.API.STREAM.MSG.GET.{COUNCILS}", json.dumps({"seq": 1}).encode()),
        ("$JS.oulu.API.CONSUMER.LIST.councils", b""),
    ],
)
def test_a_site_may_not_do_at_home_what_it_does_not_need(sites: Sites, subject: str, body: bytes) -> None:
    async def ask(client: Client) -> str:
        try:
            return (await client.request(subject, body, timeout=3)).data.decode()
        except Exception as error:
            return type(error).__name__

    assert here(sites, "lisbon", ask) in {"NoRespondersError", "TimeoutError"}


def test_a_site_hears_nothing_of_what_services_say_to_each_other_in_regions(sites: Sites) -> None:
    async def do() -> bytes:
        clients = await connected(sites, "lisbon", NEAR, HOME)
        try:
            at_the_site = await clients["lisbon"].subscribe("between.services")
            elsewhere = await clients[NEAR].subscribe("between.services")
            for client in clients.values():
                await client.flush()
            # The other region hears it, so there was something to hear.
            while True:
                await clients[HOME].publish("between.services", b"secret")
                try:
                    await elsewhere.next_msg(timeout=1)
                    break
                except nats.errors.TimeoutError:
                    continue
            try:
                return (await at_the_site.next_msg(timeout=3)).data
            except nats.errors.TimeoutError:
                return b"nothing arrived"
        finally:
            for client in clients.values():
                await client.close()

    assert asyncio.run(do()) == b"nothing arrived"


@pytest.mark.parametrize(
    ("where", "delay"),
    [
        ("a geostationary satellite", 0.27),
        # The moon is at 1.28. There a nats-server no longer waits: it gives its home two seconds for an answer.
        ("three geostationary satellites", 0.8),
    ],
)
def test_a_site_as_far_as_this_delivers_all_in_order(sites: Sites, where: str, delay: float) -> None:
    subject = f"councils.{where.replace(' ', '-')}"
    sites.cut("oulu")
    here(sites, "oulu", publish(subject, range(100)))
    sites.links["oulu"].delay = delay
    try:
        sites.join("oulu")
        arrived(sites, HOME, subject, range(100))
        arrived(sites, "oulu", subject, range(100))
        emptied(sites, "oulu")
    finally:
        sites.cut("oulu")
        sites.links["oulu"].delay = 0.0
        sites.join("oulu")


CARRIED = documented.blocks(documented.DOCS / "runbooks" / "carry-messages.md")
NAMES, PREPARED, AT_THE_SITE, RESTORED, TAKEN, STILL_TO_COME, REMOVED, CONFIRMED = range(8)
"""The blocks of the runbook, in their order."""


def typed(sites: Sites, name: str, folder: Path, block: int) -> str:
    """What the commands of a block say at a region or a site, typed in a folder."""
    names = CARRIED[NAMES].text.replace("mars", "oulu")
    script = f"set -eu\ncd {folder}\n{names}{CARRIED[block].text}"
    done = nats_command(sites.cluster, name, {"typed.sh": script}, "typed.sh")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def unpacked(sites: Sites, folder: Path, subject: str, numbers: range) -> None:
    """Unpack at the home what a site has packed: the stream then has these messages once each, in order."""
    for block in (RESTORED, TAKEN):
        typed(sites, HOME, folder, block)
    arrived(sites, HOME, subject, numbers)
    sites.cluster.eventually(lambda: typed(sites, HOME, folder, STILL_TO_COME) == "0", "nothing is still to come")
    typed(sites, HOME, folder, REMOVED)


def test_what_is_carried_as_a_file_arrives_once_however_often_it_is_carried(sites: Sites, tmp_path: Path) -> None:
    """As for a site on another planet, whose link never begins. The commands are those of the runbook."""
    if shutil.which("jq") is None:
        pytest.skip("no jq on PATH: `apt-get install --no-install-recommends jq` brings it")
    assert len(CARRIED) == CONFIRMED + 1
    subject, outbox = "councils.carried", streams.outbox("oulu", COUNCILS)
    typed(sites, HOME, tmp_path, PREPARED)
    sites.cut("oulu")
    try:
        here(sites, "oulu", publish(subject, range(40)))
        typed(sites, "oulu", tmp_path, AT_THE_SITE)
        # While the file is on its way, the site goes on.
        here(sites, "oulu", publish(subject, range(40, 60)))
        unpacked(sites, tmp_path, subject, range(40))
        # Nobody has told the site, so the next file has the first messages again. It is carried twice.
        typed(sites, "oulu", tmp_path, AT_THE_SITE)
        for _ in range(2):
            unpacked(sites, tmp_path, subject, range(60))
        here(sites, "oulu", publish(subject, range(60, 65)))
        typed(sites, "oulu", tmp_path, CONFIRMED)
        assert here(sites, "oulu", count(outbox)) == 5
        typed(sites, "oulu", tmp_path, AT_THE_SITE)
        unpacked(sites, tmp_path, subject, range(65))
        typed(sites, "oulu", tmp_path, CONFIRMED)
        assert here(sites, "oulu", count(outbox)) == 0
    finally:
        sites.join("oulu")
    for name in (HOME, NEAR, FAR, "oulu"):
        arrived(sites, name, subject, range(65))
