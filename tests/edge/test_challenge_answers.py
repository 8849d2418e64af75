"""A real Envoy answers challenges over plain HTTP as the gateway's objects say, and redirects everything else."""

import http.client
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.mesh.gateways import public_gateway
from components.mesh.origin import challenge_filter
from components.public_gateway import HTTP_TARGET_PORT
from tests.support import challenge_gateways
from tests.support.servers import eventually, processes

pytestmark = pytest.mark.conformance

HOST = "a.origin.example.org"
ADDRESS = f"127.{16 + os.getpid() % 200}.1.1"


def asked(path: str, host: str = HOST) -> tuple[int, str, str | None]:
    """Status, body and target of the redirect."""
    connection = http.client.HTTPConnection(ADDRESS, challenge_gateways.HTTP_PORT, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.getheader("location")
    finally:
        connection.close()


@pytest.fixture(scope="module", autouse=True)
def _gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    challenge_gateways.envoy()
    with socket.socket() as probe:
        try:
            probe.bind((ADDRESS, challenge_gateways.HTTP_PORT))
        except PermissionError:
            pytest.skip("challenges come to port 80, and this user may not listen there")
    gateway = {"spec": public_gateway(hosts=[HOST], selector={}, credential="any", post_quantum="prefer")}
    filters = challenge_gateways.http_filters([{"spec": challenge_filter({}, "thumbprint")}], HTTP_TARGET_PORT)
    folder: Path = tmp_path_factory.mktemp("gateway")
    with processes(folder) as running:
        challenge_gateways.start(running, "gateway", ADDRESS, gateway, filters)
        eventually(lambda: asked("/"), seconds=60, what="Envoy answers")
        yield


def test_a_challenge_is_answered_with_its_token_and_the_account() -> None:
    path = "/.well-known/acme-challenge/abc-DEF_123"
    assert asked(path) == (200, "abc-DEF_123.thumbprint", None)


@pytest.mark.parametrize(
    "path", ["/", "/agent-network/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/a.b"]
)
def test_everything_else_is_redirected_to_https(path: str) -> None:
    assert asked(path) == (301, "", f"https://{HOST}{path}")
