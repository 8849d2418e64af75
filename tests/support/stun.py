"""Messages to a TURN server over a stream (RFC 8489, RFC 8656): a place to relay from, and whom it relays to."""

import hashlib
import hmac
import os
import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address

HEAD = 20
_COOKIE = 0x2112A442
_FAILED = 0x0110
_ALLOCATE, _CREATE_PERMISSION = 0x0003, 0x0008
_USERNAME, _INTEGRITY, _PEER, _REALM, _NONCE, _TRANSPORT = 0x0006, 0x0008, 0x0012, 0x0014, 0x0015, 0x0019
_UDP = bytes([17, 0, 0, 0])
_INTEGRITY_LENGTH = 24


@dataclass(frozen=True)
class Answer:
    """What the server says."""

    failed: bool
    attributes: dict[int, bytes]


@dataclass
class Session:
    """One connection. The server's first answer brings what later requests need."""

    username: str
    password: str
    _known: dict[int, bytes] = field(default_factory=dict)

    def allocate(self) -> bytes:
        """A request for a place to relay from."""
        return self._request(_ALLOCATE, {_TRANSPORT: _UDP})

    def permit(self, peer: str) -> bytes:
        """A request to relay to an address."""
        address = int(IPv4Address(peer)) ^ _COOKIE
        return self._request(_CREATE_PERMISSION, {_PEER: struct.pack("!BBHI", 0, 1, _COOKIE >> 16, address)})

    def read(self, message: bytes) -> Answer:
        """The server's answer."""
        (kind,) = struct.unpack_from("!H", message)
        attributes, begin = {}, HEAD
        while begin < len(message):
            name, length = struct.unpack_from("!HH", message, begin)
            attributes[name] = message[begin + 4 : begin + 4 + length]
            begin += 4 + length + -length % 4
        self._known |= {name: value for name, value in attributes.items() if name in (_REALM, _NONCE)}
        return Answer(kind & _FAILED == _FAILED, attributes)

    def _request(self, kind: int, attributes: dict[int, bytes]) -> bytes:
        proven = {_USERNAME: self.username.encode(), **self._known} if self._known else {}
        body = b"".join(_attribute(name, value) for name, value in {**attributes, **proven}.items())
        transaction = os.urandom(12)
        if not proven:
            return _head(kind, len(body), transaction) + body
        realm = self._known[_REALM].decode()
        key = hashlib.md5(f"{self.username}:{realm}:{self.password}".encode()).digest()
        message = _head(kind, len(body) + _INTEGRITY_LENGTH, transaction) + body
        return message + _attribute(_INTEGRITY, hmac.digest(key, message, "sha1"))


def rest_of(head: bytes) -> int:
    """How many bytes follow the first `HEAD` of a message."""
    return int(struct.unpack_from("!H", head, 2)[0])


def _head(kind: int, length: int, transaction: bytes) -> bytes:
    return struct.pack("!HHI", kind, length, _COOKIE) + transaction


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)
