"""Charges, their costs, and the resources without charges."""

import re
from dataclasses import MISSING, fields, replace
from datetime import date, timedelta
from typing import Any

import pytest

from components import offers
from components.offers import tables
from report import amazon, cost, google, microsoft
from report.budget import BUDGETS, verdict
from report.carbon import SIZES
from report.charges import gibibytes
from report.cost import Sum
from report.kubernetes import volumes
from report.machines import premium_disk
from report.preview import Plan, Planned
from report.prices import PRICES, Price, price_of
from sandbox.providers.aws.kinds import KINDS as AWS
from sandbox.providers.azure_native.kinds import KINDS as AZURE
from sandbox.providers.gcp.kinds import KINDS as GCP
from stacks.monitoring_targets import machine_prices
from stacks.settings import parse
from tests.conftest import STACKS
from tests.support.plans import PREFIX, planned, region
from tests.support.rendering import stack_config

pytestmark = pytest.mark.unit

NODE: dict[str, object] = {"machineType": "e2-standard-4", "diskType": "pd-ssd", "diskSizeGb": 100}
POOL: dict[str, object] = {
    "autoscaling": {"totalMinNodeCount": 3, "totalMaxNodeCount": 9},
    "nodeConfig": NODE,
}


HERE = {"gcp": "us-central1", "aws": "us-east-1", "azure": "eastus", "existing": "here"}
"""A region of each cloud."""


def _plan(cloud: str, *resources: Planned) -> Plan:
    return Plan((*region(HERE[cloud], cloud), *resources))


def _one(cloud: str, kind: str, inputs: dict[str, object]) -> dict[str, tuple[float | None, float | None]]:
    """The least and most cost of one resource in whole cents, by item."""
    found = cost.lines(_plan(cloud, planned(kind, f"{HERE[cloud]}-thing", inputs)))
    return {
        line.charge.item: (_cents(line.least), _cents(line.most))
        for line in found
        if line.charge.item != "existing.cluster"
    }


def _cents(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 2)


def _rounded(total: Sum) -> Sum:
    return replace(total, least=round(total.least, 2), most=round(total.most, 2))


def test_a_node_pool_costs_its_machines_and_disks_from_the_least_to_the_most() -> None:
    assert _one("gcp", "gcp:container/nodePool:NodePool", POOL) == {
        "gcp.vm.e2-standard-4": (293.50, 880.51),
        "gcp.disk.pd-ssd": (51, 153),
    }


def test_an_unknown_machine_has_no_price_and_is_counted_as_left_out() -> None:
    inputs = {**POOL, "nodeConfig": {**NODE, "machineType": "n9-huge-1"}}
    found = cost.lines(_plan("gcp", planned("gcp:container/nodePool:NodePool", "us-central1-pool", inputs)))
    assert _rounded(cost.total(found)) == Sum(least=51, most=153, unknown=1, by_use=0)


def test_a_machine_has_the_price_of_its_region_or_none() -> None:
    price = price_of("aws.vm.m7i.xlarge", "us-east-1")
    assert price
    assert price.usd == pytest.approx(0.2016 * 730)
    dearer = price_of("aws.vm.m7i.xlarge", "af-south-1")
    assert dearer
    assert dearer.usd > price.usd
    assert price_of("aws.vm.m7i.xlarge", "sa-east-1") is None
    assert price_of("aws.vm.m7i.xlarge", "my-own-region") is None


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_s_dashboards_have_the_prices_of_the_report(stack: str) -> None:
    settings = parse(dict(_configured(stack)))
    for one in settings.regions:
        for kind, usd in machine_prices(settings, one.name).items():
            price = price_of(f"{one.cloud}.vm.{kind}", one.name)
            assert price
            assert price.usd == pytest.approx(usd, abs=0.005)


def test_the_settings_can_say_another_price() -> None:
    config = {**dict(_configured("regional")), "monitoring": {"machinePrices": {"e2-standard-4": 50.0, "n9": 1.0}}}
    prices = machine_prices(parse(config), "us-central1")
    assert (prices["e2-standard-4"], prices["n9"], prices["e2-standard-2"]) == (50.0, 1.0, 48.92)


def _configured(stack: str) -> list[tuple[str, Any]]:
    found = stack_config(stack).items()
    return [(key.removeprefix(PREFIX), value) for key, value in found if key.startswith(PREFIX)]


