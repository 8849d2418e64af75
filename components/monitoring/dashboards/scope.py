"""The two views of every dashboard: this region, and all regions. Pure."""

from dataclasses import dataclass

from components.monitoring.names import DATASOURCE, GLOBAL_DATASOURCE

REGION = "region"
CHOSEN = f'{REGION}=~"$region"'


@dataclass(frozen=True)
class Scope:
    """The data source of queries, and their regions.

    Prometheus has only its own region's metrics, without a region label.
    Thanos has all regions' metrics with the label `region`, by which the dashboard's user selects.
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
        """Return a selector of `metric` with the PromQL `matchers`, for the selected regions."""
        chosen = [*matchers, CHOSEN] if self.across else list(matchers)
        return f"{metric}{{{','.join(chosen)}}}"

    def rate(self, metric: str, *matchers: str, window: str = "5m") -> str:
        """Return a counter's increase per second."""
        return f"rate({self.of(metric, *matchers)}[{window}])"

    def sum(self, query: str, *labels: str) -> str:
        """Return the sum of `query` by `labels`, and by region in the view of all regions."""
        return self.aggregate("sum", query, *labels)

    def aggregate(self, operator: str, query: str, *labels: str) -> str:
        """Return `query` aggregated with PromQL's `operator` by `labels`, and by region in the view of all regions."""
        by = self.labels(*labels)
        return f"{operator} by ({', '.join(by)}) ({query})" if by else f"{operator}({query})"

    def share(self, part: str, whole: str, *labels: str) -> str:
        """Return the sum of `part` as a share of the sum of `whole`, by `labels`. A missing part counts as 0."""
        total = self.sum(whole, *labels)
        return f"({self.sum(part, *labels)} or {total} * 0) / {total}"

    def quantile(self, share: float, metric: str, *matchers: str, by: tuple[str, ...] = ()) -> str:
        """Return the value below which `share` (0 to 1) of a histogram's observations lie. `metric` omits _bucket."""
        buckets = self.sum(self.rate(f"{metric}_bucket", *matchers), "le", *by)
        return f"histogram_quantile({share}, {buckets})"

    def labels(self, *labels: str) -> tuple[str, ...]:
        """Return `labels`, and the region in the view of all regions."""
        return (REGION, *labels) if self.across else labels

    def legend(self, *labels: str) -> str:
        """Return a legend with the values of `labels`, and with the region in the view of all regions."""
        return " ".join(f"{{{{{label}}}}}" for label in self.labels(*labels)) or "all"


ONE_REGION = Scope(across=False)
ALL_REGIONS = Scope(across=True)
