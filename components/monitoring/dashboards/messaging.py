"""NATS. Pure: no resources."""

from collections.abc import Sequence

from components.monitoring.dashboards import flow
from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.sites import KNOWN, by_site

TITLE = "NATS"


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard. None when messaging is not in the cluster."""
    if targets.messaging is None:
        return []
    nats = f'namespace="{targets.messaging}"'
    return [
        Row(title="Now", charts=_now(nats, scope)),
        Row(title="Servers", charts=_servers(nats, scope)),
        Row(title="JetStream", charts=[*_jetstream(nats, scope), *flow.streams(nats, scope)]),
        Row(title="Gateways to other regions", charts=flow.gateways(nats, scope)),
        *([Row(title="Edge sites", charts=_sites(nats, scope))] if targets.sites else []),
    ]


def _now(nats: str, scope: Scope) -> list[Chart]:
    return [
        single("Servers", f"count({scope.of('nats_varz_connections', nats)})"),
        single("Connections", f"sum({scope.of('nats_varz_connections', nats)})"),
        single("Subscriptions", f"sum({scope.of('nats_varz_subscriptions', nats)})"),
        single("Slow consumers", f"sum({scope.of('nats_varz_slow_consumers', nats)})"),
        single("Streams", f"max({scope.of('nats_server_total_streams', nats)})"),
    ]


def _servers(nats: str, scope: Scope) -> list[Chart]:
    pod = scope.legend("pod")
    return [
        Chart(title="Messages in", queries={pod: scope.rate("nats_varz_in_msgs", nats)}, unit="ops"),
        Chart(title="Messages out", queries={pod: scope.rate("nats_varz_out_msgs", nats)}, unit="ops"),
        Chart(title="Bytes in", queries={pod: scope.rate("nats_varz_in_bytes", nats)}, unit="Bps"),
        Chart(title="Bytes out", queries={pod: scope.rate("nats_varz_out_bytes", nats)}, unit="Bps"),
        Chart(title="Memory", queries={pod: scope.of("nats_varz_mem", nats)}, unit="bytes"),
        Chart(title="Connections by server", queries={pod: scope.of("nats_varz_connections", nats)}),
    ]


def _jetstream(nats: str, scope: Scope) -> list[Chart]:
    used = scope.of("nats_varz_jetstream_stats_storage", nats)
    limit = scope.of("nats_varz_jetstream_config_max_storage", nats)
    return [
        Chart(title="Storage", queries={scope.legend("pod"): used}, unit="bytes"),
        Chart(title="Storage in use", queries={scope.legend("pod"): f"{used} / ({limit} > 0)"}, unit="percentunit"),
    ]


def _sites(nats: str, scope: Scope) -> list[Chart]:
    """Links of the edge sites whose home the region is. The home sees them, because a site sends no metrics."""
    links = f"{by_site(scope.of('nats_leafz_info', nats))} or {scope.of(KNOWN)} * 0"
    into, out = (by_site(scope.rate(f"nats_leafz_conn_{way}_bytes", nats)) for way in ("in", "out"))
    round_trip = by_site(scope.of("nats_leafz_conn_rtt", nats))
    lag = scope.of("nats_stream_source_lag", nats, flow.LEADER)
    waiting = f'label_replace({lag}, "site", "$1", "source_api", ".JS[.](.+)[.]API")'
    site, stream = scope.legend("site"), scope.legend("site", "stream_name")
    return [
        Chart(title="Links by edge site", queries={site: scope.sum(links, "site")}),
        Chart(
            title="Messages in a site's outbox that the stream lacks",
            queries={stream: scope.aggregate("max", waiting, "site", "stream_name")},
            note="While a site has no link, this is the last figure that was heard.",
        ),
        Chart(title="Bytes from edge sites", queries={site: scope.sum(into, "site")}, unit="Bps"),
        Chart(title="Bytes to edge sites", queries={site: scope.sum(out, "site")}, unit="Bps"),
        Chart(title="Round trip to edge sites", queries={site: scope.aggregate("max", round_trip, "site")}, unit="s"),
    ]
