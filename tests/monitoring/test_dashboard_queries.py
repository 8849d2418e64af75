"""Single panels of the dashboards, evaluated on made-up series."""

from pathlib import Path

import pytest

from tests.monitoring.test_prometheus_rules import promtool_tests
from tests.support.alert_scenarios import Series
from tests.support.monitoring_examples import dashboard_queries

pytestmark = pytest.mark.conformance

VIEWS = ("region", "global")
PHASES = ("Pending", "Running", "Succeeded", "Failed")


def shows(value: int, panel: str, series: Series, directory: Path) -> bool:
    """Return whether the values of `panel` (view, dashboard and title) add up to `value`, with all regions chosen."""
    (query,) = (query for where, query in dashboard_queries().items() if where.startswith(f"{panel}/"))
    in_all = query.replace("$region", ".*")
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": f"sum({in_all})", "eval_time": "5m", "exp_samples": [{"labels": "{}", "value": value}]}
        ],
    }
    return promtool_tests(directory, [test])[0] == 0


def pod(name: str, *, ready: bool, phase: str, region: str) -> Series:
    """Return the series that kube-state-metrics reports about a pod."""
    labels = f'namespace="nats",pod="{name}",region="{region}"'
    phases = {f'kube_pod_status_phase{{{labels},phase="{one}"}}': f"{int(one == phase)}x9" for one in PHASES}
    return {f'kube_pod_status_ready{{{labels},condition="false"}}': f"{int(not ready)}x9", **phases}


PODS = {
    **pod("ready", ready=True, phase="Running", region="here"),
    **pod("starting", ready=False, phase="Running", region="here"),
    **pod("unschedulable", ready=False, phase="Pending", region="here"),
    **pod("broken", ready=False, phase="Failed", region="here"),
    **pod("finished", ready=False, phase="Succeeded", region="here"),
}
ELSEWHERE = {
    **{name: values for name, values in PODS.items() if "broken" not in name},
    # Pods of StatefulSets have the same names everywhere.
    **pod("starting", ready=True, phase="Succeeded", region="there"),
    **pod("finished", ready=False, phase="Running", region="there"),
}


@pytest.mark.parametrize("view", VIEWS)
def test_pods_of_finished_jobs_are_not_missed(view: str, tmp_path: Path) -> None:
    assert shows(3, f"{view}/overview/Pods not ready", PODS, tmp_path)


def test_a_pod_that_has_finished_in_one_region_is_still_missed_in_another(tmp_path: Path) -> None:
    assert shows(3, "global/overview/Pods not ready", ELSEWHERE, tmp_path)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    ("panel", "metric"),
    [("Connections at the gateway", "cx_active"), ("WebSockets at the gateway", "cx_upgrades_active")],
)
def test_connections_are_those_of_users(view: str, panel: str, metric: str, tmp_path: Path) -> None:
    counts = {"outbound_0.0.0.0_8080;": 1, "outbound_0.0.0.0_8443;": 2, "stats": 4, "agent": 8, "admin": 16}
    series = {
        f'envoy_http_downstream_{metric}{{namespace="istio-ingress",http_conn_manager_prefix="{name}"}}': f"{count}x9"
        for name, count in counts.items()
    }
    assert shows(3, f"{view}/connections/{panel}", series, tmp_path)


LINK = 'namespace="nats",pod="nats-0",region="here",name="lisbon-nats-0"'
SITES = {
    'site:known:info{site="lisbon",region="here"}': "1x9",
    'site:known:info{site="oulu",region="here"}': "1x9",
    f"nats_leafz_info{{{LINK}}}": "1x9",
    f"nats_leafz_conn_in_bytes{{{LINK}}}": "0+600x9",
    f"nats_leafz_conn_out_bytes{{{LINK}}}": "0+1200x9",
    f"nats_leafz_conn_rtt{{{LINK}}}": "3x9",
    **{
        f'nats_stream_source_lag{{namespace="nats",region="here",stream_name="councils",source_name="_outbox-councils",'
        f'source_api="$JS.{site}.API",is_stream_leader="{leader}"}}': f"{lag}x9"
        for site, leader, lag in (("lisbon", "true", 7), ("oulu", "true", 4), ("lisbon", "false", 90))
    },
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    ("panel", "total"),
    [
        ("Links by edge site", 1),
        ("Messages in a site's outbox that the stream lacks", 7 + 4),
        ("Bytes from edge sites", 10),
        ("Bytes to edge sites", 20),
        ("Round trip to edge sites", 3),
    ],
)
def test_the_home_sees_the_links_of_its_edge_sites(view: str, panel: str, total: int, tmp_path: Path) -> None:
    assert shows(total, f"{view}/messaging/{panel}", SITES, tmp_path)


@pytest.mark.parametrize("view", VIEWS)
def test_a_site_without_a_link_is_shown_as_zero(view: str, tmp_path: Path) -> None:
    (query,) = (q for where, q in dashboard_queries().items() if where.startswith(f"{view}/messaging/Links by edge"))
    labels = 'site="oulu",region="here"' if view == "global" else 'site="oulu"'
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in SITES.items()],
        "promql_expr_test": [
            {
                # The rules are loaded, too: what they record here has no region.
                "expr": f"({query.replace('$region', 'here')}) == 0",
                "eval_time": "5m",
                "exp_samples": [{"labels": f"{{{labels}}}", "value": 0}],
            }
        ],
    }
    assert promtool_tests(tmp_path, [test]) == (0, "  SUCCESS\n\n")
