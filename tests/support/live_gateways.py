"""A real Envoy as a region's public gateway, with what the program says of `/live`.

It has no control plane: this module writes what istiod would make of the VirtualService, the DestinationRule and the
EnvoyFilter. Sources: Istio 1.30's documentation of the three, and Envoy's of its configuration (v3).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.challenge_gateways import envoy
from tests.support.servers import Processes

_EXTENSIONS = "type.googleapis.com/envoy.extensions"
_MANAGER = "envoy.filters.network.http_connection_manager"
_SERVERS, _PAGES = "servers", "pages"


def start(
    processes: Processes,
    name: str,
    *,
    port: int,
    objects: Mapping[str, Mapping[str, Any]],
    certificates: Path,
    root: Path,
    servers: Sequence[int],
    pages: int | None = None,
    strict: bool = False,
) -> None:
    """Serve the gateway's HTTPS on a loopback port.

    `objects` are the specs of the three objects, by kind. `certificates` has the gateway's own certificate, and `root`
    the authority that the DestinationRule names. `servers` are the ports of the servers for browsers, and `pages` that
    of a web server for all other paths. `strict`: with the only key exchange that `mesh.postQuantum: strict` allows.
    """
    path = processes.directory / f"{name}.json"
    path.write_text(json.dumps(_bootstrap(port, objects, certificates, root, servers, pages, strict)))
    options = ["--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning"]
    processes.start(name, [envoy(), "-c", str(path), *options, "--file-flush-interval-msec", "100"])


def _bootstrap(
    port: int,
    objects: Mapping[str, Mapping[str, Any]],
    certificates: Path,
    root: Path,
    servers: Sequence[int],
    pages: int | None,
    strict: bool,
) -> dict[str, Any]:
    clusters = [_cluster(objects["DestinationRule"], root, servers, strict)]
    if pages is not None:
        clusters.append(_plain(_PAGES, [pages]))
    certificate = {
        "certificate_chain": {"filename": str(certificates / "tls.crt")},
        "private_key": {"filename": str(certificates / "tls.key")},
    }
    context = {
        "@type": f"{_EXTENSIONS}.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {"tls_certificates": [certificate], "alpn_protocols": ["h2", "http/1.1"]},
    }
    listener = {
        "name": "https",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {
                "filters": [{"name": _MANAGER, "typed_config": _manager(objects, pages is not None)}],
                "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context},
            }
        ],
    }
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


def _manager(objects: Mapping[str, Mapping[str, Any]], with_pages: bool) -> dict[str, Any]:
    service, patches = objects["VirtualService"], objects["EnvoyFilter"]["configPatches"]
    routes = [_route(route, patches) for route in service["http"]]
    if with_pages:
        routes.append({"match": {"prefix": "/"}, "route": {"cluster": _PAGES}})
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": f"{_EXTENSIONS}.filters.http.router.v3.Router"},
    }
    return {
        "@type": f"{_EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "https",
        # Istio's gateways do both.
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "normalize_path": True,
        "merge_slashes": True,
        "route_config": {
            "ignore_port_in_host_matching": True,
            "virtual_hosts": [{"name": "hosts", "domains": list(service["hosts"]), "routes": routes}],
        },
        "http_filters": [*_filters(patches), router],
    }


def _filters(patches: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for patch in patches:
        if patch["applyTo"] == "HTTP_FILTER":
            place = patch["match"]["listener"]["filterChain"]["filter"]
            assert patch["match"]["context"] == "GATEWAY"
            assert (place["name"], place["subFilter"]["name"]) == (_MANAGER, "envoy.filters.http.router")
            assert patch["patch"]["operation"] == "INSERT_BEFORE"
            found.append(dict(patch["patch"]["value"]))
    return found


def _route(route: Mapping[str, Any], patches: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    (match,) = route["match"]
    (target,) = route["route"]
    assert set(match) == {"uri"}
    assert target["destination"]["host"]
    # Istio has no timeout unless the route says one.
    made: dict[str, Any] = {
        "name": route["name"],
        "match": {"path": match["uri"]["exact"]},
        "route": {"cluster": _SERVERS, "timeout": route.get("timeout", "0s")},
    }
    for patch in patches:
        if patch["applyTo"] == "HTTP_ROUTE":
            named = patch["match"]["routeConfiguration"]["vhost"]["route"]["name"]
            assert (patch["match"]["context"], patch["patch"]["operation"]) == ("GATEWAY", "MERGE")
            if named == route["name"]:
                made |= patch["patch"]["value"]
    return made


def _cluster(rule: Mapping[str, Any], root: Path, servers: Sequence[int], strict: bool) -> dict[str, Any]:
    policy = rule["trafficPolicy"]
    tls, pool = policy["tls"], policy["connectionPool"]
    assert (tls["mode"], policy["loadBalancer"]) == ("SIMPLE", {"simple": "LEAST_REQUEST"})
    names = [{"san_type": "DNS", "matcher": {"exact": name}} for name in tls["subjectAltNames"]]
    # COMPLIANCE_POLICY=pqc: https://istio.io/latest/docs/reference/commands/pilot-discovery/
    version = {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"}
    exchange = {**version, "ecdh_curves": ["X25519MLKEM768"]}
    context = {
        "@type": f"{_EXTENSIONS}.transport_sockets.tls.v3.UpstreamTlsContext",
        "sni": tls["sni"],
        "common_tls_context": {
            **({"tls_params": exchange} if strict else {}),
            "validation_context": {
                "trusted_ca": {"filename": str(root)},
                "match_typed_subject_alt_names": names,
            },
        },
    }
    limits = {
        "max_connections": pool["tcp"]["maxConnections"],
        "max_pending_requests": pool["http"]["http1MaxPendingRequests"],
    }
    return {
        **_plain(_SERVERS, servers),
        "connect_timeout": pool["tcp"]["connectTimeout"],
        "lb_policy": "LEAST_REQUEST",
        "circuit_breakers": {"thresholds": [limits]},
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context},
    }


def _plain(name: str, ports: Sequence[int]) -> dict[str, Any]:
    addresses = [{"socket_address": {"address": "127.0.0.1", "port_value": port}} for port in ports]
    endpoints = [{"endpoint": {"address": address}} for address in addresses]
    return {
        "name": name,
        "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    }
