"""Machines outside of the regions that call the regions' public gateways, and what happens to their requests."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from components.mesh.gateways import CREDENTIAL
from components.namespaces import INGRESS, SERVICES
from components.public_gateway import INGRESS_APP
from sandbox.controllers import netns
from sandbox.controllers.stack import StackControllers
from sandbox.controlplane import Cluster

HTTPS = 443
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 20.0
FAILURES = (OSError, http.client.HTTPException)


def kubectl(cluster: Cluster, *arguments: str, stdin: str | None = None) -> str:
    """The output of kubectl for the region. The command must succeed."""
    said = cluster.kubectl(*arguments, stdin=stdin)
    assert said.returncode == 0, said.stderr
    return said.stdout


def gateway_address(cluster: Cluster) -> str:
    """The address of the region's public gateway."""
    path = "jsonpath={.status.loadBalancer.ingress[0].ip}"
    return kubectl(cluster, "get", "service", INGRESS_APP, f"--namespace={INGRESS}", f"--output={path}")


def authority_of(cluster: Cluster, secret: str = CREDENTIAL) -> str:
    """The certificate (PEM) of the authority that signed the public gateway's certificate."""
    where = (f"--namespace={INGRESS}", "--output=json")
    data = json.loads(kubectl(cluster, "get", "secret", secret, *where))["data"]
    return base64.b64decode(data["ca.crt"]).decode()


def scale(cluster: Cluster, name: str, replicas: int) -> None:
    """Set the number of a service's pods. Its autoscaler leaves a service without pods alone."""
    kubectl(cluster, "scale", f"deployment/{name}", f"--namespace={SERVICES}", f"--replicas={replicas}")


def autoscale(cluster: Cluster, name: str, least: int) -> None:
    """Set the fewest pods of a service that its autoscaler keeps. It has them within half a minute."""
    patch = json.dumps({"spec": {"minReplicas": least}})
    kubectl(cluster, "patch", "horizontalpodautoscaler", name, f"--namespace={SERVICES}", f"--patch={patch}")


@dataclass(frozen=True)
class Caller:
    """A person's machine. It verifies the gateways' certificates."""

    stack: StackControllers
    domain: str
    """The host that its requests name."""
    authorities: str
    """Certificates (PEM) that it trusts."""
    gateways: dict[str, str] = field(default_factory=dict)
    """Addresses of the public gateways, by region, as DNS would give them; asked once."""

    def call(
        self, region: str, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> dict[str, Any]:
        """The answer of the region's public gateway: its `status`, and what a service says. Raises one of `FAILURES`.

        Each call has a connection of its own.
        """
        with self.connected(region) as connection:
            return ask(connection, path, {"Host": self.domain, **(headers or {})}, method=method)

    @contextmanager
    def connected(self, region: str) -> Iterator[http.client.HTTPConnection]:
        """An open connection to the region's public gateway."""
        if region not in self.gateways:
            self.gateways[region] = gateway_address(self.stack.regions[region].cluster)
        raw = netns.connect(self.stack.internet.client(), (self.gateways[region], HTTPS), CONNECT_SECONDS)
        raw.settimeout(ANSWER_SECONDS)
        connection = http.client.HTTPConnection(self.domain)
        try:
            connection.sock = ssl.create_default_context(cadata=self.authorities).wrap_socket(
                raw, server_hostname=self.domain
            )
            yield connection
        finally:
            connection.close()
            raw.close()


def ask(
    connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET"
) -> dict[str, Any]:
    """The answer to a request on an open connection."""
    connection.request(method, path, headers=dict(headers or {}))
    response = connection.getresponse()
    text = response.read().decode(errors="replace")
    try:
        found = json.loads(text)
    except ValueError:
        found = {"text": text}
    return {**(found if isinstance(found, dict) else {"text": text}), "status": response.status}


@dataclass
class Seen:
    """What the requests of a `Load` met."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By the region that was asked and the one that answered."""
    errors: list[str] = field(default_factory=list)
    """Of requests that failed twice in a row."""
    retried: int = 0


def caller_of(stack: StackControllers, domain: str) -> Caller:
    """A machine that trusts the gateways of all regions."""
    return Caller(stack, domain, "".join(authority_of(each.cluster) for each in stack.regions.values()))


def answers(caller: Caller, region: str, path: str) -> bool:
    """Whether the region's gateway leads to a service."""
    return bool(caller.call(region, path)["status"] == http.client.OK)


@contextmanager
def load(caller: Caller, regions: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Iterator[Seen]:
    """Requests to a path of each region's gateway (path by region), one after the other, until the block ends.

    A request that gets no answer, or one of 500 and above, is made once more, as a browser or a CDN does.
    """
    seen, ended = Seen(), threading.Event()

    def work(region: str, path: str) -> None:
        while not ended.wait(0.05):
            for attempt in (1, 2):
                problem = _once(caller, region, path, headers, seen)
                if not problem:
                    break
                if attempt == 1:
                    seen.retried += 1
                else:
                    seen.errors.append(f"{region} {time.strftime('%X')}: {problem}")

    threads = [threading.Thread(target=work, args=each, daemon=True) for each in regions.items()]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _once(caller: Caller, region: str, path: str, headers: Mapping[str, str] | None, seen: Seen) -> str:
    """Make a request; return what went wrong."""
    try:
        answer = caller.call(region, path, headers)
    except FAILURES as error:
        return repr(error)
    if answer["status"] != http.client.OK:
        return f"{answer['status']} {answer.get('text', '')}"
    seen.answers[region, str(answer["region"])] += 1
    return ""
