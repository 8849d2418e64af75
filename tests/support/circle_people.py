"""People in circles: LiveKit's own client, in a process that is told what to do.

`python -m tests.support.circle_people` reads a line of JSON for each request and answers with one that begins with
`ANSWER`. Each person speaks with a tone, so that a listener can tell from the sound who speaks.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
import numpy
from livekit import rtc
from livekit.protocol.rtc import SignalResponse

from tests.support import stun

ANSWER = "answer: "
RATE = 48_000
FRAME = RATE // 100
HEARD_FRAMES, FEWEST_FRAMES = 50, 25
"""Of 10 ms each: how many are kept, and how many tell a tone."""
HEARD_SECONDS = 1.5
"""What came before is past."""
LOUD = 1000.0
"""Mean amplitude above which something is heard."""
STEP_SECONDS = 30.0
SIGNAL_PATH = "/rtc"

Request = dict[str, Any]


@dataclass
class Person:
    """Somebody in a room, and what has come to that person."""

    room: rtc.Room
    texts: list[dict[str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    sounds: dict[str, deque[Any]] = field(default_factory=dict)
    """The last frames that came from others, with the time when they came, by their names."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def follow(self) -> None:
        """Keep what comes."""
        self.room.on("data_received", self._data)
        self.room.on("track_subscribed", self._track)
        for event in ("reconnecting", "reconnected", "disconnected"):
            self.room.on(event, lambda *about, event=event: self._event(event, *about))

    def run(self, work: Awaitable[None]) -> None:
        """Do something until the person leaves."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _data(self, packet: rtc.DataPacket) -> None:
        sender = packet.participant.identity if packet.participant else ""
        self.texts.append({"from": sender, "text": packet.data.decode()})

    def _track(self, track: rtc.Track, _publication: object, sender: rtc.RemoteParticipant) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self.run(self._listen(track, sender.identity))

    async def _listen(self, track: rtc.Track, sender: str) -> None:
        kept = self.sounds[sender] = deque(maxlen=HEARD_FRAMES)
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        try:
            async for event in stream:
                kept.append((time.monotonic(), numpy.array(event.frame.data, dtype=numpy.int16)))
        finally:
            await stream.aclose()

    def _event(self, event: str, *about: object) -> None:
        self.events.append({"event": event, "at": time.monotonic(), "about": [str(one) for one in about]})


class People:
    """Everybody in this process, by name."""

    def __init__(self) -> None:
        self._people: dict[str, Person] = {}

    async def answer(self, request: Request) -> Any:
        """Do what the request says."""
        action: Callable[..., Awaitable[Any]] = getattr(self, request.pop("do"))
        return await action(**request)

    async def join(
        self, who: str, url: str, token: str, *, key: str = "", ice_servers: list[dict[str, Any]] | None = None
    ) -> str:
        """Enter the token's room; return the room's name. `key`: what members encrypt with from end to end."""
        servers = [
            rtc.IceServer(urls=one["urls"], username=one["username"], password=one["password"])
            for one in ice_servers or []
        ]
        room = rtc.Room()
        person = Person(room)
        person.follow()
        options = rtc.RoomOptions(rtc_config=rtc.RtcConfiguration(ice_servers=servers))
        if key:
            options.encryption = rtc.E2EEOptions(key_provider_options=rtc.KeyProviderOptions(shared_key=key.encode()))
        await room.connect(url, token, options)
        self._people[who] = person
        return room.name

    async def speak(self, who: str, hertz: int) -> None:
        """Publish a tone."""
        person = self._people[who]
        source = rtc.AudioSource(RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=False)
        await person.room.local_participant.publish_track(track, options)
        person.run(_sing(source, hertz))

    async def heard(self, who: str) -> dict[str, int]:
        """The tones of the last moments, by speaker. Whoever is silent is not in it."""
        since, found = time.monotonic() - HEARD_SECONDS, {}
        for name, kept in self._people[who].sounds.items():
            frames = [frame for came, frame in kept if came > since]
            sound = numpy.concatenate(frames) if len(frames) >= FEWEST_FRAMES else numpy.zeros(1)
            if numpy.abs(sound.astype(float)).mean() > LOUD:
                found[name] = _hertz(sound)
        return found

    async def send(self, who: str, text: str) -> None:
        """Send a text to all others in the room."""
        await self._people[who].room.local_participant.publish_data(text, reliable=True)

    async def texts(self, who: str) -> list[dict[str, str]]:
        """The texts that have come, with their senders."""
        return self._people[who].texts

    async def others(self, who: str) -> list[str]:
        """The names of the others in the room."""
        return sorted(self._people[who].room.remote_participants)

    async def events(self, who: str) -> list[dict[str, Any]]:
        """Lost and new connections."""
        return self._people[who].events

    async def connected(self, who: str) -> bool:
        """Whether the person is in the room, with a connection."""
        return bool(self._people[who].room.connection_state == rtc.ConnectionState.CONN_CONNECTED)

    async def paths(self, who: str) -> list[dict[str, Any]]:
        """How media travel: of each connection's chosen pair, this side's candidate and the port of the other.

        The client does not say the other's address if that side spoke first.
        """
        stats = await self._people[who].room.get_rtc_stats()
        return [path for each in (stats.publisher_stats, stats.subscriber_stats) for path in _paths(each)]

    async def leave(self, who: str) -> None:
        """Leave the room."""
        person = self._people.pop(who)
        for task in list(person.tasks):
            task.cancel()
        await person.room.disconnect()

    async def everybody_leaves(self) -> None:
        """Let all leave their rooms."""
        for who in list(self._people):
            await self.leave(who)

    async def signal(self, url: str, token: str, room: str = "") -> dict[str, Any]:
        """What the server says to whoever joins: the room, and the servers for ICE. `room`: what a browser asks for."""
        about = {"access_token": token, "protocol": 15, "sdk": "python", **({"room": room} if room else {})}
        address = f"{url}{SIGNAL_PATH}?{urlencode(about)}"
        async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
            response = SignalResponse.FromString(await socket.receive_bytes())
        answer = response.join
        servers = [
            {"urls": list(one.urls), "username": one.username, "password": one.credential} for one in answer.ice_servers
        ]
        return {"room": answer.room.name, "region": answer.server_info.region, "ice_servers": servers}

    async def call(
        self, url: str, name: str, authority: str, token: str, method: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Call the server's own API for rooms, at a server with this `name`; return status and answer."""
        trust = ssl.create_default_context(cafile=authority)
        address, headers = f"{url}/twirp/livekit.RoomService/{method}", {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(address, json=body, headers=headers, server_hostname=name, ssl=trust) as response,
        ):
            return {"status": response.status, "body": await response.json()}

    async def get(self, url: str) -> dict[str, Any]:
        """What a URL answers: status and text."""
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return {"status": response.status, "text": await response.text()}

    async def tunnel(self, host: str, port: int, authority: str) -> int:
        """Open a port of this machine that leads into TLS to `host`, which must have a certificate of the authority.

        The client trusts the public authorities only, and has no option for others.
        """
        context = ssl.create_default_context(cafile=authority)

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there_reader, there_writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
            await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))

        server = await asyncio.start_server(carry, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    async def certificate(self, host: str, port: int, authority: str) -> str:
        """The digest of the certificate that a server shows."""
        context = ssl.create_default_context(cafile=authority)
        _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return hashlib.sha256(shown).hexdigest()

    async def relays(self, host: str, authority: str, username: str, password: str, peers: list[str]) -> list[bool]:
        """Whether TURN over TLS would relay to each of these addresses (RFC 8656)."""
        context = ssl.create_default_context(cafile=authority)
        reader, writer = await asyncio.open_connection(host, 443, ssl=context, server_hostname=host)
        relay = stun.Session(username, password)

        async def ask(request: bytes) -> stun.Answer:
            writer.write(request)
            head = await reader.readexactly(stun.HEAD)
            return relay.read(head + await reader.readexactly(stun.rest_of(head)))

        first = await ask(relay.allocate())
        assert first.failed, "it asks for no password"
        second = await ask(relay.allocate())
        assert not second.failed, "it refuses the server's own password"
        found = [not (await ask(relay.permit(peer))).failed for peer in peers]
        writer.close()
        return found


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def _sing(source: rtc.AudioSource, hertz: int) -> None:
    begin = 0
    while True:
        times = (begin + numpy.arange(FRAME)) / RATE
        tone = (8000 * numpy.sin(2 * numpy.pi * hertz * times)).astype(numpy.int16)
        begin += FRAME
        await source.capture_frame(rtc.AudioFrame(tone.tobytes(), RATE, 1, FRAME))


def _hertz(sound: Any) -> int:
    strengths = numpy.abs(numpy.fft.rfft(sound * numpy.hanning(len(sound))))
    return round(float(numpy.argmax(strengths)) * RATE / len(sound))


def _paths(stats: Any) -> list[dict[str, Any]]:
    pairs, local, remote = [], {}, {}
    for each in stats:
        match each.WhichOneof("stats"):
            case "candidate_pair":
                pairs.append(each.candidate_pair.candidate_pair)
            case "local_candidate":
                local[each.local_candidate.rtc.id] = each.local_candidate.candidate
            case "remote_candidate":
                remote[each.remote_candidate.rtc.id] = each.remote_candidate.candidate
    chosen = [pair for pair in pairs if pair.nominated and pair.bytes_sent]
    return [
        {
            "type": rtc.stats.IceCandidateType.Name(local[pair.local_candidate_id].candidate_type),
            "protocol": local[pair.local_candidate_id].protocol,
            "url": local[pair.local_candidate_id].url,
            "port": remote[pair.remote_candidate_id].port,
        }
        for pair in chosen
    ]


async def _serve() -> None:
    people, loop = People(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            async with asyncio.timeout(STEP_SECONDS):
                answer = {"result": await people.answer(json.loads(line))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {getattr(error, 'message', error)}"}
        print(f"{ANSWER}{json.dumps(answer)}", flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
