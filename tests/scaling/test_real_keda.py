"""KEDA's real operator and metrics server, a real API server with its controllers, and a real Prometheus.

One story, in its order: KEDA takes over the chart's autoscaler, replicas follow the load, they are there before the
peak of the last weeks comes back and go after it, and they stay when Prometheus dies.
"""

import json
from collections.abc import Iterator

import pytest

from components.monitoring.rules.scaling import FORECAST, LOAD
from components.namespaces import SERVICES
from tests.support.scaled_region import (
    PEAK_REPLICAS,
    SECONDS,
    SERVICE,
    USERS_OF_A_REPLICA,
    ScaledRegion,
    chart,
    scaled,
    scaled_region,
    write_history,
)
from tests.support.servers import eventually

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(900)]

PEAK_IN, PEAK_LASTS = 300, 120
"""Seconds until the peak of the last weeks comes back, and its length."""


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScaledRegion]:
    """A region whose service still has the chart's autoscaler and three replicas."""
    with scaled_region(tmp_path_factory.mktemp("scaled")) as running:
        running.metrics.users.number = 3 * USERS_OF_A_REPLICA
        write_history(running.metrics, peak_in=PEAK_IN, peak_lasts=PEAK_LASTS)
        running.metrics.start_prometheus()
        yield running


def test_keda_takes_over_the_chart_s_autoscaler_and_no_replica_is_lost(region: ScaledRegion) -> None:
    before = region.get("hpa")["metadata"]["uid"]
    region.apply(scaled(region))
    eventually(lambda: region.get("hpa")["metadata"].get("ownerReferences"), seconds=SECONDS, what="KEDA owns it")
    taken = region.get("hpa")
    assert taken["metadata"]["uid"] == before
    assert (taken["spec"]["minReplicas"], taken["spec"]["maxReplicas"]) == (2, 9)

    # The program deletes what it made, and KEDA makes it anew.
    region.cluster.kubectl("delete", "hpa", SERVICE, "-n", SERVICES)
    eventually(
        lambda: region.get("hpa").get("metadata", {}).get("uid") not in (None, before),
        seconds=SECONDS,
        what="KEDA makes the autoscaler anew",
    )
    eventually(lambda: region.condition("Ready") == "True", seconds=SECONDS, what="the scaled object is ready")
    assert min(region.replicas.seen()) == 3


def test_replicas_are_there_before_the_peak_comes_back(region: ScaledRegion) -> None:
    region.reaches(PEAK_REPLICAS, "the forecast brings replicas")
    # The load is what it was: the replicas came for what is not there yet.
    assert region.metrics.needed(LOAD) == 3


def test_they_go_once_the_peak_of_the_last_weeks_is_over(region: ScaledRegion) -> None:
    eventually(lambda: 0 < (region.metrics.needed(FORECAST) or 0) <= 3, seconds=SECONDS, what="the forecast falls")
    region.reaches(3, "replicas go")


def test_replicas_follow_the_load_up_to_their_maximum(region: ScaledRegion) -> None:
    region.metrics.users.number = 5 * USERS_OF_A_REPLICA
    region.reaches(5, "the load brings replicas")
    region.metrics.users.number = 50 * USERS_OF_A_REPLICA
    region.reaches(9, "the load brings the most replicas")
    region.metrics.users.number = 5 * USERS_OF_A_REPLICA
    region.reaches(5, "replicas go")


def test_when_prometheus_dies_replicas_stay(region: ScaledRegion) -> None:
    region.running.stop("prometheus", kill=True)
    region.metrics.users.number = 0
    eventually(lambda: region.condition("Fallback") == "True", seconds=SECONDS, what="KEDA falls back")

    def held() -> bool:
        metrics = region.get("hpa")["status"].get("currentMetrics") or []
        values = [one["external"]["current"].get("averageValue") for one in metrics if one["type"] == "External"]
        return values == ["1", "1"]

    eventually(held, seconds=SECONDS, what="the autoscaler gets the present number of replicas")
    assert region.replicas.now() == 5


def test_then_cpu_may_add_replicas(region: ScaledRegion) -> None:
    # Each pod asks for 50m and uses 70m: twice the 70 % that are meant.
    region.cluster.kubectl("annotate", "pods", "--all", "-n", SERVICES, "kwok.x-k8s.io/usage-cpu=70m", "--overwrite")
    eventually(lambda: region.replicas.now() > 5, seconds=SECONDS, what="CPU brings replicas")
    region.cluster.kubectl("annotate", "pods", "--all", "-n", SERVICES, "kwok.x-k8s.io/usage-cpu=1m", "--overwrite")
    assert min(region.replicas.seen()) == 3


def test_when_prometheus_is_back_replicas_follow_the_load_again(region: ScaledRegion) -> None:
    region.metrics.users.number = 2 * USERS_OF_A_REPLICA
    region.metrics.start_prometheus()
    # Two replicas for the load, and a little more than three for the last weeks and a busy day.
    region.reaches(4, "the forecast of a calm hour decides")
    assert region.condition("Fallback") == "False"


def test_switching_keda_off_by_the_runbook_loses_no_replica(region: ScaledRegion) -> None:
    before = region.replicas.now()
    so_far = len(region.replicas.seen())
    paused = "autoscaling.keda.sh/paused=true"
    region.cluster.kubectl("annotate", "scaledobjects", "--all", "-n", SERVICES, paused)
    eventually(lambda: region.get("hpa") == {}, seconds=SECONDS, what="KEDA deletes its autoscaler")
    region.apply(*chart())
    region.cluster.kubectl("delete", "scaledobject", SERVICE, "-n", SERVICES)
    assert region.get("scaledobject") == {}
    left = region.get("hpa")
    assert "ownerReferences" not in left["metadata"]
    assert json.dumps(left["spec"]["metrics"]).count("ContainerResource") == 2
    assert region.replicas.seen()[so_far:] == []
    assert region.replicas.now() == before
