"""Browsers share a circle's state over the real thing: three regions of nats-servers behind Envoy.

Files, certificates' names, tokens and routes are what the program renders for the stack; addresses are on loopback.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from nats.aio.client import Client

from components.messaging import nkeys
from components.messaging.live_rights import ASKED_READS, ASKED_VALUES
from tests.support.keys import private_key, private_pem
from tests.support.live_board import Board, Participant
from tests.support.live_client import (
    SECONDS,
    Browser,
    ConflictError,
    LiveClient,
    RefusedError,
    WebSocket,
    connected,
    pem_of,
    token,
)
from tests.support.live_regions import FAR, HOME, NEAR, LiveRegions, live_regions
from tests.support.super_cluster import STEP_SECONDS

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]

OURS, THEIRS = "c-c7f0a1", "c-d93be2"
CONNECTIONS, UPLOAD = 20, 256 * 1024
ORACLE = f"circle.{OURS}.agents.a-oracle"
"""Where the agent `oracle` speaks."""


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRegions]:
    """The regions. Each test leaves them complete."""
    limits: dict[str, Any] = {
        "maxMessage": "32Ki",
        "connectionsPerSecond": CONNECTIONS,
        "uploadPerSecond": f"{UPLOAD // 1024}Ki",
        "agents": {"enabled": True, "maxMessage": "8Ki", "subscriptions": 12},
    }
    with live_regions(tmp_path_factory.mktemp("live"), **limits) as built:
        yield built


@asynccontextmanager
async def browser(
    regions: LiveRegions, region: str, name: str, *circles: str, **options: Any
) -> AsyncIterator[LiveClient]:
    """A user's browser, with rights in these circles (default: ours)."""
    key = Browser()
    credential = token(regions.secret, key, name, *(circles or (OURS,)))
    async with connected(regions.gateways[region], credential, key, **options) as client:
        yield client


@asynccontextmanager
async def agent(
    regions: LiveRegions, region: str, name: str, *circles: str, seconds: float = 600
) -> AsyncIterator[LiveClient]:
    """An agent, with rights in these circles (default: ours). It is a program, which names no origin."""
    key = Browser()
    credential = token(regions.secret, key, name, *(circles or (OURS,)), seed="live.agentSeed", seconds=seconds)
    async with connected(regions.gateways[region], credential, key, origin=None) as client:
        yield client


async def until(condition: Callable[[], bool], what: str) -> None:
    for _ in range(STEP_SECONDS * 10):
        if condition():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(what)


async def silent(queue: asyncio.Queue[Any], seconds: float = 1.5) -> bool:
    """Whether nothing arrives."""
    try:
        await asyncio.wait_for(queue.get(), seconds)
    except TimeoutError:
        return True
    return False


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 240))


# What a circle does.


@pytest.mark.parametrize(("here", "there"), [(HOME, FAR), (NEAR, FAR), (FAR, FAR)])
def test_what_one_browser_says_the_others_of_its_circle_hear(regions: LiveRegions, here: str, there: str) -> None:
    async def test() -> None:
        async with browser(regions, here, "amara") as one, browser(regions, there, "ben") as other:
            heard = await other.subscribe(f"circle.{OURS}.>")
            for _ in range(50):
                await one.publish(f"circle.{OURS}.words", b"hello")
                if not heard.empty():
                    break
                await asyncio.sleep(0.1)
            assert (await asyncio.wait_for(heard.get(), SECONDS)).data == b"hello"

    run(test)


@pytest.mark.parametrize("region", [HOME, FAR])
def test_a_value_is_changed_by_compare_and_set(regions: LiveRegions, region: str) -> None:
    async def test() -> None:
        key = f"{OURS}.state.count-{region}"
        async with browser(regions, region, "amara") as one, browser(regions, NEAR, "ben") as other:
            first = await one.put(key, b"1", last=0)
            with pytest.raises(ConflictError):
                await other.put(key, b"other", last=0)
            second = await other.put(key, b"2", last=first)
            with pytest.raises(ConflictError):
                await one.put(key, b"3", last=first)
            for client in (one, other):
                await _reads(client, key, b"2", second)

    run(test)


