"""A small server that answers as an API server does, for what the node agent and kube-proxy ask.

It keeps objects in memory and knows no rules; the campaigns use real API servers.
"""

from __future__ import annotations

import base64
import copy
import json
import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from sandbox.certificates import Authority, Pair

Object = dict[str, Any]
PODS, SERVICES, SLICES = "/api/v1/pods", "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices"
NODES, RANGES = "/api/v1/nodes", "/apis/networking.k8s.io/v1/servicecidrs"
_KINDS = {
    PODS: ("v1", "Pod"),
    SERVICES: ("v1", "Service"),
    SLICES: ("discovery.k8s.io/v1", "EndpointSlice"),
    NODES: ("v1", "Node"),
    RANGES: ("networking.k8s.io/v1", "ServiceCIDR"),
}
TOKEN = "header.payload.signature"


class Objects:
    """What the server knows: collections of objects, and who follows them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.collections: dict[str, dict[str, Object]] = {collection: {} for collection in _KINDS}
        self.data: dict[str, Object] = {}
        """ConfigMaps and Secrets, by path."""
        self.followers: list[tuple[str, queue.Queue[Object]]] = []
        self._version = 0
        self._past: list[tuple[int, str, Object]] = []

    def put(self, collection: str, item: Mapping[str, Any]) -> Object:
        """Create or replace an object."""
        with self.lock:
            self._version += 1
            metadata = {**item["metadata"], "resourceVersion": str(self._version)}
            key = f"{metadata.get('namespace', '')}/{metadata['name']}"
            version, name = _KINDS[collection]
            kind = "MODIFIED" if key in self.collections[collection] else "ADDED"
            found = self.collections[collection][key] = {
                **copy.deepcopy(dict(item)),
                "apiVersion": version,
                "kind": name,
                "metadata": metadata,
            }
            self._tell(collection, kind, found)
            return found

    def remove(self, collection: str, key: str) -> None:
        """Delete an object at once."""
        with self.lock:
            found = self.collections[collection].pop(key, None)
            if found is not None:
                self._version += 1
                found["metadata"]["resourceVersion"] = str(self._version)
                self._tell(collection, "DELETED", found)

    def pod(self, key: str) -> Object | None:
        """The pod with this namespace and name."""
        with self.lock:
            return copy.deepcopy(self.collections[PODS].get(key))

    def listed(self, collection: str) -> Object:
        """The collection, as a list."""
        with self.lock:
            items = copy.deepcopy(list(self.collections[collection].values()))
            version, name = _KINDS[collection]
            metadata = {"resourceVersion": str(self._version)}
            return {"apiVersion": version, "kind": f"{name}List", "items": items, "metadata": metadata}

    def follow(self, collection: str, version: int) -> queue.Queue[Object]:
        """The events of the collection after this version."""
        with self.lock:
            events: queue.Queue[Object] = queue.Queue()
            for number, followed, event in self._past:
                if followed == collection and number > version:
                    events.put(event)
            self.followers.append((collection, events))
            return events

    def _tell(self, collection: str, kind: str, item: Object) -> None:
        event = {"type": kind, "object": copy.deepcopy(item)}
        self._past.append((self._version, collection, event))
        for followed, events in self.followers:
            if followed == collection:
                events.put(event)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects: Objects
    ended: threading.Event

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = parse_qs(address.query)
        if "sendInitialEvents" in asked:
            # The client then asks for a list.
            self._send(400, {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 400})
        elif "watch" in asked:
            self._watch(address.path, int(asked["resourceVersion"][0]))
        elif address.path in self.objects.collections:
            self._send(200, self.objects.listed(address.path))
        else:
            found = self.objects.data.get(address.path)
            self._send(200, found) if found else self._send(404, {"message": "not found"})

    def do_POST(self) -> None:
        self._body()
        self._send(201, {"status": {"token": TOKEN}})

    def do_PATCH(self) -> None:
        change, key = self._body(), self._key()
        with self.objects.lock:
            known = self.objects.pod(key)
            if known is None:
                self._send(404, {"message": "not found"})
                return
            changed = _merged(known, change)
            annotations = changed["metadata"].get("annotations") or {}
            changed["metadata"]["annotations"] = {
                name: value for name, value in annotations.items() if value is not None
            }
            self._send(200, self.objects.put(PODS, changed))

    def do_DELETE(self) -> None:
        self._body()
        self.objects.remove(PODS, self._key())
        self._send(200, {})

    def _key(self) -> str:
        parts = urlsplit(self.path).path.split("/")
        return f"{parts[4]}/{parts[6]}"

    def _body(self) -> Object:
        found: Object = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        return found

    def _watch(self, collection: str, version: int) -> None:
        events = self.objects.follow(collection, version)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not self.ended.is_set():
            with suppress(queue.Empty):
                line = json.dumps(events.get(timeout=0.1)).encode() + b"\n"
                self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")

    def _send(self, status: int, content: Object) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def _merged(known: Mapping[str, Any], change: Mapping[str, Any]) -> Object:
    both = {**known, **change}
    for key, value in known.items():
        if isinstance(value, Mapping) and isinstance(change.get(key), Mapping):
            both[key] = _merged(value, change[key])
    return both


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Objects, Path]]:
    """Run the server; yield its objects and a kubeconfig."""
    authority = Authority()
    shown = authority.issue("127.0.0.1", "localhost")
    objects, ended = Objects(), threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"objects": objects, "ended": ended}))
    server.socket = shown.context().wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield objects, _kubeconfig(folder, server.server_address[1], authority.pem.encode(), shown)
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _kubeconfig(folder: Path, port: int, authority: bytes, user_pair: Pair) -> Path:
    def encoded(text: bytes) -> str:
        return base64.b64encode(text).decode()

    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": encoded(authority)}
    user = {"client-certificate-data": encoded(user_pair.certificate), "client-key-data": encoded(user_pair.key)}
    path = folder / "kubeconfig.yaml"
    path.write_text(yaml.safe_dump({"clusters": [{"cluster": cluster}], "users": [{"user": user}]}))
    return path
