"""A small client of a region's API server: requests with JSON, and objects that follow what the server says."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

Object = dict[str, Any]
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
SERVICE_LABEL = "kubernetes.io/service-name"
"""On each EndpointSlice: the Service that it belongs to."""
_SECONDS = 10.0
_WATCH_SECONDS = 300
_AGAIN_SECONDS = 0.5


class ApiError(Exception):
    """The API server refused a request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} ({status})")
        self.status = status


class Api:
    """The API server of a kubeconfig's only context. Several threads may use it.

    All requests raise `ApiError` when the server refuses, and `OSError` when it cannot be reached.
    """

    def __init__(self, kubeconfig: Path) -> None:
        document = yaml.safe_load(kubeconfig.read_text())
        cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
        self.server = str(cluster["server"])
        address = urlsplit(self.server)
        self._address = (address.hostname or "127.0.0.1", address.port or 443)
        self._tls = _tls(cluster, user)
        self._idle: list[http.client.HTTPSConnection] = []

    @property
    def port(self) -> int:
        """The port on which the server listens."""
        return self._address[1]

    def get(self, path: str) -> Object:
        """The object, or list of objects, at the path."""
        return self.request("GET", path)

    def find(self, path: str) -> Object | None:
        """The object at the path; None if there is none."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise

    def create(self, path: str, body: Mapping[str, Any]) -> Object:
        """Create an object in the collection at the path."""
        return self.request("POST", path, body)

    def patch(self, path: str, body: Mapping[str, Any], kind: str = STRATEGIC) -> Object:
        """Change the object at the path."""
        return self.request("PATCH", path, body, kind)

    def delete(self, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Delete the object at the path. A missing one is fine."""
        try:
            self.request("DELETE", path, body or {})
        except ApiError as error:
            if error.status not in {http.client.NOT_FOUND, http.client.CONFLICT}:
                raise

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "application/json"
    ) -> Object:
        """One request; its answer as an object."""
        text = None if body is None else json.dumps(body)
        try:
            return self._once(method, path, text, kind)
        except (http.client.HTTPException, ConnectionError):
            # The server had closed the idle connection.
            return self._once(method, path, text, kind)

    def _once(self, method: str, path: str, text: str | None, kind: str) -> Object:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect(_SECONDS)
        try:
            connection.request(method, path, text, {"Content-Type": kind, "Accept": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        parsed: Object = json.loads(answer) if answer else {}
        if response.status >= http.client.BAD_REQUEST:
            raise ApiError(response.status, str(parsed.get("message", parsed)))
        return parsed

    def close(self) -> None:
        """Close idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _connect(self, seconds: float) -> http.client.HTTPSConnection:
        host, port = self._address
        return http.client.HTTPSConnection(host, port, context=self._tls, timeout=seconds)

    def watch(self, path: str, version: str) -> Watch:
        """Follow a collection from this version on."""
        query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": _WATCH_SECONDS}
        return Watch(self._connect(_WATCH_SECONDS + _SECONDS), f"{path}?{urlencode(query)}")


class Watch:
    """The events of a collection, until the server ends it or another thread calls `end`."""

    def __init__(self, connection: http.client.HTTPSConnection, path: str) -> None:
        self._connection, self._path = connection, path

    def __iter__(self) -> Iterator[Object]:
        self._connection.request("GET", self._path, headers={"Accept": "application/json"})
        response = self._connection.getresponse()
        try:
            if response.status >= http.client.BAD_REQUEST:
                raise ApiError(response.status, response.read().decode(errors="replace"))
            yield from map(json.loads, response)
        finally:
            self._connection.close()

    def end(self) -> None:
        """Make the iteration end, with or without an `OSError`."""
        with suppress(OSError):
            if self._connection.sock is not None:
                self._connection.sock.shutdown(socket.SHUT_RDWR)


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext:
    def decoded(text: str) -> str:
        return base64.b64decode(text).decode()

    context = ssl.create_default_context(cadata=decoded(cluster["certificate-authority-data"]))
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(decoded(user["client-certificate-data"]) + decoded(user["client-key-data"]))
        file.flush()
        context.load_cert_chain(file.name)
    return context


def key_of(item: Mapping[str, Any]) -> str:
    """Namespace and name of an object."""
    metadata = item["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


class Informer:
    """Follows a collection. `changed` gets every object that is new or changed, `gone` the last state of one deleted.

    Both are called from one thread. A server that is away is asked again until `stop`.
    """

    def __init__(
        self, api: Api, path: str, changed: Callable[[Object], None], gone: Callable[[Object], None] | None = None
    ) -> None:
        self.objects: dict[str, Object] = {}
        """What is there, by namespace and name."""
        self._api, self._path, self._changed, self._gone = api, path, changed, gone or (lambda _: None)
        self._stopped, self._listed = threading.Event(), threading.Event()
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._run, name=f"follow {path}", daemon=True)

    def start(self) -> None:
        """Start to follow."""
        self._thread.start()

    def await_list(self, seconds: float) -> bool:
        """Wait until all objects are known; whether they are."""
        return self._listed.wait(seconds)

    def stop(self) -> None:
        """Stop, and wait until no call is under way."""
        self._stopped.set()
        while self._thread.is_alive():
            if self._watch is not None:
                self._watch.end()
            self._thread.join(0.2)

    def _run(self) -> None:
        while not self._stopped.is_set():
            with suppress(OSError, http.client.HTTPException, ApiError, ValueError):
                self._follow()
            self._stopped.wait(_AGAIN_SECONDS)

    def _follow(self) -> None:
        listed = self._api.get(self._path)
        found = {key_of(item): item for item in listed["items"]}
        for key in [key for key in self.objects if key not in found]:
            self._gone(self.objects.pop(key))
        for key, item in found.items():
            self._note(key, item)
        self._listed.set()
        version = listed["metadata"]["resourceVersion"]
        while not self._stopped.is_set():
            self._watch = self._api.watch(self._path, version)
            for event in self._watch:
                if event["type"] == "ERROR":
                    return
                item = event["object"]
                version = item["metadata"]["resourceVersion"]
                self._event(event["type"], item)

    def _event(self, kind: str, item: Object) -> None:
        if kind == "DELETED":
            self.objects.pop(key_of(item), None)
            self._gone(item)
        elif kind != "BOOKMARK":
            self._note(key_of(item), item)

    def _note(self, key: str, item: Object) -> None:
        known = self.objects.get(key)
        self.objects[key] = item
        if known is None or known["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
            self._changed(item)
