"""Convert charts to Grafana's panels, with the Grafana Foundation SDK. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from grafana_foundation_sdk.builders import bargauge, common, dashboard, geomap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import FrameGeometrySourceMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef, DataTransformerConfig, FieldColorModeId, Panel
from grafana_foundation_sdk.models.geomap import MapCenterID
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Kind = Literal["stat", "graph", "bars", "table", "map"]

COLUMNS = 24
PER_LINE: Mapping[Kind, int] = {"stat": 6, "graph": 2, "bars": 2, "table": 2, "map": 1}
HEIGHTS: Mapping[Kind, int] = {"stat": 4, "graph": 8, "bars": 8, "table": 8, "map": 14}
MAP_OPACITY = 1
MARKER_PIXELS = {"min": 6, "max": 24}


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One panel."""

    title: str
    queries: Mapping[str, str]
    """PromQL by legend. A legend may contain Grafana's `{{label}}`."""
    unit: str = "short"
    """One of Grafana's units."""
    kind: Kind = "graph"
    note: str = ""
    """Help text of the panel."""
    exemplars: bool = False
    """Whether to show single traces as dots."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """Charts under a title."""

    title: str
    charts: Sequence[Chart] = field(default_factory=tuple)


def fitted(charts: Sequence[Chart]) -> list[tuple[Chart, int]]:
    """Arrange the charts in full lines. Return each chart with its width in columns, of `COLUMNS`.

    Grafana's SDK places panels side by side until a line is full, so a gap in one line would shift all later panels.
    """
    lines: list[list[Chart]] = []
    for chart in charts:
        same = lines and HEIGHTS[lines[-1][-1].kind] == HEIGHTS[chart.kind]
        if same and len(lines[-1]) < PER_LINE[chart.kind]:
            lines[-1].append(chart)
        else:
            lines.append([chart])
    return [
        (chart, COLUMNS // len(line) + (COLUMNS % len(line) if chart is line[-1] else 0))
        for line in lines
        for chart in line
    ]


def single(title: str, query: str, unit: str = "short", note: str = "") -> Chart:
    """Return a chart of one number: the query's latest value."""
    return Chart(title=title, queries={"": query}, unit=unit, kind="stat", note=note)


def panel(chart: Chart, datasource: str, span: int) -> Builder[Panel]:
    """Return the panel of `chart`, `span` columns wide, for the data source with the uid `datasource`."""
    source = DataSourceRef(type_val="prometheus", uid=datasource)
    match chart.kind:
        case "stat":
            return _stat(chart, source, span)
        case "bars":
            return _bars(chart, source, span)
        case "table":
            return _table(chart, source, span)
        case "map":
            return _map(chart, source, span)
        case "graph":
            return _graph(chart, source, span)


def _stat(chart: Chart, source: DataSourceRef, span: int) -> stat.Panel:
    shown = stat.Panel().title(chart.title).description(chart.note).unit(chart.unit).datasource(source)
    shown = shown.span(span).height(HEIGHTS["stat"]).targets(_targets(chart))
    return shown.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _graph(chart: Chart, source: DataSourceRef, span: int) -> timeseries.Panel:
    shown = timeseries.Panel().title(chart.title).description(chart.note).unit(chart.unit).datasource(source)
    shown = shown.span(span).height(HEIGHTS["graph"]).targets(_targets(chart))
    return shown.legend(common.VizLegendOptions().show_legend(True))


def _bars(chart: Chart, source: DataSourceRef, span: int) -> bargauge.Panel:
    shown = bargauge.Panel().title(chart.title).description(chart.note).unit(chart.unit).datasource(source)
    shown = shown.span(span).height(HEIGHTS["bars"]).min(0).targets(_targets(chart))
    return shown.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _table(chart: Chart, source: DataSourceRef, span: int) -> table.Panel:
    shown = table.Panel().title(chart.title).description(chart.note).unit(chart.unit).datasource(source)
    shown = shown.span(span).height(HEIGHTS["table"]).targets(_targets(chart, at_once=True))
    return shown.with_transformation(DataTransformerConfig(id_val="merge", options={}))


def _map(chart: Chart, source: DataSourceRef, span: int) -> geomap.Panel:
    """Return a world map with heat and markers at each series' labels `latitude` and `longitude`."""
    shown = geomap.Panel().title(chart.title).description(chart.note).unit(chart.unit).datasource(source)
    shown = shown.span(span).height(HEIGHTS["map"]).targets(_targets(chart, at_once=True))
    shown = shown.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.CONTINUOUS_BL_PU))
    shown = shown.basemap(common.MapLayerOptions().type("default").name("earth"))
    shown = shown.view(geomap.MapViewConfig().id(MapCenterID.ZERO.value).zoom(1))
    return shown.with_transformation(_numbers("latitude", "longitude")).layers([_heat(), _markers()])


def _heat() -> common.MapLayerOptions:
    config = {"weight": {"field": "Value", "fixed": 1, "min": 0, "max": 1}, "blur": 25, "radius": 35}
    return _layer("heatmap", "heat", config).tooltip(False)


def _markers() -> common.MapLayerOptions:
    style = {
        "size": {"field": "Value", "fixed": MARKER_PIXELS["min"], **MARKER_PIXELS},
        "color": {"field": "Value", "fixed": "dark-green"},
        "opacity": 0.7,
        "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
        "text": {"field": "city", "fixed": "", "mode": "field"},
    }
    return _layer("markers", "regions", {"showLegend": True, "style": style}).tooltip(True)


def _layer(kind: str, name: str, config: object) -> common.MapLayerOptions:
    where = common.FrameGeometrySource().mode(FrameGeometrySourceMode.COORDS)
    where = where.latitude("latitude").longitude("longitude")
    return common.MapLayerOptions().type(kind).name(name).config(config).location(where).opacity(MAP_OPACITY)


def _numbers(*fields: str) -> DataTransformerConfig:
    """Convert labels to numbers, which maps need."""
    conversions = [{"targetField": name, "destinationType": "number"} for name in fields]
    return DataTransformerConfig(id_val="convertFieldType", options={"conversions": conversions, "fields": {}})


def _targets(chart: Chart, *, at_once: bool = False) -> list[Builder[Dataquery]]:
    """Return the queries. With `at_once` they ask only for the latest values, as a table."""
    return [
        _target(query, legend, chr(ord("A") + index), chart.exemplars, at_once)
        for index, (legend, query) in enumerate(chart.queries.items())
    ]


def _target(query: str, legend: str, ref: str, exemplars: bool, at_once: bool) -> Builder[Dataquery]:
    target = prometheus.Dataquery().expr(query).legend_format(legend).ref_id(ref).exemplar(exemplars)
    return target.instant().format(PromQueryFormat.TABLE) if at_once else target.range()
