"""A page in headless Chromium edits a circle's document together with a client in another region.

The page and its WebSocket come through the real Envoy of one region, under the platform's own domain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.messaging import nkeys
from tests.support.keys import private_key, private_pem
from tests.support.live_board import Board
from tests.support.live_client import Browser, connected, token
from tests.support.live_page import Pages, chromium, opened, serving
from tests.support.live_regions import FAR, NEAR, LiveRegions, live_regions
from tests.support.servers import eventually

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]

CIRCLE, FOREIGN = "c-a91c02", "c-b77d10"
PAGE, CLIENT = "amara", "ben"


class Named:
    """A browser's key of which only the public half is known here."""

    def __init__(self, public_key: str) -> None:
        self.public_key = public_key


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveRegions, Pages]]:
    chromium()
    built: list[LiveRegions] = []

    def sign(asked: Mapping[str, Any]) -> str:
        """What a service does once it knows who asks."""
        secret = dict(built[0].secret)
        if asked.get("forged"):
            secret["live.seed"] = nkeys.seed(private_pem(private_key("stranger", "ED25519")), "account")
        return token(secret, Named(asked["key"]), asked["name"], asked["circle"], seconds=asked.get("seconds", 600))

    with serving(sign) as pages, live_regions(tmp_path_factory.mktemp("browser"), pages.port) as live:
        built.append(live)
        opened(live.cluster.platform.running, pages, live.gateways[NEAR], circle=CIRCLE, name=PAGE)
        pages.hears(PAGE, "connected")
        yield live, pages


def together(live: LiveRegions, pages: Pages, rounds: int, *, cut: bool) -> str:
    """Let the page and a client in another region write; return the text that both have in the end."""

    async def both() -> str:
        board, key = Board(CIRCLE, CLIENT), Browser()
        credential = token(live.secret, key, CLIENT, CIRCLE)
        async with connected(live.gateways[FAR], credential, key) as client, board.shared(client) as participant:
            if cut:
                await asyncio.to_thread(live.cut)
            try:
                for number in range(rounds):
                    pages.order(PAGE, "write", f"p{number}{cut:d} ")
                    await participant.write(f"c{number}{cut:d} ")
                    await asyncio.sleep(0.2)
                words = {f"{who}{number}{cut:d}" for who in "pc" for number in range(rounds)}
                if cut:
                    await asyncio.to_thread(_page_has, pages, {word for word in words if word[0] == "p"})
                    assert not {word for word in words if word[0] == "p"} & set(board.text.split())
                    assert not {word for word in words if word[0] == "c"} & set(pages.text(PAGE).split())
            finally:
                if cut:
                    await asyncio.to_thread(live.join)
            await asyncio.to_thread(_page_has, pages, words)
            for _ in range(600):
                if words <= set(board.text.split()) and board.text == pages.text(PAGE):
                    return board.text
                await asyncio.sleep(0.1)
            raise AssertionError(f"the client has {board.text!r}, the page {pages.text(PAGE)!r}")

    return asyncio.run(both())


def _page_has(pages: Pages, words: set[str]) -> None:
    eventually(
        lambda: words <= set(pages.text(PAGE).split()),
        seconds=60,
        what=f"the page has all of {sorted(words)}; it has {pages.text(PAGE)!r}",
    )


def test_a_page_and_a_client_in_another_region_edit_one_document(regions: tuple[LiveRegions, Pages]) -> None:
    text = together(*regions, 5, cut=False)
    assert sorted(text.split()) == sorted(f"{who}{number}0" for who in "pc" for number in range(5))


def test_they_converge_after_the_link_between_their_regions_was_cut(regions: tuple[LiveRegions, Pages]) -> None:
    text = together(*regions, 4, cut=True)
    assert {f"{who}{number}1" for who in "pc" for number in range(4)} <= set(text.split())


def test_the_page_comes_back_when_its_server_has_gone(regions: tuple[LiveRegions, Pages]) -> None:
    live, pages = regions
    ended, back = (len(pages.said(PAGE, what)) + 1 for what in ("ended", "connected"))
    live.stop(NEAR)
    pages.hears(PAGE, "ended", ended)
    live.start(NEAR)
    pages.hears(PAGE, "connected", back)


@pytest.mark.parametrize(
    ("order", "subject", "complaint"),
    [
        ("publish", f"circle.{FOREIGN}.board", "Permissions Violation for Publish"),
        ("publish", f"$JS.LIVE.API.$KV.circles.{FOREIGN}.state.board", "Permissions Violation for Publish"),
        ("listen", f"circle.{FOREIGN}.>", "Permissions Violation for Subscription"),
        ("listen", f"changed.{FOREIGN}.>", "Permissions Violation for Subscription"),
    ],
)
def test_the_page_is_refused_foreign_subjects(
    regions: tuple[LiveRegions, Pages], order: str, subject: str, complaint: str
) -> None:
    _, pages = regions
    what = {"publish": "published", "listen": "listens"}[order]
    count = len(pages.said(PAGE, what)) + 1
    pages.order(PAGE, order, subject)
    answer = pages.hears(PAGE, what, count).split("; ")[-1]
    assert complaint in answer
    assert subject in answer


@pytest.mark.parametrize("changes", [{"seconds": -1}, {"forged": True}], ids=["expired", "forged"])
def test_the_page_is_refused_with_a_bad_token(
    regions: tuple[LiveRegions, Pages], changes: Mapping[str, object]
) -> None:
    _, pages = regions
    count = len(pages.said(PAGE, "tried")) + 2
    pages.order(PAGE, "connect", {})
    pages.order(PAGE, "connect", changes)
    assert "Authorization Violation" in pages.hears(PAGE, "tried", count)
    assert pages.said(PAGE, "tried")[count - 2] == ""


def test_a_page_of_another_origin_is_refused(regions: tuple[LiveRegions, Pages]) -> None:
    live, pages = regions
    origin = f"http://localhost:{pages.port}"
    opened(live.cluster.platform.running, pages, live.gateways[NEAR], circle=CIRCLE, name="mallory", origin=origin)
    assert pages.hears("mallory", "refused") == "closed"
    assert pages.said("mallory", "connected") == []
