"""A real Envoy behind a CDN, with what the program deployed: it serves the CDN, its probes, and nobody else."""

import base64
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from components.mesh.origin import CERTIFICATE
from components.namespaces import INGRESS
from sandbox.controlplane import Cluster
from tests.support import live, mesh_callers, mesh_sandboxes
from tests.support.mesh_callers import Caller
from tests.support.regions import IOWA, configured
from tests.support.sandboxes import Sandbox
from tests.support.servers import eventually, write_certificate

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]

DOMAIN = "example.org"
PATH = "/agent-network/"
HEADER = "x-sacred-edge"
SETTINGS = {**configured(IOWA), "edge": {"domain": DOMAIN, "cdn": "gcp"}, "mesh": {"replicas": 1}}


@dataclass(frozen=True)
class Edge:
    """The region's gateway, and what the CDN has of the program."""

    caller: Caller
    token: str
    """What Cloud CDN adds to the requests that it sends on."""
    key: Ed25519PrivateKey
    """The key of the token."""

    def ask(self, path: str = PATH, token: str | None = None, method: str = "GET") -> dict[str, Any]:
        return self.caller.call(IOWA[0], path, {HEADER: token} if token else {}, method=method)

    def signed(self, key: Ed25519PrivateKey | None = None, **claims: object) -> str:
        """The CDN's token with other claims, signed with its key or another one."""
        head, body, _ = self.token.split(".")
        changed = {**json.loads(base64.urlsafe_b64decode(body + "==")), **claims}
        signed = f"{head}.{_base64(json.dumps(changed).encode())}"
        return f"{signed}.{_base64((key or self.key).sign(signed.encode()))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    live.require_networks()
    live.require_programs()
    folder = tmp_path_factory.mktemp("origin")
    with (
        mesh_sandboxes.deployed(folder, "multiregion", SETTINGS) as sandbox,
        mesh_sandboxes.meshed(sandbox) as (stack, mesh),
    ):
        cluster = stack.regions[IOWA[0]].cluster
        authority = _give_certificate(cluster, folder / "certificate")
        ready = partial(mesh_sandboxes.all_ready, mesh.regions[IOWA[0]].istiod)
        eventually(ready, seconds=300, what="pods with ready proxies")
        token, key = _secrets(sandbox)
        found = Edge(Caller(stack, DOMAIN, authority), token, key)
        eventually(lambda: found.ask("/healthz/ready")["status"] == 200, seconds=60, what="a gateway that answers")
        yield found


def _give_certificate(cluster: Cluster, folder: Path) -> str:
    """Do what cert-manager does; return the authority's certificate."""
    files = write_certificate(folder, names=[DOMAIN, f"origin.{DOMAIN}", f"{IOWA[0]}.origin.{DOMAIN}"])
    mesh_callers.kubectl(
        cluster,
        *("create", "secret", "tls", CERTIFICATE, f"--namespace={INGRESS}"),
        *(f"--cert={files / 'tls.crt'}", f"--key={files / 'tls.key'}"),
    )
    return (files / "ca.crt").read_text()


def _secrets(sandbox: Sandbox) -> tuple[str, Ed25519PrivateKey]:
    state = json.loads(sandbox.pulumi("stack", "export", "--show-secrets"))
    resources: list[Mapping[str, Any]] = state["deployment"]["resources"]
    (token,) = {
        match
        for each in resources
        if each["type"].startswith("gcp:")
        for match in re.findall(rf"{HEADER}: *([\w.-]+)", json.dumps(each["inputs"]))
    }
    (pem,) = (each["outputs"]["privateKeyPem"] for each in resources if each["urn"].endswith("::edge-keys-blue"))
    key = load_pem_private_key(json.loads(pem["plaintext"]).encode(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return token, key


def test_what_comes_through_the_cdn_is_served_and_the_service_never_sees_the_token(edge: Edge) -> None:
    answer = edge.ask(token=edge.token)
    assert (answer["status"], answer["region"]) == (200, IOWA[0])
    assert HEADER not in answer["headers"]


def test_a_request_past_the_cdn_is_refused(edge: Edge) -> None:
    assert edge.ask()["status"] == 403


def test_a_forged_token_is_refused(edge: Edge) -> None:
    assert edge.ask(token=edge.signed())["status"] == 200
    assert edge.ask(token=edge.signed(Ed25519PrivateKey.generate()))["status"] == 401
    assert edge.ask(token="a.b.c")["status"] == 401


def test_an_expired_token_is_refused(edge: Edge) -> None:
    now = int(time.time())
    assert edge.ask(token=edge.signed(exp=now + 600))["status"] == 200
    assert edge.ask(token=edge.signed(exp=now - 600))["status"] == 401


def test_a_token_for_another_domain_is_refused(edge: Edge) -> None:
    assert edge.ask(token=edge.signed(aud="example.com"))["status"] == 403
    assert edge.ask(token=edge.signed(iss="somebody"))["status"] in (401, 403)
    assert edge.ask(token=edge.signed(sub="somebody"))["status"] == 403


def test_probes_need_no_token_and_open_nothing_else(edge: Edge) -> None:
    assert (edge.ask("/healthz/ready")["status"], edge.ask("/healthz/ready")["text"]) == (200, "ready")
    assert edge.ask("/healthz/ready", method="POST")["status"] == 403
    assert edge.ask(f"/healthz/ready/..{PATH}")["status"] in (400, 403, 404)


def test_a_post_through_the_cdn_reaches_the_service(edge: Edge) -> None:
    assert edge.ask(token=edge.token, method="POST")["method"] == "POST"