def test_every_machine_with_a_price_has_a_known_power() -> None:
    # No source has the power of a GPU.
    priced = {row["type"] for row in tables.rows("prices") if offers.gpus_of(row["cloud"], row["type"]) is None}
    assert priced - set(SIZES) == set()


def test_a_value_that_is_known_later_only_is_unknown() -> None:
    inputs = {**POOL, "nodeConfig": {"machineType": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}}
    assert _one("gcp", "gcp:container/nodePool:NodePool", inputs)["gcp.vm.unknown"] == (None, None)


def test_googles_nat_is_paid_by_machine_and_its_data_by_use() -> None:
    pool = planned("gcp:container/nodePool:NodePool", "us-central1-pool", POOL)
    nat = planned("gcp:compute/routerNat:RouterNat", "us-central1-nat")
    found = [line for line in cost.lines(_plan("gcp", pool, nat)) if line.resource == "us-central1-nat"]
    by_item = {line.charge.item: line for line in found}
    assert by_item["gcp.nat.vm"].least == pytest.approx(3 * 0.0014 * 730)
    assert by_item["gcp.nat.vm"].most == pytest.approx(9 * 0.0014 * 730)
    assert by_item["gcp.nat.data"].kind == "by use"
    assert by_item["gcp.nat.data"].least is None


def test_a_node_group_takes_machine_and_disk_from_its_launch_template() -> None:
    template = planned(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "us-east-1-template",
        {"instanceType": "m7i.xlarge", "blockDeviceMappings": [{"ebs": {"volumeType": "gp3", "volumeSize": 50}}]},
    )
    group = planned("aws:eks/nodeGroup:NodeGroup", "us-east-1-group", {"scalingConfig": {"minSize": 1, "maxSize": 4}})
    sums = _rounded(cost.total(cost.lines(_plan("aws", template, group))))
    assert sums == Sum(least=151.17, most=604.67, unknown=0, by_use=0)


def test_an_aks_cluster_costs_its_tier_and_its_pools() -> None:
    pool = {"vmSize": "Standard_D4s_v5", "minCount": 2, "maxCount": 5, "osDiskType": "Managed", "osDiskSizeGB": 100}
    inputs: dict[str, object] = {"sku": {"tier": "Standard"}, "agentPoolProfiles": [pool]}
    assert _one("azure", "azure-native:containerservice:ManagedCluster", inputs) == {
        "azure.cluster.Standard": (73, 73),
        "azure.vm.Standard_D4s_v5": (280.32, 700.8),
        "azure.disk.P10": (39.42, 98.55),
    }
    assert _one("azure", "azure-native:containerservice:AgentPool", dict(pool)) == {
        "azure.vm.Standard_D4s_v5": (280.32, 700.8),
        "azure.disk.P10": (39.42, 98.55),
    }


def test_a_disk_of_azure_is_paid_for_as_a_whole_and_stores_what_was_asked_for() -> None:
    claim = {"spec": {"storageClassName": "managed-csi-premium", "resources": {"requests": {"storage": "100Gi"}}}}
    inputs: dict[str, object] = {"spec": {"replicas": 3, "volumeClaimTemplates": [claim]}}
    assert _one("azure", "kubernetes:apps/v1:StatefulSet", inputs) == {"azure.disk.P10": (59.13, 59.13)}
    assert volumes(planned("kubernetes:apps/v1:StatefulSet", "eastus-thing", inputs)) == 300
    assert [premium_disk(gib) for gib in (4, 5, 32, 33, 4096, 4097)] == ["P1", "P2", "P4", "P6", "P50", "larger"]


def test_a_firewall_of_aws_costs_its_rules_too() -> None:
    inputs: dict[str, object] = {"rules": [{"name": "a"}, {"name": "b"}]}
    assert _one("aws", "aws:wafv2/webAcl:WebAcl", inputs) == {"aws.waf": (5, 5), "aws.waf.rule": (2, 2)}


