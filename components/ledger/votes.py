"""The Jobs that admit and remove validators by transactions."""

from typing import Final, Literal

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.context import RegionContext
from components.ledger import proxy
from components.ledger.configuration import SERVICE
from components.ledger.identities import APP, HEADLESS_SERVICE, POWER, pod
from components.metadata import selector
from components.namespaces import LEDGER
from components.setup_job import SetupJob
from components.trust import Certificate
from components.versions import COMETBFT_IMAGE
from components.workload import AppMetadata, Resources, secret_volume

ADMIT_APP: Final = "ledger-admit"
REMOVE_APP: Final = "ledger-remove"
SETTINGS: Final = "/etc/ledger-votes"
CERTIFICATES: Final = "/etc/ledger-certificates"
SCRATCH: Final = "/etc/ledger-scratch"
SCRIPT: Final = "votes.sh"
DEADLINE_SECONDS: Final = 2700
"""A region waits for the others, which are created at the same time, and reads all blocks before it votes."""
ATTEMPTS: Final = 60
RESOURCES: Final = Resources(cpu="50m", memory="64Mi", scratch="16Mi")


class LedgerVotes(pulumi.ComponentResource):
    """A Job that admits the region's validators (`task` admit), or removes those of no region (remove).

    `lines` has the validators of the region, or the public keys of all validators that stay: `added`, `kept`.
    The Job waits for `after`. It does nothing if nothing is to do, and can run any number of times.
    """

    job: k8s.batch.v1.Job

    def __init__(
        self,
        name: str,
        context: RegionContext,
        *,
        task: Literal["admit", "remove"],
        chain: pulumi.Input[str],
        lines: pulumi.Input[str],
        certificate: Certificate,
        after: pulumi.Resource,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:ledger:LedgerVotes", name, None, opts)
        setup = SetupJob(
            container="votes",
            image=COMETBFT_IMAGE,
            command=["/bin/sh", f"{SETTINGS}/{SCRIPT}"],
            resources=RESOURCES,
            deadline=DEADLINE_SECONDS,
            files={SCRIPT: VOTES_SCRIPT, "validators": lines, "chain": chain},
            mounts={"settings": SETTINGS, "certificates": CERTIFICATES, "scratch": SCRATCH},
            certificates=secret_volume("certificates", certificate.secret_name),
            environment={"TASK": task, "NODE": f"{SERVICE}:{proxy.PORT}", "HOME": SCRATCH},
            egress=[network.egress([proxy.PORT], network.peer(pods=selector(APP)))],
        )
        app = AppMetadata(
            app=ADMIT_APP if task == "admit" else REMOVE_APP,
            region=context.region,
            namespace=context.namespaces[LEDGER],
        )
        self.job = setup.register(name, app, pulumi.ResourceOptions(parent=self), after=[after])
        self.register_outputs({})


def added(public_keys: dict[int, str]) -> str:
    """Return the lines of the region's validators, whose public keys are by number: where each is, and its key."""
    return "".join(
        f"{pod(index)}.{HEADLESS_SERVICE}:{proxy.PORT} {key}\n" for index, key in sorted(public_keys.items())
    )


VOTES_SCRIPT: Final = f"""\
#!/bin/sh
# Admits the validators of a region to the ledger (TASK=admit), or removes those of no region any more (TASK=remove).
# It asks first, and sends only what is missing, so it can run any number of times. Reads NODE, where to ask.
set -eu

ask() {{
  curl --silent --show-error --fail --max-time 40 --cacert {CERTIFICATES}/ca.crt \\
    --cert {CERTIFICATES}/tls.crt --key {CERTIFICATES}/tls.key "https://$1/$2"
}}

# Waits until the validator at $1 has all blocks, and makes sure that its ledger is the one of the settings.
until_it_has_all_blocks() {{
  wanted=$(cat {SETTINGS}/chain)
  until status=$(ask "$1" status 2>&1) &&
    printf '%s' "$status" | jq -e '.result.sync_info.catching_up == false' >/dev/null
  do
    echo "Waiting for $1 to have all blocks."
    sleep 5
  done
  chain=$(printf '%s' "$status" | jq -r .result.node_info.network)
  if [ "$chain" != "$wanted" ]; then
    echo "The ledger is $chain, and ledger.genesisRegions would begin another one, $wanted." >&2
    echo "Write the genesis regions as they were." >&2
    exit 1
  fi
}}

# Prints the public key and the votes of each validator of the ledger, as the node at $1 knows them.
in_force() {{
  page=1
  total=1
  while [ "$(((page - 1) * 100))" -lt "$total" ]; do
    answer=$(ask "$1" "validators?per_page=100&page=$page") || return 1
    printf '%s' "$answer" | jq -r '.result.validators[] | .pub_key.value + " " + .voting_power' || return 1
    total=$(printf '%s' "$answer" | jq -r .result.total) || return 1
    page=$((page + 1))
  done
}}

# Prints the votes of the validator $2: 0 if it is none, and nothing if the node at $1 does not answer.
votes_of() {{
  in_force "$1" >{SCRATCH}/in-force || return 1
  awk -v key="$2" '$1 == key {{ votes = $2 }} END {{ print votes + 0 }}' {SCRATCH}/in-force
}}

# Gives the validator $2 so many votes: $3.
vote() {{
  number=$3
  attempts={ATTEMPTS}
  while [ "$(votes_of "$1" "$2")" != "$3" ]; do
    attempts=$((attempts - 1))
    if [ "$attempts" -le 0 ]; then
      echo "The ledger does not give $2 $3 votes." >&2
      exit 1
    fi
    echo "Giving $2 $3 votes."
    transaction=$(printf '{proxy.VOTE}ed25519!%s!%s' "$2" "$number" | od -An -v -tx1 | tr -d ' \\n')
    ask "$1" "broadcast_tx_commit?tx=0x$transaction" | jq -c '.error // .result.check_tx.code' || true
    # A transaction that a node has seen before is refused, however long ago. One with another number of zeros is new.
    number=0$number
    sleep 2
  done
}}

if [ "$TASK" = admit ]; then
  while read -r place key; do
    until_it_has_all_blocks "$place"
    vote "$place" "$key" {POWER}
  done <{SETTINGS}/validators
else
  until_it_has_all_blocks "$NODE"
  in_force "$NODE" >{SCRATCH}/in-force
  cut -d' ' -f1 {SCRATCH}/in-force | sort >{SCRATCH}/known
  sort {SETTINGS}/validators >{SCRATCH}/kept
  grep -vxFf {SCRATCH}/kept {SCRATCH}/known >{SCRATCH}/gone || true
  if ! grep -qxFf {SCRATCH}/kept {SCRATCH}/known; then
    echo "None of the validators that stay is one yet: removing the others would end the ledger." >&2
    exit 1
  fi
  while read -r key; do
    vote "$NODE" "$key" 0
  done <{SCRATCH}/gone
fi
"""
"""The Jobs run this with the files `validators` and `chain` beside it."""
