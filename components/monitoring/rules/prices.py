"""Cost of the region's machines, at known list prices. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from components.monitoring.rules.model import Recording

MACHINE: Final = "label_node_kubernetes_io_instance_type"
"""kube-state-metrics' label for a node's machine type."""
PRICE: Final = "machine:price:usd_per_month"
MONTHLY_COST: Final = "machine:cost:usd_per_month"


def price_rules(machine_prices: Mapping[str, float]) -> Sequence[Recording]:
    """Record the known price of each machine type (US dollars per month), and the cost of the running machines."""
    prices = [
        Recording(record=PRICE, expr=f"vector({price:g})", labels={MACHINE: machine})
        for machine, price in sorted(machine_prices.items())
    ]
    cost = f"count by ({MACHINE}) (kube_node_labels) * on ({MACHINE}) {PRICE}"
    return [*prices, Recording(record=MONTHLY_COST, expr=cost)]
