"""Alerts on the trust ledger. Pure."""

from collections.abc import Sequence
from typing import Final

from components.monitoring.rules.model import Alert

SILENCE: Final = "5m"
"""Five times the time in which there is a block without transactions (components/ledger/configuration.py)."""
VOTES: Final = 10
"""Of each validator (components/ledger/identities.py)."""


def ledger_alerts(namespace: str) -> Sequence[Alert]:
    """Return the alerts of a region with validators."""
    theirs = f'{{namespace="{namespace}"}}'
    wanted = f"kube_statefulset_replicas{theirs}"
    # Only one block says that somebody lied, and Prometheus may not look before the next one is there. The votes that
    # the built-in application takes for it stay away.
    lies = f"max(max_over_time(cometbft_consensus_byzantine_validators{theirs}[10m])) > 0"
    all_votes = f"{VOTES} * cometbft_consensus_validators{theirs}"
    votes = f"cometbft_consensus_validators_power{theirs}"
    return [
        Alert(
            name="LedgerStopped",
            expr=f"max(changes(cometbft_consensus_height{theirs}[{SILENCE}])) == 0",
            wait="2m",
            severity="critical",
            summary="The ledger takes nothing",
            description="No validator of this region has seen a new block for 5 minutes. There is one every minute.",
            runbook="ledger-stopped",
        ),
        Alert(
            name="LedgerNodeDown",
            expr=f"{wanted} - kube_statefulset_status_replicas_ready{theirs} > 0",
            wait="5m",
            severity="warning",
            summary="{{ $value }} validator(s) of this region do not answer",
            description="The ledger goes on while more than two thirds of all validators do.",
            runbook="ledger-node-down",
        ),
        Alert(
            name="LedgerValidatorsMissing",
            expr=f"max(cometbft_consensus_missing_validators{theirs}) > 0",
            wait="15m",
            severity="warning",
            summary="{{ $value }} validator(s) of the ledger do not vote",
            description="The last blocks lack the votes of {{ $value }} validator(s), in any region.",
            runbook="ledger-node-down",
        ),
        Alert(
            name="LedgerValidatorLies",
            expr=f"{lies} or max({all_votes} - {votes}) > 0",
            wait="1m",
            severity="critical",
            summary="A validator signed two different blocks of the same height",
            description="Two programs have the same key, or somebody has stolen it.",
            runbook="ledger-validator-lies",
        ),
    ]
