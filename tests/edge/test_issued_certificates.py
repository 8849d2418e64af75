"""cert-manager's real controller issues and renews a gateway's certificate: with the program's objects as they are
deployed, a test authority, and a real Envoy that answers challenges as the gateway's objects say.

The tests build on each other.
"""

import base64
import json
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store

from components import versions
from components.cdn.keys import ACME_DIRECTORY
from sandbox import control_planes
from sandbox.binaries import CERT_MANAGER
from sandbox.controllers import cert_manager
from sandbox.controllers.acme import AcmeAuthority
from sandbox.controllers.cert_manager import CertManager
from sandbox.layout import Layout
from tests.support import cert_manager_chart, challenge_gateways
from tests.support.binaries import binary
from tests.support.sandboxes import Sandbox
from tests.support.servers import Processes, eventually, processes

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]

DOMAIN = "example.org"
OWN, SHARED = f"local.origin.{DOMAIN}", f"origin.{DOMAIN}"
SETTINGS: dict[str, object] = {
    "regions": [{"name": "local", "cloud": "existing", "gatewayAddress": "192.0.2.7"}],
    "edge": {"domain": DOMAIN, "cdn": "gcp", "project": "my-project"},
    "monitoring": {"enabled": False},
}
LIFETIME_SECONDS = 90
"""Validity of certificates. cert-manager renews them when a third of it is left."""
OURS, OTHERS = (f"127.{16 + os.getpid() % 200}.0.{number}" for number in (1, 2))
"""Addresses of the region's gateway and of another region's, which belong to this process."""
INGRESS = ("--namespace", "istio-ingress")
ACME_PATH = "/.well-known/acme-challenge/"
SOLVER_IMAGE = f"quay.io/jetstack/cert-manager-acmesolver:{versions.CERT_MANAGER.version}"
SOLVER = "--selector=acme.cert-manager.io/http01-solver=true"
TRIED_AGAIN = {
    r"propagation check failed": "no gateway answers at first",
    r'"failed to update status" .*resource_kind="Order"': "two of its workers write one order",
    r"error finalizing order: Post": "its copy of the order is older than the order",
    r"challenges.acme.cert-manager.io .* not found": "it deletes the challenge itself",
}
"""What the controller reports as errors and puts right by itself, as patterns with their reasons."""
PATIENCE = 240.0
"""Seconds to wait for what comes by itself."""


