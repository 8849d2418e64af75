"""Rules about the region's edge sites. Pure."""

from typing import Final

from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.model import Alert, Recording, Rules

KNOWN: Final = "site:known:info"
"""1 for each edge site whose home the region is, named in the label `site`."""

COMING_UP: Final = "45m"
"""Time limit for a new site. Its home knows its name before the site has its servers."""


def site_rules(targets: MonitoringTargets) -> Rules:
    """Record which edge sites there should be, and alert when one has no link. Empty without sites."""
    if not targets.sites or targets.messaging is None:
        return []
    ours = f'namespace="{targets.messaging}"'
    linked = by_site(f"nats_leafz_info{{{ours}}}")
    known = [Recording(record=KNOWN, expr="vector(1)", labels={"site": site}) for site in sorted(targets.sites)]
    cut_off = Alert(
        name="EdgeSiteCutOff",
        expr=(
            f"(({KNOWN} and {KNOWN} offset {COMING_UP}) unless on (site) {linked})"
            f" and on () group(nats_varz_connections{{{ours}}})"
        ),
        wait="10m",
        severity="warning",
        summary="Edge site {{ $labels.site }} has no link",
        description=(
            "For 10 minutes, no server of this region has had a link to {{ $labels.site }}, and it is no new site. It "
            "goes on alone and keeps its messages, as long as its disk has room for them."
        ),
        runbook="edge-site-cut-off",
    )
    return [*known, cut_off]


def by_site(links: str) -> str:
    """Return PromQL that gives the series of `links` the label `site`.

    The name of a link is that of the site's server, such as `lisbon-nats-0`.
    """
    return f'label_replace({links}, "site", "$1", "name", "(.*)-nats-[0-9]+")'
