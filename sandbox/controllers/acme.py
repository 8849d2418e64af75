"""A test authority in the place of a public one: it signs certificates for hosts that answer its challenges.

Pebble is the authority, and pebble-challtestsrv is the DNS server that it and cert-manager ask. A proxy leads clients
that call the public authority to Pebble, so objects keep the URL that the program wrote. All three listen on loopback.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psutil

from sandbox import ports as tcp_ports
from sandbox import processes
from sandbox.certificates import Authority
from sandbox.layout import PROJECT, Layout, SandboxError

HTTP_PORT: Final = 80
"""The port that the authority and cert-manager ask. Challenges over HTTP have no other (RFC 8555, section 8.3)."""
LIFETIME_SECONDS: Final = 90 * 24 * 3600
"""Validity of certificates, as with Let's Encrypt."""
_OFFSET: Final = 50
"""Of its ports among those of the sandbox."""
_START_SECONDS: Final = 30.0
_CERTIFICATE, _KEY, _PORTS = "tls.crt", "tls.key", "ports.json"


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The authority's ports on loopback."""

    acme: int
    management: int
    """Pebble's port for its roots."""
    dns: int
    records: int
    """Port where the DNS server's records are set."""
    proxy: int


_NAMES: Final = tuple(field.name for field in fields(Ports))


class AcmeAuthority:
    """Starts and stops the authority of a sandbox. Every operation can be repeated."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.directory = layout.home / "acme"

    def start(self, url: str, *, lifetime_seconds: int = LIFETIME_SECONDS) -> None:
        """Start it in the place of the authority at `url`, and wait until it answers.

        Raises `SandboxError` if it does not start. If it runs already, it keeps its certificates' lifetime.
        """
        if self.running():
            return
        self.stop()
        self.directory.mkdir(parents=True, exist_ok=True)
        ports = Ports(**dict(zip(_NAMES, tcp_ports.free(len(_NAMES), _OFFSET), strict=True)))
        host = urlsplit(url).hostname or ""
        write_certificate(self.directory, [host, "localhost", "127.0.0.1"])
        configuration = pebble_configuration(ports, self.directory, lifetime_seconds)
        (self.directory / "pebble.json").write_text(json.dumps(configuration))
        for name, command in self._commands(ports, url).items():
            self._launch(name, command)
        self._write_ports(ports)
        self._await(lambda: bool(self.root(ports)) and self._records(ports, "clear-a", {"host": "nobody.invalid"}))

    def stop(self) -> None:
        """End its processes. It forgets its accounts, its orders and its key."""
        stop_servers(self.directory)
        (self.directory / _PORTS).unlink(missing_ok=True)

    def running(self) -> bool:
        """Whether all of it runs."""
        return (self.directory / _PORTS).is_file() and len(servers_in(self.directory)) == len(_PROGRAMS)

    @property
    def ports(self) -> Ports:
        """The ports of the running authority."""
        return Ports(**json.loads((self.directory / _PORTS).read_text()))

    @property
    def name_server(self) -> str:
        """The DNS server, as `address:port`."""
        return f"127.0.0.1:{self.ports.dns}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which a Go program calls this authority when it means the public one."""
        proxy = f"http://127.0.0.1:{self.ports.proxy}"
        return {
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy"), proxy),
            **dict.fromkeys(("HTTP_PROXY", "http_proxy"), ""),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
            "SSL_CERT_FILE": str(self.directory / _CERTIFICATE),
        }

    def resolve(self, host: str, addresses: Sequence[str]) -> None:
        """Let the host's DNS name lead to these IPv4 addresses alone; without addresses, to none."""
        self._records(self.ports, "clear-a", {"host": host})
        if addresses:
            self._records(self.ports, "add-a", {"host": host, "addresses": list(addresses)})

    def root(self, ports: Ports | None = None) -> str:
        """The certificate (PEM) that signs all others. It is another one after each start."""
        return self._get(f"https://127.0.0.1:{(ports or self.ports).management}/roots/0")

    def log(self, name: str) -> str:
        """Output of `pebble`, `dns` or `proxy`."""
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def _commands(self, ports: Ports, url: str) -> dict[str, list[str]]:
        loopback = "127.0.0.1"
        files = [str(self.directory / name) for name in (_CERTIFICATE, _KEY)]
        silent = [f"-{name}=" for name in ("http01", "https01", "tlsalpn01", "doh", "defaultIPv4", "defaultIPv6")]
        # The unused certificate marks the process as one of this folder.
        records = [f"-dnsserver={loopback}:{ports.dns}", f"-management={loopback}:{ports.records}"]
        return {
            "dns": [str(self.layout.bin / "pebble-challtestsrv"), *silent, *records, f"-doh-cert={files[0]}"],
            "pebble": [
                str(self.layout.bin / "pebble"),
                f"-config={self.directory / 'pebble.json'}",
                f"-dnsserver={loopback}:{ports.dns}",
            ],
            "proxy": [
                *(sys.executable, "-P", "-m", "sandbox.controllers.acme_proxy"),
                *(str(ports.proxy), url, str(ports.acme), *files),
            ],
        }

    def _launch(self, name: str, command: Sequence[str]) -> None:
        # Without these, Pebble waits up to 15 seconds before it asks, refuses some requests, and trusts old answers.
        honest = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
        launch(command, self.directory / f"{name}.log", {**os.environ, **honest, "PYTHONPATH": str(PROJECT)})

    def _write_ports(self, ports: Ports) -> None:
        (self.directory / _PORTS).write_text(json.dumps(asdict(ports)))

    def _records(self, ports: Ports, verb: str, values: Mapping[str, Any]) -> bool:
        url = f"http://127.0.0.1:{ports.records}/{verb}"
        with direct().open(url, json.dumps(values).encode(), timeout=5) as answer:
            return bool(answer.status == 200)

    def _get(self, url: str) -> str:
        trusted = ssl.create_default_context(cafile=str(self.directory / _CERTIFICATE))
        with direct(urllib.request.HTTPSHandler(context=trusted)).open(url, timeout=5) as answer:
            return bytes(answer.read()).decode()

    def _await(self, answers: Callable[[], bool]) -> None:
        deadline, problem = time.monotonic() + _START_SECONDS, ""
        while time.monotonic() < deadline:
            try:
                if len(servers_in(self.directory)) == len(_PROGRAMS) and answers():
                    return
            except OSError as error:
                problem = str(error)
            time.sleep(0.1)
        said = "\n".join(self.log(name)[-500:] for name in ("dns", "pebble", "proxy"))
        self.stop()
        raise SandboxError(f"The test authority does not start: {problem}\n{said}")


