"""The platform's dashboards. Pure: no resources.

Queries use only what kube-state-metrics, cAdvisor, the kubelet, Istio, CockroachDB, redis_exporter and
prometheus-nats-exporter really publish.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from components.monitoring.names import DATASOURCE, Watched

COLUMNS = 24
STAT_HEIGHT = 4
GRAPH_HEIGHT = 8


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One panel: `queries` maps a legend (Grafana's `{{label}}` form) to PromQL; `unit` is one of Grafana's."""

    title: str
    queries: Mapping[str, str]
    unit: str


def overview_stats(watched: Watched) -> list[Chart]:
    """The first row: is everything well?"""
    ours = "|".join(watched.all())
    requests = f'istio_requests_total{{reporter="destination",destination_service_namespace="{watched.services}"'
    failed = f'sum(rate({requests},response_code=~"5.."}}[5m])) or vector(0)'
    return [
        _single("Requests per second", f"sum(rate({requests}}}[5m]))", "reqps"),
        _single("Failed requests", f"({failed}) / sum(rate({requests}}}[5m]))", "percentunit"),
        _single("Pods not ready", f'sum(kube_pod_status_ready{{condition="false",namespace=~"{ours}"}})', "short"),
        *_store_stats(watched),
        _single("NATS connections", f'sum(nats_varz_connections{{namespace="{watched.messaging}"}})', "short"),
    ]


def _store_stats(watched: Watched) -> list[Chart]:
    nodes = _single("Database nodes", f'min(liveness_livenodes{{namespace="{watched.database}"}})', "short")
    redis = _single("Redis up", f'sum(redis_up{{namespace="{watched.cache}"}})', "short")
    return [*([nodes] if watched.database else []), *([redis] if watched.cache else [])]


def overview_graphs(watched: Watched) -> list[Chart]:
    """What the services do and what the stores behind them do."""
    return [*_traffic(watched), *_workloads(watched), *_stores(watched)]