async def _reads(client: LiveClient, key: str, value: bytes | None, number: int = 0) -> None:
    """Wait until the client's region has this value."""
    for _ in range(STEP_SECONDS * 10):
        found = await client.get(key)
        if found == (value, number):
            return
        await asyncio.sleep(0.1)
    assert found == (value, number)


def test_every_region_hears_of_a_change_once(regions: LiveRegions) -> None:
    async def test() -> None:
        async with AsyncExitStack() as stack:
            queues = {}
            for region in (HOME, NEAR, FAR):
                client = await stack.enter_async_context(browser(regions, region, f"in-{region}"))
                queues[region] = await client.subscribe(f"changed.{OURS}.>")
            await client.put(f"{OURS}.state.topic", b"rivers")
            for queue in queues.values():
                message = await asyncio.wait_for(queue.get(), SECONDS)
                assert (message.subject, message.data) == (f"changed.{OURS}.state.topic", b"rivers")
                assert message.headers["Nats-Subject"] == f"$KV.circles.{OURS}.state.topic"
            for queue in queues.values():
                assert await silent(queue)

    run(test)


def test_a_presence_is_seen_and_ends_by_itself(regions: LiveRegions) -> None:
    async def test() -> None:
        key = f"{OURS}.presence.u-amara"
        async with browser(regions, FAR, "amara") as one, browser(regions, NEAR, "ben") as other:
            changes = await other.subscribe(f"changed.{OURS}.presence.*")
            number = await one.put(key, b"here", Nats_TTL="2s")
            seen = await asyncio.wait_for(changes.get(), SECONDS)
            assert seen.subject == f"changed.{key}"
            await _reads(other, key, b"here", number)
            for client in (one, other):
                await _reads(client, key, None)

    run(test)


def boards(regions: LiveRegions, stack: AsyncExitStack) -> Callable[[Board, str], Awaitable[Participant]]:
    async def share(board: Board, region: str) -> Participant:
        client = await stack.enter_async_context(browser(regions, region, board.name, board.circle))
        return await stack.enter_async_context(board.shared(client))

    return share


def test_two_regions_edit_one_document_and_converge(regions: LiveRegions) -> None:
    async def test() -> None:
        async with AsyncExitStack() as stack:
            share = boards(regions, stack)
            amara, ben = Board("c-edit", "amara"), Board("c-edit", "ben")
            one, other = await share(amara, HOME), await share(ben, FAR)
            for number in range(10):
                await one.write(f"a{number} ")
                await other.write(f"b{number} ")
            await until(lambda: amara.text == ben.text and len(amara.text.split()) == 20, "both have all words")
            late = Board("c-edit", "chidi")
            await until(lambda: not amara.unsaved.is_set() and not ben.unsaved.is_set(), "all is saved")
            await share(late, NEAR)
            await until(lambda: late.text == amara.text, "who comes late has all words")

    run(test)


def test_a_document_converges_after_the_link_between_regions_was_cut(regions: LiveRegions) -> None:
    async def test() -> None:
        async with AsyncExitStack() as stack:
            share = boards(regions, stack)
            amara, ben, bea = Board("c-cut", "amara"), Board("c-cut", "ben"), Board("c-cut", "bea")
            one, other = await share(amara, HOME), await share(ben, FAR)
            await share(bea, FAR)
            await one.write("together ")
            await until(lambda: amara.text == ben.text == bea.text == "together ", "all have the first word")
            await asyncio.to_thread(regions.cut)
            try:
                for number in range(5):
                    await one.write(f"a{number} ")
                    await other.write(f"b{number} ")
                    await asyncio.sleep(0.2)
                await until(lambda: bea.text == ben.text and "b4" in bea.text, "a region goes on by itself")
                assert "a0" not in ben.text
                assert "b0" not in amara.text
            finally:
                await asyncio.to_thread(regions.join)
            await until(lambda: amara.text == ben.text == bea.text, "all have the same text")
            assert sorted(amara.text.split()) == sorted(["together", *(f"{who}{n}" for who in "ab" for n in range(5))])

    run(test)


