"""An application of a ledger, for tests: it keeps `key=value`, makes snapshots and lets old blocks go.

It speaks ABCI 2.0 (CometBFT 0.38) at a socket: messages of protobuf, each behind its length. Of each message it knows
the fields that it needs, by the numbers in proto/tendermint/abci/types.proto.

    LEDGER_SOCKET=unix://FILE LEDGER_DATA=FOLDER python -m tests.support.ledger_application
"""

import base64
import hashlib
import json
import os
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

VARINT, BYTES = 0, 2
ACCEPTED: Final = 1
VOTE: Final = b"val=ed25519!"
KEPT_SNAPSHOTS: Final = 3

Fields = dict[int, list[Any]]


def varint(number: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    number &= 2**64 - 1
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes((*made, number))


def message(**fields: Any) -> bytes:
    """A message with fields such as `f3=7` or `f1=b"text"`; lists are repeated fields. Zero and empty are left out."""
    made = b""
    for name, values in fields.items():
        for value in values if isinstance(values, list) else [values] if values else []:
            number = int(name[1:])
            if isinstance(value, int):
                made += varint(number << 3 | VARINT) + varint(value)
            else:
                made += varint(number << 3 | BYTES) + varint(len(value)) + value
    return made


def fields_of(data: bytes) -> Fields:
    """The fields of a message: numbers and bytes, by their number."""
    found: Fields = {}
    place = 0

    def number() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(data):
        key = number()
        if key & 7 == VARINT:
            value: Any = number()
        elif key & 7 == BYTES:
            length = number()
            value, place = data[place : place + length], place + length
        else:
            raise ValueError(f"field {key >> 3} has wire type {key & 7}")
        found.setdefault(key >> 3, []).append(value)
    return found


def first(fields: Fields, number: int, default: Any = b"") -> Any:
    return fields.get(number, [default])[0]


class Application:
    """The state of the application, in a file that each commit replaces."""

    def __init__(self, folder: Path, interval: int, retained: int) -> None:
        self.file, self.interval, self.retained = folder / "state.json", interval, retained
        self.lock = threading.Lock()
        self.state: dict[str, Any] = {"height": 0, "values": {}}
        if self.file.is_file():
            self.state = json.loads(self.file.read_text())
        self.snapshots: dict[int, bytes] = {}
        # By the field of the request: the field of the answer, and what makes it.
        self._answers: dict[int, tuple[int, Callable[[Fields], bytes]]] = {
            1: (2, lambda echo: message(f1=first(echo, 1))),
            2: (3, lambda flush: b""),
            3: (4, self.info),
            5: (6, lambda init_chain: message(f3=self.hash())),
            6: (7, self.query),
            8: (9, lambda check_tx: message(f1=0 if b"=" in first(check_tx, 1) else 1)),
            11: (12, self.commit),
            12: (13, lambda list_snapshots: message(f1=[_snapshot(*one) for one in self.snapshots.items()])),
            13: (14, lambda offer_snapshot: message(f1=ACCEPTED)),
            14: (15, lambda load_chunk: message(f1=self.snapshots.get(first(load_chunk, 1, 0), b""))),
            15: (16, self.apply),
            16: (17, lambda prepare: message(f1=prepare.get(2, []))),
            17: (18, lambda process: message(f1=ACCEPTED)),
            20: (21, self.finalize),
        }

    def hash(self) -> bytes:
        """The checksum of all values."""
        return hashlib.sha256(json.dumps(self.state["values"], sort_keys=True).encode()).digest()

    def answer(self, kind: int, body: bytes) -> tuple[int, bytes]:
        """The field and the content of the answer to a request."""
        field, answer = self._answers[kind]
        return field, answer(fields_of(body))

    def info(self, _: Fields) -> bytes:
        height = self.state["height"]
        return message(f4=height, f5=self.hash() if height else b"")

    def query(self, fields: Fields) -> bytes:
        value = self.state["values"].get(first(fields, 1).decode(), "")
        return message(f6=first(fields, 1), f7=value.encode(), f9=self.state["height"])

    def apply(self, fields: Fields) -> bytes:
        """Begin with a snapshot."""
        self.state = json.loads(first(fields, 2))
        self._write()
        return message(f1=ACCEPTED)

    def finalize(self, fields: Fields) -> bytes:
        """Do what a block says. Without what a validator did wrong: the test punishes nobody."""
        transactions: list[bytes] = fields.get(1, [])
        votes = []
        for transaction in transactions:
            if transaction.startswith(VOTE):
                key, power = transaction.removeprefix(VOTE).split(b"!")
                votes.append(message(f1=message(f1=base64.b64decode(key)), f2=int(power)))
            else:
                key, _, value = transaction.partition(b"=")
                self.state["values"][key.decode()] = value.decode()
        self.state["height"] = first(fields, 5, 0)
        # A result without an error has no content, and must be there.
        return message(f2=[b"" for _ in transactions], f3=votes, f5=self.hash())

    def commit(self, _: Fields) -> bytes:
        """Keep the state, sometimes as a snapshot too, and say which blocks are still needed."""
        self._write()
        height = self.state["height"]
        if self.interval and height % self.interval == 0:
            self.snapshots[height] = json.dumps(self.state).encode()
            for old in sorted(self.snapshots)[:-KEPT_SNAPSHOTS]:
                del self.snapshots[old]
        needed = height - self.retained + 1
        return message(f3=needed if self.retained and needed > 0 else 0)

    def _write(self) -> None:
        made = self.file.with_suffix(".new")
        made.write_text(json.dumps(self.state))
        made.replace(self.file)


def _snapshot(height: int, data: bytes) -> bytes:
    return message(f1=height, f2=1, f3=1, f4=hashlib.sha256(data).digest())


def _requests(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    while True:
        length = shift = 0
        while True:
            byte = stream.read(1)
            if not byte:
                return
            length |= (byte[0] & 127) << shift
            shift += 7
            if byte[0] < 128:
                break
        yield from ((kind, bodies[0]) for kind, bodies in fields_of(stream.read(length)).items())


class _Connection(socketserver.StreamRequestHandler):
    """One of CometBFT's four connections: consensus, mempool, queries, snapshots."""

    def handle(self) -> None:
        application: Application = self.server.application  # type: ignore[attr-defined]
        for kind, body in _requests(self.rfile):  # type: ignore[arg-type]
            with application.lock:
                field, content = application.answer(kind, body)
            answer = varint(field << 3 | BYTES) + varint(len(content)) + content
            self.wfile.write(varint(len(answer)) + answer)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    application: Application


def main() -> None:
    """Serve until the process ends."""
    folder = Path(os.environ["LEDGER_DATA"])
    folder.mkdir(parents=True, exist_ok=True)
    socket = Path(os.environ["LEDGER_SOCKET"].removeprefix("unix://"))
    socket.unlink(missing_ok=True)
    with _Server(str(socket), _Connection) as server:
        server.application = Application(
            folder,
            int(os.environ.get("LEDGER_SNAPSHOT_INTERVAL", "0")),
            int(os.environ.get("LEDGER_RETAIN_BLOCKS", "0")),
        )
        server.serve_forever()


if __name__ == "__main__":
    main()