def overview(watched: Watched) -> str:
    """The overview dashboard, as the JSON Grafana reads."""
    builder = (
        dashboard.Dashboard("Sacred Council: overview")
        .uid("sacred-council-overview")
        .tags(["sacred-council"])
        .refresh("30s")
        .time("now-1h", "now")
        .timezone("browser")
        .readonly()
        .with_row(dashboard.Row("Now"))
    )
    stats = overview_stats(watched)
    for chart in stats:
        builder = builder.with_panel(_stat_panel(chart, span=COLUMNS // len(stats)))
    builder = builder.with_row(dashboard.Row("Over time"))
    for chart in overview_graphs(watched):
        builder = builder.with_panel(_graph_panel(chart))
    return JSONEncoder(sort_keys=True, indent=2).encode(builder.build())


DASHBOARDS: Mapping[str, Callable[[Watched], str]] = {"overview": overview}
"""Every dashboard by name."""


def _traffic(watched: Watched) -> list[Chart]:
    received = f'reporter="destination",destination_service_namespace="{watched.services}"'
    by = "sum by (destination_service_name)"
    buckets = f"istio_request_duration_milliseconds_bucket{{{received}}}"
    latency = f"histogram_quantile(0.99, sum by (le, destination_service_name) (rate({buckets}[5m])))"
    errors = f'{by} (rate(istio_requests_total{{{received},response_code=~"5.."}}[5m]))'
    service = "{{destination_service_name}}"
    return [
        Chart(
            title="Requests by service",
            queries={service: f"{by} (rate(istio_requests_total{{{received}}}[5m]))"},
            unit="reqps",
        ),
        Chart(title="Server errors by service", queries={service: errors}, unit="reqps"),
        Chart(title="99 % of requests are faster than", queries={service: latency}, unit="ms"),
    ]


def _workloads(watched: Watched) -> list[Chart]:
    ours = "|".join(watched.all())
    containers = f'namespace=~"{ours}",container!=""'
    cpu = f"sum by (namespace) (rate(container_cpu_usage_seconds_total{{{containers}}}[5m]))"
    memory = f"sum by (namespace) (container_memory_working_set_bytes{{{containers}}})"
    restarts = f'sum by (namespace) (increase(kube_pod_container_status_restarts_total{{namespace=~"{ours}"}}[1h]))'
    replicas = f'kube_horizontalpodautoscaler_status_current_replicas{{namespace="{watched.services}"}}'
    free = f'kubelet_volume_stats_available_bytes{{namespace=~"{ours}"}}'
    size = f'kubelet_volume_stats_capacity_bytes{{namespace=~"{ours}"}}'
    return [
        Chart(title="CPU by namespace", queries={"{{namespace}}": cpu}, unit="short"),
        Chart(title="Memory by namespace", queries={"{{namespace}}": memory}, unit="bytes"),
        Chart(title="Replicas by service", queries={"{{horizontalpodautoscaler}}": replicas}, unit="short"),
        Chart(title="Restarts in an hour", queries={"{{namespace}}": restarts}, unit="short"),
        Chart(
            title="Volumes in use", queries={"{{persistentvolumeclaim}}": f"1 - {free} / {size}"}, unit="percentunit"
        ),
    ]


def _stores(watched: Watched) -> list[Chart]:
    return [
        *([_statements(watched.database)] if watched.database else []),
        *([_cache_hits(watched.cache)] if watched.cache else []),
        *_messages(watched.messaging),
    ]


def _statements(namespace: str) -> Chart:
    kinds = ("select", "insert", "update", "delete")
    return Chart(
        title="Database statements",
        queries={kind: f'sum(rate(sql_{kind}_count{{namespace="{namespace}"}}[5m]))' for kind in kinds},
        unit="ops",
    )


def _cache_hits(namespace: str) -> Chart:
    hits, misses = (
        f'sum(rate(redis_keyspace_{kind}_total{{namespace="{namespace}"}}[5m]))' for kind in ("hits", "misses")
    )
    return Chart(title="Cache hits", queries={"hits": f"{hits} / ({hits} + {misses})"}, unit="percentunit")


def _messages(namespace: str) -> list[Chart]:
    messaging = f'{{namespace="{namespace}"}}'
    return [
        Chart(
            title="Messages",
            queries={
                "in": f"sum(rate(nats_varz_in_msgs{messaging}[5m]))",
                "out": f"sum(rate(nats_varz_out_msgs{messaging}[5m]))",
            },
            unit="ops",
        ),
        Chart(
            title="JetStream storage",
            queries={"{{pod}}": f"nats_varz_jetstream_stats_storage{messaging}"},
            unit="bytes",
        ),
    ]


def _single(title: str, query: str, unit: str) -> Chart:
    return Chart(title=title, queries={"": query}, unit=unit)


def _source() -> DataSourceRef:
    return DataSourceRef(type_val="prometheus", uid=DATASOURCE)


def _stat_panel(chart: Chart, *, span: int) -> stat.Panel:
    panel = stat.Panel().title(chart.title).unit(chart.unit).datasource(_source()).span(span).height(STAT_HEIGHT)
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    for target in _targets(chart):
        panel = panel.with_target(target)
    return panel


def _graph_panel(chart: Chart) -> timeseries.Panel:
    panel = timeseries.Panel().title(chart.title).unit(chart.unit).datasource(_source())
    panel = panel.span(COLUMNS // 2).height(GRAPH_HEIGHT).min(0).legend(common.VizLegendOptions().show_legend(True))
    for target in _targets(chart):
        panel = panel.with_target(target)
    return panel


def _targets(chart: Chart) -> list[prometheus.Dataquery]:
    return [
        prometheus.Dataquery().expr(query).legend_format(legend).ref_id(chr(ord("A") + index))
        for index, (legend, query) in enumerate(chart.queries.items())
    ]