@pytest.mark.parametrize(
    ("cloud", "kind", "inputs", "expected"),
    [
        ("gcp", "gcp:sql/databaseInstance:DatabaseInstance", {"settings": {"tier": "db-f1-micro"}}, 7.67 + 1.70),
        ("gcp", "gcp:redis/instance:Instance", {"tier": "STANDARD_HA", "memorySizeGb": 5}, 197.10),
        ("aws", "aws:rds/instance:Instance", {"instanceClass": "db.t4g.small", "multiAz": True}, 47.45),
        ("aws", "aws:elasticache/replicationGroup:ReplicationGroup", {"nodeType": "cache.t4g.small"}, 0),
        ("azure", "azure-native:dbforpostgresql:Server", {"sku": {"name": "Standard_D4s_v3"}}, 284.70),
        ("azure", "azure-native:redisenterprise:RedisEnterprise", {"sku": {"name": "Balanced_B3"}}, 94.90),
        ("azure", "azure-native:cdn:Profile", {}, 35),
        ("aws", "aws:route53/zone:Zone", {}, 0.5),
    ],
)
def test_managed_services_have_the_price_of_their_size_or_none(
    cloud: str, kind: str, inputs: dict[str, object], expected: float
) -> None:
    found = cost.lines(_plan(cloud, planned(kind, f"{HERE[cloud]}-service", inputs)))
    assert cost.total(found).least == pytest.approx(expected)


def test_a_custom_cloud_sql_machine_is_priced_by_its_processors_and_its_memory() -> None:
    inputs: dict[str, object] = {"settings": {"tier": "db-custom-2-7680", "availabilityType": "REGIONAL"}}
    found = _one("gcp", "gcp:sql/databaseInstance:DatabaseInstance", inputs)
    assert found["gcp.postgresql.memory.regional"] == (76.65, 76.65)
    assert found["gcp.postgresql.cpu.regional"] == (120.6, 120.6)


def test_every_copy_of_a_stateful_set_has_its_volumes() -> None:
    claim = {"spec": {"storageClassName": "gp3", "resources": {"requests": {"storage": "50Gi"}}}}
    inputs: dict[str, object] = {"spec": {"replicas": 3, "volumeClaimTemplates": [claim]}}
    assert _one("aws", "kubernetes:apps/v1:StatefulSet", inputs) == {"aws.disk.gp3": (12, 12)}
    assert _one("existing", "kubernetes:apps/v1:StatefulSet", inputs) == {"existing.disk.gp3": (None, None)}


def test_nodes_of_kafka_have_the_volumes_that_their_operator_makes() -> None:
    volume = {"id": 0, "type": "persistent-claim", "size": "50Gi", "class": "gp3"}
    inputs: dict[str, object] = {"spec": {"replicas": 3, "storage": {"type": "jbod", "volumes": [volume]}}}
    assert _one("aws", "kubernetes:kafka.strimzi.io/v1:KafkaNodePool", inputs) == {"aws.disk.gp3": (12, 12)}
    assert volumes(planned("kubernetes:kafka.strimzi.io/v1:KafkaNodePool", "eastus-thing", inputs)) == 150


def test_charts_pay_for_the_volumes_and_load_balancers_in_their_values() -> None:
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "gp3",
        "resources": {"requests": {"storage": "10Gi"}},
    }
    values = {"service": {"type": "LoadBalancer"}, "deep": [{"volumeClaimTemplate": {"spec": claim}}]}
    found = _one("aws", "kubernetes:helm.sh/v3:Release", {"values": values})
    assert found == {"aws.load-balancer": (16.43, 16.43), "aws.disk.gp3": (0.8, 0.8)}


def test_only_services_that_are_load_balancers_cost_something() -> None:
    assert _one("gcp", "kubernetes:core/v1:Service", {"spec": {"type": "ClusterIP"}}) == {}
    assert _one("gcp", "kubernetes:core/v1:Service", {"spec": {"type": "LoadBalancer"}}) == {
        "gcp.forwarding-rule": (7.30, 7.30)
    }


def test_a_cluster_that_was_there_before_is_unknown_not_free() -> None:
    (line,) = cost.lines(_plan("existing"))
    assert (line.charge.item, line.kind) == ("existing.cluster", "unknown")


def test_flow_logs_are_paid_by_use_on_every_cloud() -> None:
    targets = {"logConfig": {"aggregationInterval": "INTERVAL_10_MIN"}}
    logs = {
        "gcp": planned("gcp:compute/subnetwork:Subnetwork", "here-network-nodes", targets),
        "aws": planned("aws:ec2/flowLog:FlowLog", "here-network-flows-log"),
        "azure": planned("azure-native:network:FlowLog", "here-network-flows-log"),
    }
    for cloud, log in logs.items():
        (line,) = cost.lines(_plan(cloud, log))
        assert (line.charge.what, line.charge.by_use) == ("flow logs", True)
    assert not list(cost.lines(_plan("gcp", planned("gcp:compute/subnetwork:Subnetwork", "here-network-nodes"))))