def test_a_browser_comes_back_when_its_server_has_gone(regions: LiveRegions) -> None:
    async def test() -> None:
        board = Board("c-back", "amara")
        async with browser(regions, NEAR, "amara", "c-back") as client, board.shared(client) as participant:
            await participant.write("before ")
            await until(lambda: not board.unsaved.is_set(), "saved")
            await asyncio.to_thread(regions.stop, NEAR)
            await asyncio.wait_for(client.ended.wait(), SECONDS)
        with pytest.raises(RefusedError, match="HTTP 503"):
            async with browser(regions, NEAR, "amara", "c-back"):
                pass
        await asyncio.to_thread(regions.start, NEAR)
        other = Board("c-back", "ben")
        async with browser(regions, NEAR, "amara", "c-back") as client, board.shared(client) as participant:
            await participant.write("after")
            async with browser(regions, FAR, "ben", "c-back") as there, other.shared(there):
                await until(lambda: other.text == "before after", "the other has both")

    run(test)


# Who gets in.


def test_a_token_without_its_key_is_refused(regions: LiveRegions) -> None:
    async def test() -> None:
        credential = token(regions.secret, Browser(), "amara", OURS)
        with pytest.raises(RefusedError, match="Authorization Violation"):
            async with connected(regions.gateways[NEAR], credential, Browser()):
                pass

    run(test)


def test_an_expired_token_is_refused_and_an_open_connection_ends_with_its_token(regions: LiveRegions) -> None:
    async def test() -> None:
        key = Browser()
        expired = token(regions.secret, key, "amara", OURS, seconds=-1)
        with pytest.raises(RefusedError, match=r"(?i)authorization violation|expired"):
            async with connected(regions.gateways[NEAR], expired, key):
                pass
        short = token(regions.secret, key, "amara", OURS, seconds=3)
        async with connected(regions.gateways[NEAR], short, key) as client:
            await client.flush()
            await asyncio.wait_for(client.ended.wait(), SECONDS)
            assert "Expired" in " ".join(client.errors)

    run(test)


def _forgeries(regions: LiveRegions, key: Browser) -> dict[str, str]:
    secret = dict(regions.secret)
    stranger = nkeys.seed(private_pem(private_key("stranger", "ED25519")), "account")
    right = token(secret, key, "amara", OURS)
    issuer = nkeys.public_key(pem_of(secret["live.seed"]), "account")
    head, claims, _ = right.split(".")
    other = token({**secret, "live.seed": stranger}, key, "amara", OURS)
    wider = token(
        secret,
        key,
        "amara",
        nats={
            "type": "user",
            "version": 2,
            "issuer_account": secret["live.account"],
            "tags": [f"circle:{OURS}"],
            "pub": {"allow": [">"]},
            "sub": {"allow": [">"]},
            "subs": -1,
            "data": -1,
            "payload": -1,
        },
    )
    return {
        "signed by a stranger": other,
        "signed by a stranger in the services' name": token(
            {**secret, "live.seed": stranger}, key, "amara", OURS, iss=issuer
        ),
        "another's signature": f"{head}.{claims}.{other.split('.')[2]}",
        "with more rights than the template": wider,
        "empty": "",
    }


def test_forged_tokens_are_refused(regions: LiveRegions) -> None:
    async def test() -> None:
        key = Browser()
        for how, credential in _forgeries(regions, key).items():
            with pytest.raises(RefusedError, match="Authorization Violation"):
                async with connected(regions.gateways[NEAR], credential, key):
                    pytest.fail(f"a token was taken that is {how}")
            await asyncio.sleep(0.1)

    run(test)