_children: Final[list[subprocess.Popen[bytes]]] = []
"""Servers that this process has started, kept until they have ended, so that none stays a zombie."""
_PROGRAMS: Final = ("pebble-challtestsrv", "pebble", "sandbox.controllers.acme_proxy")


def pebble_configuration(ports: Ports, directory: Path, lifetime_seconds: int) -> dict[str, Any]:
    """Pebble's configuration file."""
    return {
        "pebble": {
            "listenAddress": f"127.0.0.1:{ports.acme}",
            "managementListenAddress": f"127.0.0.1:{ports.management}",
            "certificate": str(directory / _CERTIFICATE),
            "privateKey": str(directory / _KEY),
            "httpPort": HTTP_PORT,
            "tlsPort": 443,
            "keyAlgorithm": "ecdsa",
            "profiles": {"default": {"description": "the only one", "validityPeriod": lifetime_seconds}},
            "retryAfter": {"authz": 1, "order": 1},
        }
    }


def launch(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a server that outlives this process, with its output in `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children.append(process)
    return process


def servers_in(directory: Path) -> list[psutil.Process]:
    """The running servers whose command lines name a file in `directory`."""
    prefix = f"{directory}/"
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(prefix in word for word in words[1:]):
            found.append(process)
    return found


def stop_servers(directory: Path) -> None:
    """End the servers of `directory`. Raises `SandboxError` for those that do not end."""
    stubborn = processes.stop(servers_in(directory))
    _children[:] = [child for child in _children if child.poll() is None]
    if stubborn:
        pids = ", ".join(str(process.pid) for process in stubborn)
        raise SandboxError(f"Processes {pids} do not end; end them by hand (kill -9).")


def write_certificate(directory: Path, names: Sequence[str]) -> None:
    """Write a certificate for the DNS names and addresses with that of its authority, and its key, for the owner alone.

    A client that trusts the certificate's file trusts the authority.
    """
    authority = Authority()
    shown = authority.issue(*names)
    for name, content in ((_CERTIFICATE, shown.certificate + authority.pem.encode()), (_KEY, shown.key)):
        (directory / name).unlink(missing_ok=True)
        (directory / name).touch(mode=0o600)
        (directory / name).write_bytes(content)


def direct(*handlers: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    """A client that ignores the user's proxy and says its name, which Pebble requires."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)
    opener.addheaders = [("User-Agent", "sacred-council-sandbox")]
    return opener
