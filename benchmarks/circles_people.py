"""People for the benchmark of circles, with LiveKit's own client: all speak without a pause, and hear all others.

`python -m benchmarks.circles_people URL ROOM PEOPLE VIDEO` reads the API key and its secret from the environment,
fills a room, says `ready` and stays until its standard input ends.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from typing import Final

import numpy
from livekit import api, rtc

KEY_VARIABLE: Final = "LIVEKIT_API_KEY"
SECRET_VARIABLE: Final = "LIVEKIT_API_SECRET"  # noqa: S105 - a variable's name
RATE: Final = 48_000
PIECE: Final = RATE // 50
WIDTH, HEIGHT, FRAMES, BITS = 320, 180, 15, 150_000
"""The video: size, frames a second, and bits a second at most."""
BLOCK: Final = 8
READY: Final = "ready"
READY_SECONDS: Final = 120


def token(key: str, secret: str, room: str, who: str) -> str:
    """Return a token for one person and one room."""
    grants = api.VideoGrants(room_join=True, room=room)
    return api.AccessToken(key, secret).with_identity(who).with_grants(grants).to_jwt()


async def _join(url: str, room: str, who: str) -> rtc.Room:
    entered = rtc.Room()
    await entered.connect(url, token(os.environ[KEY_VARIABLE], os.environ[SECRET_VARIABLE], room, who))
    return entered


async def _speak(source: rtc.AudioSource) -> None:
    """Noise, because a pause or a tone would take fewer bytes."""
    noise = random.Random(7)  # noqa: S311 - not a secret
    pieces = [noise.randbytes(2 * PIECE) for _ in range(RATE // PIECE)]
    while True:
        for piece in pieces:
            await source.capture_frame(rtc.AudioFrame(piece, RATE, 1, PIECE))


def _pictures() -> list[bytes]:
    """A second of blocks that move to the left, as I420."""
    blocks = numpy.random.default_rng(7).integers(16, 235, (HEIGHT // BLOCK + 1, WIDTH // BLOCK), dtype=numpy.uint8)
    picture = numpy.kron(blocks, numpy.ones((BLOCK, BLOCK), dtype=numpy.uint8))[:HEIGHT]
    gray = bytes([128]) * (WIDTH * HEIGHT // 2)
    return [numpy.roll(picture, -count * WIDTH // FRAMES, axis=1).tobytes() + gray for count in range(FRAMES)]


async def _show(source: rtc.VideoSource) -> None:
    """A picture that moves."""
    pictures, begin, count = _pictures(), time.monotonic(), 0
    while True:
        picture = pictures[count % len(pictures)]
        source.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.I420, picture))
        count += 1
        await asyncio.sleep(max(0.0, begin + count / FRAMES - time.monotonic()))


async def _fill(url: str, room: str, people: int, video: bool) -> None:
    rooms = [await _join(url, room, f"person-{number}") for number in range(people)]
    # The tracks share their sources: what is measured is the server.
    voice, camera = rtc.AudioSource(RATE, 1), rtc.VideoSource(WIDTH, HEIGHT)
    work = [asyncio.create_task(_speak(voice)), *([asyncio.create_task(_show(camera))] if video else [])]
    for entered in rooms:
        await _publish(entered, voice, camera if video else None)
    tracks = (2 if video else 1) * (people - 1)
    async with asyncio.timeout(READY_SECONDS):
        while any(_subscribed(entered) < tracks for entered in rooms):
            await asyncio.sleep(0.2)
    print(READY, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for task in work:
        task.cancel()
    await asyncio.gather(*(entered.disconnect() for entered in rooms))


async def _publish(entered: rtc.Room, voice: rtc.AudioSource, camera: rtc.VideoSource | None) -> None:
    speaking = rtc.LocalAudioTrack.create_audio_track("voice", voice)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=False)
    await entered.local_participant.publish_track(speaking, options)
    if camera is not None:
        showing = rtc.LocalVideoTrack.create_video_track("camera", camera)
        encoding = rtc.VideoEncoding(max_bitrate=BITS, max_framerate=FRAMES)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_CAMERA,
            video_encoding=encoding,
            video_codec=rtc.VideoCodec.VP8,
            simulcast=False,
        )
        await entered.local_participant.publish_track(showing, options)


def _subscribed(entered: rtc.Room) -> int:
    others = entered.remote_participants.values()
    return sum(one.track is not None for other in others for one in other.track_publications.values())


if __name__ == "__main__":
    asyncio.run(_fill(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "video"))