@pytest.mark.parametrize("circle", ["*", ">", "c7f0a1.>", "c7f0a1 >", "*.>"])
def test_a_wildcard_in_a_token_stands_for_no_circle(regions: LiveRegions, circle: str) -> None:
    async def test() -> None:
        async with browser(regions, NEAR, "*", circle) as client:
            await client.publish(f"circle.{OURS}.words", b"x")
            await client.publish(f"{ASKED_VALUES}.{OURS}.state.board", b"x")
            await client.publish(f"{ASKED_VALUES}.{OURS}.presence.u-ben", b"x")
            await client.subscribe(f"circle.{OURS}.words")
            await client.subscribe("circle.>")
            assert len([error for error in client.errors if "Permissions Violation" in error]) == 5, client.errors

    run(test)


def test_a_token_without_a_circle_has_no_rights(regions: LiveRegions) -> None:
    async def test() -> None:
        key = Browser()
        async with connected(regions.gateways[NEAR], token(regions.secret, key, "amara"), key) as client:
            await client.publish("councils.first", b"x")
            await client.publish(f"circle.{OURS}.words", b"x")
            await client.subscribe(f"circle.{OURS}.>")
            await client.flush()
            found = [error for error in client.errors if "Permissions Violation" in error]
            assert len(found) == 3

    run(test)


@pytest.mark.parametrize(
    ("subject", "publishes"),
    [
        (f"circle.{THEIRS}.words", True),
        (f"circle.{THEIRS}.>", False),
        ("circle.>", False),
        ("circle.*.words", False),
        (">", False),
        (f"changed.{THEIRS}.>", False),
        (f"changed.{OURS}.state.board", True),
        ("_INBOX.>", False),
        ("$SYS.>", False),
        ("$KV.circles.>", False),
        (f"$KV.circles.{OURS}.state.board", True),
        (f"{ASKED_VALUES}.{THEIRS}.state.board", True),
        (f"{ASKED_VALUES}.{OURS}.presence.u-ben", True),
        (f"{ASKED_READS}.{THEIRS}.state.board", True),
        ("$JS.LIVE.API.DIRECT.GET.KV_circles", True),
        ("$JS.API.STREAM.INFO.KV_circles", True),
        ("$JS.LIVE.API.CONSUMER.CREATE.KV_circles", True),
        ("councils.first", True),
    ],
)
def test_foreign_subjects_are_refused(regions: LiveRegions, subject: str, publishes: bool) -> None:
    async def test() -> None:
        async with browser(regions, NEAR, "amara") as client:
            if publishes:
                await client.publish(subject, b"x", reply=f"{client.inbox}.none")
                await client.flush()
            else:
                await client.subscribe(subject)
            kind = "Publish" if publishes else "Subscription"
            assert [error for error in client.errors if f"Permissions Violation for {kind}" in error], client.errors

    run(test)


def test_jetstream_answers_nobody_but_the_one_who_asked(regions: LiveRegions) -> None:
    # JetStream sends its answer to any subject that a request names, and a value is what its writer likes.
    async def test() -> None:
        async with browser(regions, HOME, "amara") as one, browser(regions, HOME, "ben", THEIRS) as other:
            heard = [await other.subscribe(f"{subject}.{THEIRS}.>") for subject in ("circle", "changed")]
            key = f"{OURS}.state.poison"
            await one.put(key, b"from another circle")
            for reply in (
                f"circle.{THEIRS}.words",
                f"changed.{THEIRS}.state.board",
                f"{ASKED_VALUES}.{THEIRS}.state.board",
                f"$KV.circles.{THEIRS}.state.board",
            ):
                await one.publish(f"{ASKED_READS}.{key}", b"", reply=reply)
                await one.publish(f"{ASKED_VALUES}.{key}", b"again", reply=reply)
            await one.flush()
            for queue in heard:
                assert await silent(queue)
            assert (await one.get(key))[0] == b"again"
            assert await other.get(f"{THEIRS}.state.board") == (None, 0)
            # And the same subject reaches them when their own circle uses it.
            async with browser(regions, HOME, "bea", THEIRS) as theirs:
                await theirs.publish(f"circle.{THEIRS}.words", b"ours")
                assert (await asyncio.wait_for(heard[0].get(), SECONDS)).data == b"ours"

    run(test)


