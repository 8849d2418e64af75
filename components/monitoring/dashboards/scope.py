"""The two views of every dashboard: this region, and all regions. Pure: no resources."""

from dataclasses import dataclass

from components.monitoring.names import DATASOURCE, GLOBAL_DATASOURCE

REGION = "region"
CHOSEN = f'{REGION}=~"$region"'


@dataclass(frozen=True)
class Scope:
    """Whom queries ask, and about which regions.

    Prometheus knows only its own region and does not label its metrics with it. Thanos knows all regions, and each
    series' region by the label `region`, among which the dashboard's user chooses.
    """

    across: bool

    @property
    def name(self) -> str:
        """Part of the names of this view's dashboards."""
        return "global" if self.across else "region"

    @property
    def datasource(self) -> str:
        """The uid of the data source."""
        return GLOBAL_DATASOURCE if self.across else DATASOURCE

    def of(self, metric: str, *matchers: str) -> str:
        """A selector of `metric` with the PromQL `matchers`, in the chosen regions."""
        chosen = [*matchers, CHOSEN] if self.across else list(matchers)
        return f"{metric}{{{','.join(chosen)}}}"

    def rate(self, metric: str, *matchers: str, window: str = "5m") -> str:
        """Increase a second of a counter."""
        return f"rate({self.of(metric, *matchers)}[{window}])"

    def sum(self, query: str, *labels: str) -> str:
        """The sum of `query` by `labels`, and by region where there are several."""
        return self.aggregate("sum", query, *labels)

    def aggregate(self, operator: str, query: str, *labels: str) -> str:
        """`query` aggregated with PromQL's `operator` by `labels`, and by region where there are several."""
        by = self.labels(*labels)
        return f"{operator} by ({', '.join(by)}) ({query})" if by else f"{operator}({query})"

    def share(self, part: str, whole: str, *labels: str) -> str:
        """The sum of `part` of the sum of `whole`, by `labels`; 0 where there is a whole and no part."""
        total = self.sum(whole, *labels)
        return f"({self.sum(part, *labels)} or {total} * 0) / {total}"

    def quantile(self, share: float, metric: str, *matchers: str, by: tuple[str, ...] = ()) -> str:
        """What `share` (0 to 1) of the observations of a histogram stay below. `metric` is without _bucket."""
        buckets = self.sum(self.rate(f"{metric}_bucket", *matchers), "le", *by)
        return f"histogram_quantile({share}, {buckets})"

    def labels(self, *labels: str) -> tuple[str, ...]:
        """`labels`, and the region where there are several."""
        return (REGION, *labels) if self.across else labels

    def legend(self, *labels: str) -> str:
        """A legend of the values of `labels`, and of the region where there are several."""
        return " ".join(f"{{{{{label}}}}}" for label in self.labels(*labels)) or "all"


ONE_REGION = Scope(across=False)
ALL_REGIONS = Scope(across=True)
