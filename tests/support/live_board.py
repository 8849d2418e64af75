"""A document that a circle edits together: a CRDT, told to whoever is there, and kept in the circle's state.

This is what docs/live-collaboration.md asks of a page. An edit goes out at once, as a small message; the whole document
is kept as a value, with compare-and-set. What a browser missed, it gets from the value.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from pycrdt import Doc, Text

from tests.support.live_client import ConflictError, LiveClient, Message, RefusedError

BOARD = "board"
BACK_OFF = 0.3
PRESENT = "30s"
"""How long a presence is kept without another sign of life."""


class Board:
    """One participant's copy of the document. It outlives the participant's connections."""

    def __init__(self, circle: str, name: str) -> None:
        self.circle, self.name = circle, name
        self.document: Doc[Text] = Doc()
        self.document[BOARD] = Text()
        self.unsaved = asyncio.Event()

    @property
    def text(self) -> str:
        """The document."""
        return str(self.document[BOARD])

    @property
    def key(self) -> str:
        """The document's key in the state of circles."""
        return f"{self.circle}.state.{BOARD}"

    def merge(self, update: bytes) -> None:
        """Take somebody else's edits in."""
        self.document.apply_update(update)

    @contextlib.asynccontextmanager
    async def shared(self, client: LiveClient) -> AsyncIterator[Participant]:
        """Take part, through this connection."""
        messages = await client.subscribe(f"circle.{self.circle}.>")
        changes = await client.subscribe(f"changed.{self.circle}.>")
        participant = Participant(self, client)
        tasks = [
            asyncio.create_task(participant.follow(messages)),
            asyncio.create_task(participant.follow(changes)),
            asyncio.create_task(participant.save()),
        ]
        try:
            await participant.catch_up()
            yield participant
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class Participant:
    """A board with a connection."""

    def __init__(self, board: Board, client: LiveClient) -> None:
        self.board, self.client = board, client
        self.present: set[str] = set()
        """Who has been seen."""

    async def catch_up(self) -> int:
        """Take in what is kept; return the number of its last change. What the others lack is saved."""
        kept, number = await self.client.get(self.board.key)
        if kept is not None:
            self.board.merge(kept)
        return number

    async def write(self, words: str) -> None:
        """Append to the document."""
        document = self.board.document
        before = document.get_state()
        document[BOARD] += words
        self.board.unsaved.set()
        await self.client.publish(f"circle.{self.board.circle}.{BOARD}", document.get_update(before))

    async def greet(self) -> None:
        """Say that this user is here."""
        key = f"{self.board.circle}.presence.u-{self.board.name}"
        await self.client.put(key, json.dumps({"name": self.board.name}).encode(), Nats_TTL=PRESENT)

    async def follow(self, messages: asyncio.Queue[Message]) -> None:
        """Take in edits and changes as they come."""
        while True:
            message = await messages.get()
            last = message.subject.rpartition(".")[2]
            if ".presence." in message.subject:
                self.present.add(last.removeprefix("u-"))
            elif last == BOARD and message.data:
                self.board.merge(message.data)

    async def save(self) -> None:
        """Keep the document whenever it was edited here, until that has succeeded."""
        while True:
            await self.board.unsaved.wait()
            self.board.unsaved.clear()
            try:
                number = await self.catch_up()
                await self.client.put(self.board.key, self.board.document.get_update(), last=number)
            except (ConflictError, RefusedError, TimeoutError):
                self.board.unsaved.set()
                await asyncio.sleep(BACK_OFF)


__all__ = ["BOARD", "Board", "Participant"]