def test_a_question_about_one_key_is_not_answered_about_others(regions: LiveRegions) -> None:
    async def test() -> None:
        async with browser(regions, HOME, "ben", THEIRS) as other:
            await other.put(f"{THEIRS}.state.secret", b"theirs")
        async with browser(regions, HOME, "amara") as client:
            await client.put(f"{OURS}.state.own", b"ours")
            for question in ({"last_by_subj": f"$KV.circles.{THEIRS}.state.secret"}, {"multi_last": ["$KV.circles.>"]}):
                answer = await client.request(f"{ASKED_READS}.{OURS}.state.own", json.dumps(question).encode())
                assert b"theirs" not in answer.data

    run(test)


def test_a_header_removes_nothing_of_other_circles(regions: LiveRegions) -> None:
    async def test() -> None:
        key = f"{THEIRS}.state.kept"
        async with browser(regions, HOME, "ben", THEIRS) as other, browser(regions, HOME, "amara") as client:
            number = await other.put(key, b"kept")
            for rollup in ("all", "sub"):
                with pytest.raises(RefusedError, match="rollup"):
                    await client.put(f"{OURS}.state.x", b"x", Nats_Rollup=rollup)
            assert await other.get(key) == (b"kept", number)

    run(test)


def test_only_known_pages_may_connect(regions: LiveRegions) -> None:
    async def test() -> None:
        for origin in ("https://evil.example", "http://sacred-council.love", "https://sacred-council.love:444", "null"):
            with pytest.raises(RefusedError, match="HTTP 403"):
                async with browser(regions, NEAR, "amara", origin=origin):
                    pass
        # A program that is no browser names no origin; its token decides.
        async with browser(regions, NEAR, "amara", origin=None) as client:
            await client.flush()

    run(test)


@pytest.mark.parametrize("path", ["/live/", "/live/leafnode", "/live/mqtt", "/live/../live/leafnode", "/"])
def test_the_gateway_leads_nowhere_else(regions: LiveRegions, path: str) -> None:
    async def test() -> None:
        with pytest.raises(RefusedError, match="HTTP 404"):
            await WebSocket.open(regions.gateways[NEAR], path, regions.gateways[NEAR].origin)

    run(test)


def test_the_gateway_reaches_the_servers_with_post_quantum_key_exchange_alone(regions: LiveRegions) -> None:
    gateway = regions.open_gateway(HOME, strict=True)

    async def test() -> None:
        key = Browser()
        async with connected(gateway, token(regions.secret, key, "amara", OURS), key) as client:
            await client.flush()

    run(test)


# Limits.


def test_a_message_that_is_too_large_ends_the_connection(regions: LiveRegions) -> None:
    async def test() -> None:
        async with browser(regions, NEAR, "amara") as client:
            await client.publish(f"circle.{OURS}.words", b"x" * 32 * 1024)
            await client.flush()
            await client.publish(f"circle.{OURS}.words", b"x" * (32 * 1024 + 1))
            await asyncio.wait_for(client.ended.wait(), SECONDS)
            # The server may have closed before its reason has arrived.
            log = regions.cluster.platform.running.log(f"{NEAR}-live")
            assert "maximum payload exceeded" in log.lower()

    run(test)


def test_a_browser_has_no_more_subscriptions_than_it_may(regions: LiveRegions) -> None:
    async def test() -> None:
        async with browser(regions, NEAR, "amara") as client:
            for number in range(63):
                await client.subscribe(f"circle.{OURS}.{number}")
            assert client.errors == []
            await client.subscribe(f"circle.{OURS}.more")
            assert "maximum subscriptions exceeded" in " ".join(client.errors)

    run(test)


