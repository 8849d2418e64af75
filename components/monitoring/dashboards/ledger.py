"""The trust ledger. Pure: no resources."""

from collections.abc import Sequence

from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets

TITLE = "ledger"


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard. None without a ledger."""
    if targets.ledger is None:
        return []
    theirs = f'namespace="{targets.ledger}"'
    return [
        Row(title="Now", charts=_now(theirs, scope)),
        Row(title="Blocks", charts=_blocks(theirs, scope)),
        Row(title="Validators", charts=_validators(theirs, scope)),
    ]


def _now(theirs: str, scope: Scope) -> list[Chart]:
    # Every validator reports all of them.
    return [
        single("Validators of the ledger", f"max({scope.of('cometbft_consensus_validators', theirs)})"),
        single("Validators that do not vote", f"max({scope.of('cometbft_consensus_missing_validators', theirs)})"),
        single("Validators that lie", f"max({scope.of('cometbft_consensus_byzantine_validators', theirs)})"),
        single("Blocks", f"max({scope.of('cometbft_consensus_height', theirs)})"),
    ]


def _blocks(theirs: str, scope: Scope) -> list[Chart]:
    took = scope.quantile(0.95, "cometbft_consensus_block_interval_seconds", theirs)
    return [
        Chart(title="Height", queries={scope.legend("pod"): scope.of("cometbft_consensus_height", theirs)}),
        Chart(title="95 % of blocks follow within", queries={scope.legend(): took}, unit="s"),
        Chart(
            title="Transactions in the last block",
            queries={scope.legend("pod"): scope.of("cometbft_consensus_num_txs", theirs)},
        ),
        Chart(title="Transactions that wait", queries={scope.legend("pod"): scope.of("cometbft_mempool_size", theirs)}),
    ]


def _validators(theirs: str, scope: Scope) -> list[Chart]:
    pod = scope.legend("pod")
    return [
        Chart(title="Peers", queries={pod: scope.of("cometbft_p2p_peers", theirs)}),
        Chart(title="Rounds that the last block took", queries={pod: scope.of("cometbft_consensus_rounds", theirs)}),
        Chart(title="Votes of the validator", queries={pod: scope.of("cometbft_consensus_validator_power", theirs)}),
    ]