@dataclass(frozen=True)
class Deployed:
    """The stack with its controller, and the gateways that answer it."""

    sandbox: Sandbox
    gateways: Processes

    @cached_property
    def layout(self) -> Layout:
        home = self.sandbox.folder / ".sandbox"
        return Layout(project=self.sandbox.folder, home=home, binaries=Layout.from_environment().binaries)

    @property
    def authority(self) -> AcmeAuthority:
        return AcmeAuthority(self.layout)

    @property
    def manager(self) -> CertManager:
        (cluster,) = control_planes.clusters(self.layout, "local")
        return CertManager(cluster)

    def items(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        """The objects of a kind in the gateway's namespace."""
        found: list[dict[str, Any]] = json.loads(self._get(kind, *arguments))["items"]
        return found

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """An object in the gateway's namespace."""
        found: dict[str, Any] = json.loads(self._get(kind, name))
        return found

    def _get(self, *arguments: str) -> str:
        run = self.manager.cluster.kubectl("get", *arguments, *INGRESS, "--output=json")
        assert run.returncode == 0, run.stderr
        return run.stdout

    def answer(self, name: str, address: str) -> None:
        """Start a gateway with what is deployed. All regions' gateways have the same answers."""
        target = target_port(self.one("service", "istio-ingressgateway"))
        filters = challenge_gateways.http_filters(self.items("envoyfilters.networking.istio.io"), target)
        challenge_gateways.start(self.gateways, name, address, self.gateway, filters)

    @property
    def gateway(self) -> dict[str, Any]:
        return self.one("gateways.networking.istio.io", "sacred-council")

    @property
    def credential(self) -> str:
        """The name of the Secret with the gateway's certificate."""
        (secure,) = (one for one in self.gateway["spec"]["servers"] if "credentialName" in one["tls"])
        return str(secure["tls"]["credentialName"])

    def issued(self, revision: int) -> dict[str, Any]:
        """The certificate's Secret, once this issue or a later one is ready."""
        (certificate,) = self.items("certificates.cert-manager.io")
        status = certificate.get("status", {})
        assert status.get("revision", 0) >= revision, status
        assert condition(certificate, "Ready") == "True", status
        return self.one("secret", self.credential)


def target_port(service: dict[str, Any]) -> int:
    """The port of the gateway's pods behind port 80 of its Service."""
    (found,) = (port["targetPort"] for port in service["spec"]["ports"] if port["port"] == 80)
    return int(found)


def condition(item: dict[str, Any], kind: str) -> str:
    """The state of an object's condition; empty without it."""
    return next((each["status"] for each in item.get("status", {}).get("conditions", []) if each["type"] == kind), "")


def chain(secret: dict[str, Any]) -> list[x509.Certificate]:
    """The certificates in a Secret, the gateway's own first."""
    return x509.load_pem_x509_certificates(base64.b64decode(secret["data"]["tls.crt"]))


def can_listen() -> bool:
    """Whether this user may listen on port 80 of loopback."""
    with socket.socket() as probe:
        try:
            probe.bind((OURS, 80))
        except PermissionError:
            return False
        return True


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A stack of one region behind a CDN, with cert-manager's own chart and its controller. No gateway runs yet."""
    for program in CERT_MANAGER:
        binary(program.name)
    challenge_gateways.envoy()
    if not can_listen():
        pytest.skip("challenges come to port 80, and this user may not listen there")
    chart = cert_manager_chart.pack(tmp_path_factory.mktemp("charts"))
    sandbox = Sandbox.of(tmp_path_factory.mktemp("certificates") / "project", "local", saves_once=True)
    with processes(tmp_path_factory.mktemp("gateways")) as gateways, pytest.MonkeyPatch.context() as environment:
        for name, value in chart.items():
            environment.setenv(name, value)
        made = Deployed(sandbox, gateways)
        try:
            sandbox.configure(SETTINGS)
            sandbox.run("up")
            assert cert_manager.start(made.layout, "local", lifetime_seconds=LIFETIME_SECONDS) == ["local"]
            # The shared host leads to the nearest region, which is another one here.
            made.authority.resolve(OWN, [OURS])
            made.authority.resolve(SHARED, [OTHERS])
            yield made
        finally:
            cert_manager.stop(made.layout, "local")
            sandbox.take_down()


def test_the_issuer_has_the_program_s_account_with_the_authority(deployed: Deployed) -> None:
    def ready() -> dict[str, Any]:
        (issuer,) = deployed.items("issuers.cert-manager.io")
        assert condition(issuer, "Ready") == "True", issuer.get("status")
        return issuer

    issuer = eventually(ready, seconds=PATIENCE, what="the issuer is ready")
    assert issuer["spec"]["acme"]["server"] == ACME_DIRECTORY
    assert issuer["status"]["acme"]["uri"].startswith("https://acme-v02.api.letsencrypt.org/")
    # The account's key is the program's: no other Secret was made for it.
    accounts = [one["metadata"]["name"] for one in deployed.items("secrets") if list(one["data"]) == ["tls.key"]]
    assert [name for name in accounts if "acme" in name] == [issuer["spec"]["acme"]["privateKeySecretRef"]["name"]]


def challenges(deployed: Deployed) -> list[dict[str, Any]]:
    """The pending challenges of both hosts, presented."""
    found = deployed.items("challenges.acme.cert-manager.io")
    assert {one["spec"]["dnsName"] for one in found} == {OWN, SHARED}
    assert all(one["status"].get("presented") for one in found), [one["status"] for one in found]
    return found


def test_each_host_is_challenged_and_no_certificate_comes_before_the_gateway_answers(deployed: Deployed) -> None:
    found = eventually(lambda: challenges(deployed), seconds=PATIENCE, what="both challenges are presented")
    (order,) = deployed.items("orders.acme.cert-manager.io")
    assert sorted(order["spec"]["dnsNames"]) == [OWN, SHARED]
    assert {one["spec"]["type"] for one in found} == {"HTTP-01"}
    refused = eventually(
        lambda: [one["status"]["reason"] for one in challenges(deployed) if "refused" in one["status"]["reason"]],
        seconds=PATIENCE,
        what="cert-manager asked a host",
    )
    assert ACME_PATH in refused[0]
    assert deployed.credential not in {one["metadata"]["name"] for one in deployed.items("secrets")}


def test_what_the_solver_routes_is_what_the_gateway_answers_on_port_80(deployed: Deployed) -> None:
    found = challenges(deployed)
    (script,) = challenge_gateways.http_filters(
        deployed.items("envoyfilters.networking.istio.io"),
        target_port(deployed.one("service", "istio-ingressgateway")),
    )
    source = script["typed_config"]["default_source_code"]["inline_string"]
    for challenge in found:
        host = challenge["spec"]["dnsName"]
        (route,) = (one["spec"] for one in deployed.items("ingresses") if one["spec"]["rules"][0]["host"] == host)
        (path,) = route["rules"][0]["http"]["paths"]
        assert path["path"] == ACME_PATH + challenge["spec"]["token"]
        assert route["ingressClassName"] == "answered-by-the-gateway"
        assert host in challenge_gateways.http_server(deployed.gateway)["hosts"]
        # The solver's answer is the token and the account's thumbprint, which the gateway knows.
        token, _, thumbprint = challenge["spec"]["key"].partition(".")
        assert token == challenge["spec"]["token"]
        assert f'token .. ".{thumbprint}"' in source


def test_the_restricted_namespace_allows_the_solver_s_pods(deployed: Deployed) -> None:
    def running() -> bool:
        pods = deployed.items("pods", SOLVER)
        assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {SOLVER_IMAGE}
        return [pod["status"]["phase"] for pod in pods] == ["Running", "Running"]

    eventually(running, seconds=PATIENCE, what="the solver's pods run")
    assert {one["spec"]["type"] for one in deployed.items("services", SOLVER)} == {"ClusterIP"}


def test_the_certificate_is_where_the_gateway_reads_it(deployed: Deployed) -> None:
    deployed.answer("ours", OURS)
    deployed.answer("others", OTHERS)
    secret = eventually(lambda: deployed.issued(1), seconds=PATIENCE, what="the certificate is ready")
    assert secret["type"] == "kubernetes.io/tls"
    assert {"tls.crt", "tls.key"} <= secret["data"].keys()
    leaf, *intermediates = chain(secret)
    root = x509.load_pem_x509_certificate(deployed.authority.root().encode())
    for host in (OWN, SHARED):
        verifier = PolicyBuilder().store(Store([root])).build_server_verifier(x509.DNSName(host))
        verifier.verify(leaf, intermediates)
    key = leaf.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_the_gateway_of_another_region_answered_for_the_shared_host(deployed: Deployed) -> None:
    assert {name: {host for host, _ in answers(deployed, name)} for name in ("ours", "others")} == {
        "ours": {OWN},
        "others": {SHARED},
    }
    assert {status for name in ("ours", "others") for _, status in answers(deployed, name)} == {"200"}


def answers(deployed: Deployed, gateway: str) -> list[tuple[str, str]]:
    """The host and the status of each challenge in a gateway's log."""
    lines = [line.split() for line in deployed.gateways.log(gateway).splitlines() if ACME_PATH in line]
    return [(host.partition(":")[0], status) for host, _, status in lines]


def test_nothing_of_the_solver_stays(deployed: Deployed) -> None:
    eventually(
        lambda: deployed.items("pods,services,ingresses", SOLVER) == [],
        seconds=PATIENCE,
        what="the solver is gone",
    )


def test_the_certificate_is_renewed_with_another_key(deployed: Deployed) -> None:
    (certificate,) = deployed.items("certificates.cert-manager.io")
    revision = certificate["status"]["revision"]
    answered, first = len(answers(deployed, "ours")), chain(deployed.issued(revision))[0]
    renewed = eventually(lambda: deployed.issued(revision + 1), seconds=PATIENCE, what="the certificate is renewed")
    second = chain(renewed)[0]
    assert second.serial_number != first.serial_number
    assert second.not_valid_after_utc > first.not_valid_after_utc
    assert second.public_key() != first.public_key()
    assert len(answers(deployed, "ours")) > answered


def test_another_account_takes_over_as_the_runbook_says(deployed: Deployed) -> None:
    def registered() -> str:
        (issuer,) = deployed.items("issuers.cert-manager.io")
        assert condition(issuer, "Ready") == "True", issuer["status"]
        return str(issuer["status"]["acme"]["uri"])

    before = registered()
    deployed.sandbox.pulumi("up", "--yes", "--skip-preview", "--replace", "**edge-keys-account")
    for name, address in (("ours", OURS), ("others", OTHERS)):
        deployed.gateways.stop(name)
        deployed.answer(name, address)
    eventually(lambda: registered() != before, seconds=PATIENCE, what="the issuer has the new account")
    (certificate,) = deployed.items("certificates.cert-manager.io")
    later = certificate["status"]["revision"] + 1
    eventually(lambda: deployed.issued(later), seconds=PATIENCE, what="a certificate is issued to the new account")


def test_the_controller_has_the_rights_of_the_chart_s_account_and_no_others(deployed: Deployed) -> None:
    kubeconfig = yaml.safe_load((deployed.manager.directory / "kubeconfig").read_text())
    (user,) = kubeconfig["users"]
    assert list(user["user"]) == ["token"]
    run = deployed.manager.cluster.kubectl(
        "auth", "can-i", "delete", "nodes", "--as=system:serviceaccount:cert-manager:cert-manager"
    )
    assert run.stdout.strip() == "no"


def test_the_controller_reported_no_error(deployed: Deployed) -> None:
    errors = [line for line in deployed.manager.log.splitlines() if line.startswith("E")]
    assert [line for line in errors if not any(re.search(pattern, line) for pattern in TRIED_AGAIN)] == []