def test_the_gateway_takes_no_more_new_connections_in_a_second_than_it_should(regions: LiveRegions) -> None:
    async def test() -> None:
        gateway = regions.gateways[FAR]
        await asyncio.sleep(1.5)

        async def attempt() -> str:
            try:
                socket = await WebSocket.open(gateway, "/live", gateway.origin)
            except RefusedError as error:
                return str(error)
            await socket.close()
            return "open"

        found = await asyncio.gather(*(attempt() for _ in range(3 * CONNECTIONS)))
        assert found.count("open") >= CONNECTIONS
        assert found.count("HTTP 429") >= CONNECTIONS / 2
        # While many wait for a server at once, the gateway says that it has no more room.
        assert set(found) <= {"open", "HTTP 429", "HTTP 503"}
        await asyncio.sleep(1.5)
        assert await attempt() == "open"

    run(test)


def test_the_gateway_takes_no_more_data_in_a_second_than_it_should(regions: LiveRegions) -> None:
    async def test() -> None:
        async with browser(regions, FAR, "amara") as client:
            pieces = 4 * UPLOAD // (16 * 1024)
            started = asyncio.get_running_loop().time()
            for _ in range(pieces):
                await client.publish(f"circle.{OURS}.words", b"x" * 16 * 1024)
            await client.flush()
            took = asyncio.get_running_loop().time() - started
            # Four seconds' worth; the first second's may go at once.
            assert took > 2

    run(test)


# Agents.


def violations(client: LiveClient) -> list[str]:
    return [error for error in client.errors if "Permissions Violation" in error]


@pytest.mark.parametrize(("here", "there"), [(FAR, HOME), (NEAR, NEAR)])
def test_an_agent_speaks_under_its_own_name_and_hears_its_circle(regions: LiveRegions, here: str, there: str) -> None:
    async def test() -> None:
        async with agent(regions, here, "oracle") as oracle, browser(regions, there, "amara") as amara:
            heard, asked = await amara.subscribe(f"circle.{OURS}.>"), await oracle.subscribe(f"circle.{OURS}.>")
            for _ in range(50):
                await oracle.publish(f"{ORACLE}.words", b"an answer")
                await amara.publish(f"circle.{OURS}.words", b"a question")
                if not heard.empty() and not asked.empty():
                    break
                await asyncio.sleep(0.1)
            message = await asyncio.wait_for(heard.get(), SECONDS)
            assert (message.subject, message.data) == (f"{ORACLE}.words", b"an answer")
            assert (await asyncio.wait_for(asked.get(), SECONDS)).data == b"a question"
            assert oracle.errors == amara.errors == []

    run(test)


@pytest.mark.parametrize("region", [HOME, FAR])
def test_an_agent_reads_the_state_of_its_circle_and_may_not_change_it(regions: LiveRegions, region: str) -> None:
    async def test() -> None:
        key = f"{OURS}.state.seen-by-agents-in-{region}"
        async with browser(regions, HOME, "amara") as amara, agent(regions, region, "oracle") as oracle:
            changes = await oracle.subscribe(f"changed.{OURS}.>")
            number = await amara.put(key, b"ours")
            assert (await asyncio.wait_for(changes.get(), SECONDS)).subject == f"changed.{key}"
            await _reads(oracle, key, b"ours", number)
            for value in (b"theirs", b""):
                await oracle.publish(f"{ASKED_VALUES}.{key}", value, reply=f"{oracle.inbox}.none")
            await oracle.flush()
            assert len(violations(oracle)) == 2
            assert await silent(changes)
            assert await amara.get(key) == (b"ours", number)

    run(test)


def test_the_presence_of_an_agent_says_that_it_is_one(regions: LiveRegions) -> None:
    async def test() -> None:
        key = f"{OURS}.presence.a-oracle"
        async with agent(regions, FAR, "oracle") as oracle, browser(regions, NEAR, "amara") as amara:
            changes = await amara.subscribe(f"changed.{OURS}.presence.*")
            number = await oracle.put(key, b"here", Nats_TTL="2s")
            assert (await asyncio.wait_for(changes.get(), SECONDS)).subject == f"changed.{key}"
            await _reads(amara, key, b"here", number)
            await _reads(amara, key, None)

    run(test)


