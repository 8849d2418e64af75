"""List prices: what is known, from where and of when. What is not here is unknown, and reported so. Data.

The list gives one price for an item and names no region; prices differ between regions. US dollars, without tax,
discounts, credits and free tiers. A month has 730 hours.
"""

from dataclasses import dataclass
from typing import Final

HOURS_PER_MONTH: Final = 730

FIXTURES: Final = "price fixtures of Infracost, and dated pages of the vendors"
FIXTURES_DATE: Final = "2024-07 to 2026-07"


@dataclass(frozen=True, kw_only=True)
class Price:
    """US dollars for one `unit`. An `inferred` price was computed from others of the same list."""

    usd: float
    unit: str
    inferred: bool = False
    source: str = FIXTURES
    date: str = FIXTURES_DATE


_MONTH: Final = "month"
_GB_MONTH: Final = "GB-month"
_GB: Final = "GB"
_MILLION: Final = "million queries"

PRICES: Final = {
    "gcp.cluster": Price(usd=73.00, unit=_MONTH),
    "gcp.vm.e2-medium": Price(usd=24.46, unit=_MONTH),
    "gcp.vm.e2-standard-4": Price(usd=97.84, unit=_MONTH, inferred=True),
    "gcp.disk.pd-ssd": Price(usd=0.17, unit=_GB_MONTH),
    "gcp.nat.vm": Price(usd=0.0014 * HOURS_PER_MONTH, unit="machine-month"),
    "gcp.nat.data": Price(usd=0.045, unit=_GB),
    "gcp.forwarding-rule": Price(usd=7.30, unit=_MONTH),
    "gcp.egress.premium": Price(usd=0.12, unit=_GB),
    "gcp.postgresql.db-f1-micro.zonal": Price(usd=7.67, unit=_MONTH),
    "gcp.postgresql.db-f1-micro.regional": Price(usd=15.33, unit=_MONTH),
    "gcp.postgresql.memory.zonal": Price(usd=38.33 / 7.5, unit=_GB_MONTH, inferred=True),
    "gcp.postgresql.memory.regional": Price(usd=76.65 / 7.5, unit=_GB_MONTH, inferred=True),
    "gcp.redis.standard.5": Price(usd=197.10, unit=_MONTH),
    "aws.cluster": Price(usd=73.00, unit=_MONTH),
    "aws.vm.m5.xlarge": Price(usd=140.16, unit=_MONTH),
    "aws.disk.gp3": Price(usd=0.08, unit=_GB_MONTH),
    "aws.nat": Price(usd=32.85, unit=_MONTH),
    "aws.nat.data": Price(usd=0.045, unit=_GB),
    "aws.load-balancer": Price(usd=16.43, unit=_MONTH),
    "aws.egress": Price(usd=0.09, unit=_GB),
    "aws.postgresql.db.t4g.small.single": Price(usd=23.36, unit=_MONTH),
    "aws.postgresql.db.t4g.small.multi": Price(usd=47.45, unit=_MONTH),
    "aws.cdn.data": Price(usd=0.085, unit=_GB),
    "aws.dns.zone": Price(usd=0.50, unit=_MONTH),
    "aws.dns.latency": Price(usd=0.60, unit=_MILLION),
    "aws.dns.geo": Price(usd=0.70, unit=_MILLION),
    "azure.cluster.Standard": Price(usd=73.00, unit=_MONTH),
    "azure.cluster.Free": Price(usd=0.00, unit=_MONTH),
    "azure.vm.Standard_D2_v3": Price(usd=70.08, unit=_MONTH),
    "azure.egress": Price(usd=0.087, unit=_GB),
    "azure.postgresql.Standard_D4s_v3": Price(usd=284.70, unit=_MONTH),
    "azure.redis.Balanced_B3.ha": Price(usd=94.90, unit=_MONTH),
    "azure.cdn.profile": Price(usd=35.00, unit=_MONTH),
    "azure.cdn.data": Price(usd=0.083, unit=_GB),
    "azure.dns.zone": Price(usd=0.50, unit=_MONTH),
}
"""Prices by item: cloud, kind, and what distinguishes it."""
