"""Probes of containers, made from the pod's node as a kubelet makes them."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from sandbox.controllers import netns

Probe = Mapping[str, Any]
RunCommand = Callable[[list[str], float], bool]
"""Runs a command in the container for at most some seconds; whether it succeeded."""
_GOOD = range(200, 400)


class Schedule:
    """When a probe is due, and what its attempts amount to. Times are seconds of any one clock.

    `passing` is None until one of the thresholds is reached.
    """

    def __init__(self, probe: Probe, started: float) -> None:
        self.probe = probe
        self.passing: bool | None = None
        self.due = started + float(probe.get("initialDelaySeconds", 0))
        self._period = float(probe.get("periodSeconds", 10))
        self._needed = {True: int(probe.get("successThreshold", 1)), False: int(probe.get("failureThreshold", 3))}
        self._last, self._in_a_row = True, 0

    @property
    def seconds(self) -> float:
        """How long one attempt may take."""
        return float(self.probe.get("timeoutSeconds", 1))

    def record(self, succeeded: bool, now: float) -> None:
        """Take the result of an attempt at the time `now`."""
        self._in_a_row = self._in_a_row + 1 if succeeded == self._last else 1
        self._last = succeeded
        if self._in_a_row >= self._needed[succeeded]:
            self.passing = succeeded
        self.due = now + self._period


def port_number(port: int | str, container: Mapping[str, Any]) -> int:
    """The number of a port, which may be the name of one of the container's. Raises ValueError."""
    if str(port).isdigit():
        return int(port)
    named = {each.get("name"): each["containerPort"] for each in container.get("ports") or []}
    if port not in named:
        raise ValueError(f"container {container['name']} has no port {port!r}")
    return int(named[port])


def attempt(
    probe: Probe, container: Mapping[str, Any], address: str, node: str, seconds: float, run: RunCommand
) -> bool:
    """Make one attempt from the namespace `node` at the pod's `address`; whether it succeeded.

    A gRPC probe only looks whether the port is open.
    """
    try:
        if "httpGet" in probe:
            return _http(probe["httpGet"], container, address, node, seconds)
        if "exec" in probe:
            return run(list(probe["exec"]["command"]), seconds)
        target = probe.get("tcpSocket") or probe.get("grpc") or {}
        host = target.get("host") or address
        netns.connect(node, (host, port_number(target["port"], container)), seconds).close()
    except (OSError, ValueError, http.client.HTTPException):
        return False
    return True


def _http(action: Mapping[str, Any], container: Mapping[str, Any], address: str, node: str, seconds: float) -> bool:
    host, port = action.get("host") or address, port_number(action["port"], container)
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    connection.sock = _encrypted(action, netns.connect(node, (host, port), seconds))
    headers = {"User-Agent": "kube-probe/sandbox", "Connection": "close", "Accept": "*/*"}
    headers.update({each["name"]: each["value"] for each in action.get("httpHeaders") or []})
    path = "/" + quote(str(action.get("path", "/")).lstrip("/"), safe="/?&=%:~")
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status in _GOOD
    finally:
        connection.close()


def _encrypted(action: Mapping[str, Any], plain: socket.socket) -> socket.socket:
    """The socket, with TLS if the probe asks for it. Like a kubelet, it takes any certificate."""
    if action.get("scheme", "HTTP") != "HTTPS":
        return plain
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain)