NOT_AGENTS_TO_SAY = (
    f"circle.{OURS}.words",
    f"circle.{OURS}.agents",
    f"circle.{OURS}.agents.a-oracle",
    f"circle.{OURS}.agents.a-other.words",
    f"circle.{OURS}.agents.a-oracles.words",
    f"circle.{OURS}.agents.u-amara.words",
    f"circle.{THEIRS}.agents.a-oracle.words",
    f"{ASKED_VALUES}.{OURS}.state.board",
    f"{ASKED_VALUES}.{OURS}.state.agents.a-oracle",
    f"{ASKED_VALUES}.{OURS}.presence.u-amara",
    f"{ASKED_VALUES}.{OURS}.presence.u-oracle",
    f"{ASKED_VALUES}.{OURS}.presence.a-other",
    f"{ASKED_VALUES}.{THEIRS}.presence.a-oracle",
    f"{ASKED_READS}.{THEIRS}.state.board",
    f"changed.{OURS}.state.board",
    f"$KV.circles.{OURS}.state.board",
    "$JS.LIVE.API.CONSUMER.CREATE.KV_circles",
    "$JS.API.STREAM.INFO.KV_circles",
    "councils.first",
)
NOT_AGENTS_TO_HEAR = (
    f"circle.{THEIRS}.agents.>",
    "circle.*.agents.>",
    "circle.>",
    f"changed.{THEIRS}.>",
    "_INBOX.>",
    "$SYS.>",
    ">",
)


def test_an_agent_has_no_other_subjects(regions: LiveRegions) -> None:
    # In one connection: the gateway lets only so many begin in a second.
    async def test() -> None:
        async with agent(regions, NEAR, "oracle") as oracle:
            for subject in NOT_AGENTS_TO_SAY:
                await oracle.publish(subject, b"x", reply=f"{oracle.inbox}.none")
                await oracle.flush()
                assert "Violation for Publish" in " ".join(oracle.errors), f"{subject} was taken"
                oracle.errors.clear()
            for subject in NOT_AGENTS_TO_HEAR:
                await oracle.subscribe(subject)
                assert "Violation for Subscription" in " ".join(oracle.errors), f"{subject} was taken"
                oracle.errors.clear()

    run(test)


@pytest.mark.parametrize("name", ["oracle", "a-oracle", "*", "agents"])
def test_who_has_a_browsers_token_cannot_speak_as_an_agent(regions: LiveRegions, name: str) -> None:
    async def test() -> None:
        async with agent(regions, NEAR, "oracle") as oracle, browser(regions, NEAR, name) as person:
            heard = await oracle.subscribe(f"circle.{OURS}.agents.>")
            subjects = (
                f"{ORACLE}.words",
                f"circle.{OURS}.agents.words",
                f"circle.{OURS}.agents.u-{name}.words",
                f"{ASKED_VALUES}.{OURS}.presence.a-oracle",
            )
            for subject in subjects:
                await person.publish(subject, b"x")
            await person.flush()
            assert len(violations(person)) == len(subjects), person.errors
            assert await silent(heard)
            # All else of the circle is theirs as before.
            await person.publish(f"circle.{OURS}.words.agents", b"x")
            await person.flush()
            assert len(violations(person)) == len(subjects)

    run(test)


def test_a_token_of_one_key_in_the_other_keys_name_is_refused(regions: LiveRegions) -> None:
    async def test() -> None:
        key, secret = Browser(), regions.secret
        seeds = ("live.seed", "live.agentSeed")
        issuers = {seed: nkeys.public_key(pem_of(secret[seed]), "account") for seed in seeds}
        for seed, other in (seeds, seeds[::-1]):
            forged = token(secret, key, "oracle", OURS, seed=seed, iss=issuers[other])
            with pytest.raises(RefusedError, match="Authorization Violation"):
                async with connected(regions.gateways[NEAR], forged, key, origin=None):
                    pytest.fail(f"a token was taken that {seed} has signed in the name of {other}")

    run(test)


