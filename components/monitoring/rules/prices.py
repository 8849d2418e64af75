"""What the region's machines cost, at the list prices that are known. Pure: no resources."""

from collections.abc import Mapping, Sequence
from typing import Final

from components.monitoring.rules.model import Recording

MACHINE: Final = "label_node_kubernetes_io_instance_type"
"""kube-state-metrics' label for a node's type of machine."""
PRICE: Final = "machine:price:usd_per_month"
MONTHLY_COST: Final = "machine:cost:usd_per_month"


def price_rules(machine_prices: Mapping[str, float]) -> Sequence[Recording]:
    """The price of each known type of machine (USD a month), and what the machines that there are cost by type."""
    prices = [
        Recording(record=PRICE, expr=f"vector({price:g})", labels={MACHINE: machine})
        for machine, price in sorted(machine_prices.items())
    ]
    cost = f"count by ({MACHINE}) (kube_node_labels) * on ({MACHINE}) {PRICE}"
    return [*prices, Recording(record=MONTHLY_COST, expr=cost)]
