"""A caller that offers chosen groups for the key exchange: Envoy, as the machine's OpenSSL may know no new ones."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.controllers import netns
from sandbox.controllers.istio_proxy import envoy_program
from tests.support.mesh_callers import HTTPS, Caller, ask, gateway_address
from tests.support.servers import eventually

_PORT, _ADMIN_PORT = 18080, 18081
"""Ports in the caller's own network."""
_CLUSTER = "gateway"


@dataclass(frozen=True)
class EnvoyCaller:
    """A machine with an Envoy that leads plain requests to a region's public gateway over TLS."""

    namespace: str
    domain: str

    def get(self, path: str) -> dict[str, Any]:
        """The answer to a request. Raises `OSError` or `HTTPException` if no connection was made."""
        connection = http.client.HTTPConnection(self.domain)
        connection.sock = netns.connect(self.namespace, ("127.0.0.1", _PORT))
        try:
            return ask(connection, path, {"Host": self.domain})
        finally:
            connection.close()

    def groups(self) -> dict[str, int]:
        """Handshakes so far by the group that was agreed on."""
        prefix = f"cluster.{_CLUSTER}.ssl.curves."
        return {name.removeprefix(prefix): int(value) for name, value in self._statistics(prefix).items()}

    def failures(self) -> int:
        """Handshakes that failed."""
        name = f"cluster.{_CLUSTER}.ssl.connection_error"
        return int(self._statistics(name).get(name, 0))

    def _statistics(self, pattern: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1")
        connection.sock = netns.connect(self.namespace, ("127.0.0.1", _ADMIN_PORT))
        try:
            connection.request("GET", f"/stats?format=json&filter={pattern}")
            found = json.loads(connection.getresponse().read())["stats"]
        finally:
            connection.close()
        return {each["name"]: each["value"] for each in found if "name" in each}


@contextmanager
def envoy_caller(
    folder: Path, caller: Caller, region: str, groups: Sequence[str], address: str
) -> Iterator[EnvoyCaller]:
    """A machine at `address` (IPv4) that offers these groups to the region's public gateway."""
    folder.mkdir(parents=True)
    authorities = folder / "authorities.pem"
    authorities.write_text(caller.authorities)
    gateway = gateway_address(caller.stack.regions[region].cluster)
    configuration = folder / "envoy.json"
    configuration.write_text(json.dumps(_configuration(gateway, caller.domain, authorities, groups)))
    namespace = caller.stack.internet.client(address)
    command = [
        *netns.entering(namespace),
        str(envoy_program()),
        *("--config-path", str(configuration), "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warn"),
    ]
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    found = EnvoyCaller(namespace, caller.domain)
    try:
        eventually(lambda: found.groups() == {}, seconds=20, what="an Envoy that answers")
        yield found
    finally:
        process.kill()
        process.wait()


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def _configuration(gateway: str, domain: str, authorities: Path, groups: Sequence[str]) -> dict[str, Any]:
    proxy = {
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "caller",
            "cluster": _CLUSTER,
        },
    }
    tls = {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "sni": domain,
            "common_tls_context": {
                "tls_params": {"ecdh_curves": list(groups), "tls_maximum_protocol_version": "TLSv1_3"},
                "validation_context": {
                    "trusted_ca": {"filename": str(authorities)},
                    "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": domain}}],
                },
            },
        },
    }
    endpoint = {"endpoint": {"address": _address(gateway, HTTPS)}}
    cluster = {
        "name": _CLUSTER,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": _CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "transport_socket": tls,
    }
    listener = {"name": "plain", "address": _address("127.0.0.1", _PORT), "filter_chains": [{"filters": [proxy]}]}
    return {
        "admin": {"address": _address("127.0.0.1", _ADMIN_PORT)},
        "static_resources": {"listeners": [listener], "clusters": [cluster]},
    }