def test_an_agents_token_grants_nothing_of_its_own(regions: LiveRegions) -> None:
    async def test() -> None:
        key = Browser()
        wider = {
            "type": "user",
            "version": 2,
            "issuer_account": regions.secret["live.account"],
            "tags": [f"circle:{OURS}"],
            "pub": {"allow": [">"]},
            "sub": {"allow": [">"]},
            "subs": -1,
            "data": -1,
            "payload": -1,
        }
        credential = token(regions.secret, key, "oracle", seed="live.agentSeed", nats=wider)
        with pytest.raises(RefusedError, match="Authorization Violation"):
            async with connected(regions.gateways[NEAR], credential, key, origin=None):
                pass

    run(test)


@pytest.mark.parametrize(("name", "circle"), [("*", "*"), (">", ">"), ("oracle.>", "c7f0a1"), ("oracle", "c7f0a1.>")])
def test_a_wildcard_in_an_agents_token_stands_for_nobody(regions: LiveRegions, name: str, circle: str) -> None:
    async def test() -> None:
        async with agent(regions, NEAR, name, circle) as client:
            for subject in (
                f"circle.{OURS}.agents.a-other.words",
                f"circle.{OURS}.words",
                f"{ASKED_VALUES}.{OURS}.presence.a-other",
            ):
                await client.publish(subject, b"x")
            await client.subscribe(f"circle.{THEIRS}.words")
            assert len(violations(client)) == 4, client.errors

    run(test)


def test_an_agents_token_ends(regions: LiveRegions) -> None:
    async def test() -> None:
        with pytest.raises(RefusedError, match=r"(?i)authorization violation|expired"):
            async with agent(regions, NEAR, "oracle", seconds=-1):
                pass
        async with agent(regions, NEAR, "oracle", seconds=3) as oracle:
            await oracle.flush()
            await asyncio.wait_for(oracle.ended.wait(), SECONDS)
            assert "Expired" in " ".join(oracle.errors)

    run(test)


def test_a_message_of_an_agent_is_smaller_than_a_browsers_may_be(regions: LiveRegions) -> None:
    async def test() -> None:
        async with agent(regions, NEAR, "oracle") as oracle:
            await oracle.publish(f"{ORACLE}.words", b"x" * 8 * 1024)
            await oracle.flush()
            assert oracle.errors == []
            await oracle.publish(f"{ORACLE}.words", b"x" * (8 * 1024 + 1))
            await asyncio.wait_for(oracle.ended.wait(), SECONDS)

    run(test)


def test_an_agent_has_fewer_subscriptions_than_a_browser(regions: LiveRegions) -> None:
    async def test() -> None:
        async with agent(regions, NEAR, "oracle") as oracle:
            # One is the inbox.
            for number in range(11):
                await oracle.subscribe(f"circle.{OURS}.{number}")
            assert oracle.errors == []
            await oracle.subscribe(f"circle.{OURS}.more")
            assert "maximum subscriptions exceeded" in " ".join(oracle.errors)

    run(test)


# The region's own side.


def test_services_see_and_change_the_state_with_their_own_connection(regions: LiveRegions) -> None:
    async def put(client: Client) -> int:
        found = await client.jetstream(timeout=10).publish("$KV.circles.c-service.state.topic", b"from a service")
        return found.seq

    region = regions.cluster.regions[HOME]
    number = regions.cluster.platform.with_client(region, put)

    async def test() -> None:
        async with browser(regions, FAR, "amara", "c-service") as client:
            await _reads(client, "c-service.state.topic", b"from a service", number)

    run(test)


def test_the_links_of_the_servers_for_browsers_are_no_way_in_for_clients(regions: LiveRegions) -> None:
    platform, region = regions.cluster.platform, regions.cluster.regions[HOME]

    async def nothing(client: Client) -> None:
        await client.flush()

    for user in ("live-circles", "live-state"):
        password = f"password-of-{HOME}-messaging-{user}-password"
        with pytest.raises(Exception, match="Authorization Violation"):
            platform.with_client(region, nothing, user=user, password=password)