def test_a_type_that_nobody_has_looked_at_is_reported_as_unknown() -> None:
    (line,) = cost.lines(_plan("gcp", planned("gcp:bigquery/dataset:Dataset", "us-central1-data")))
    assert line.kind == "unknown"
    assert line.charge.item == "unlisted.gcp:bigquery/dataset:Dataset"


def test_every_type_that_the_sandbox_knows_is_charged_or_free_for_a_reason() -> None:
    known = {*GCP, *AWS, *AZURE}
    assert {kind for kind in known if kind not in cost.CHARGERS and not cost.free_because(kind)} == set()


def test_no_type_is_both_charged_and_free() -> None:
    for one in (google, amazon, microsoft):
        assert one.CHARGERS.keys() & one.FREE.keys() == set()


GIVEN = Price(usd=1, unit="month", source="https://example.org/prices", date="2026-07-01")


def _doubt(price: Price) -> str | None:
    """The reason why a reader cannot look the price up; None if there is none."""
    if not re.fullmatch(r"https://[\w-]+(\.[\w-]+)+/\S+", price.source):
        return "no address"
    if price.source.startswith("https://github.com/") and not re.search(
        r"/blob/[0-9a-f]{7,40}/\S+\.\w+$", price.source
    ):
        return "no file, or no version of it"
    if price.date == "unknown" and "github.com" in price.source:
        return None
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", price.date):
        return "no day"
    return "a day to come" if date.fromisoformat(price.date) > date.today() else None


def test_every_price_has_an_address_and_a_day_of_its_own() -> None:
    machines = {
        f"{row['cloud']}.vm.{row['type']} in {row['region']}": price_of(
            f"{row['cloud']}.vm.{row['type']}", row["region"]
        )
        for row in tables.rows("prices")
    }
    prices = {**PRICES, **{item: price for item, price in machines.items() if price}}
    assert len(prices) == len(PRICES) + len(machines)
    assert {item: doubt for item, price in prices.items() if (doubt := _doubt(price))} == {}
    assert [item for item, price in prices.items() if price.usd < 0] == []


def test_no_price_is_given_a_source_or_a_day_that_it_does_not_name() -> None:
    assert [field.name for field in fields(Price) if field.default is not MISSING] == []


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (GIVEN, None),
        (replace(GIVEN, source=""), "no address"),
        (replace(GIVEN, source="dated pages of the vendors"), "no address"),
        (replace(GIVEN, source="https://github.com/a/b/blob/main/prices.yml"), "no file, or no version of it"),
        (replace(GIVEN, source="https://github.com/a/b/blob/0166a59/prices.yml"), None),
        (replace(GIVEN, date=""), "no day"),
        (replace(GIVEN, date="unknown"), "no day"),
        (replace(GIVEN, date="unknown", source="https://github.com/a/b/blob/0166a59/prices.csv"), None),
        (replace(GIVEN, date="2024-07 to 2026-07"), "no day"),
        (replace(GIVEN, date=str(date.today() + timedelta(days=7))), "a day to come"),
    ],
)
def test_a_price_that_nobody_could_look_up_is_found(price: Price, expected: str | None) -> None:
    assert _doubt(price) == expected


@pytest.mark.parametrize(("text", "expected"), [("10Gi", 10), ("1Ti", 1024), ("512Mi", 0.5), ("some", None)])
def test_quantities_are_read_in_gibibytes(text: str, expected: float | None) -> None:
    assert gibibytes(text) == expected


@pytest.mark.parametrize(
    ("least", "most", "limit", "expected"),
    [
        (10, 20, None, "no limit"),
        (10, 20, 20, "within"),
        (10, 21, 20, "may exceed"),
        (20.01, 30, 20, "exceeds"),
    ],
)
def test_a_budget_is_judged_by_both_ends(least: float, most: float, limit: float | None, expected: str) -> None:
    assert verdict(Sum(least=least, most=most, unknown=0, by_use=0), limit) == expected


def test_the_budgets_are_those_of_the_source_document() -> None:
    assert {stage: budget.most for stage, budget in BUDGETS.items()} == {
        "local": 50,
        "regional": 500,
        "continental": 50_000,
        "planetary": None,
    }
