"""CometBFT's configuration, and how a validator starts. Pure.

Keys: https://docs.cometbft.com/v0.38/references/config/config.toml
"""

from typing import Final

from components.ledger.identities import PEER_PORT
from components.ledger.settings import LedgerSettings

SERVICE: Final = "ledger"
RPC_PORT: Final = 26657
"""It listens in its own pod only, because it may be told anything."""
INNER_PEER_PORT: Final = 26655
"""With snapshots, the proxy has the port for peers, and CometBFT this one in its pod."""
METRICS_PORT: Final = 26660
OTHER_PORTS: Final = (26671, 26672)
"""With snapshots, these ports of the pod lead to two other validators. CometBFT checks a snapshot at two at least."""

SETTINGS: Final = "/ledger/settings"
MEMBERS: Final = "/ledger/members"
KEYS: Final = "/ledger/keys"
DATA: Final = "/ledger/data"
RUN: Final = "/ledger/run"
APPLICATION_DATA: Final = "/ledger/application"
SOCKET: Final = f"unix://{RUN}/application.sock"

BUILT_IN: Final = "persistent_kvstore"
"""CometBFT's own key-value application, which keeps its state beside the blocks."""
HEARTBEAT_SECONDS: Final = 60
"""Without transactions there is a block in this time, so that a ledger that stands still is seen."""
DIAL_SECONDS: Final = 15
SYNC_ATTEMPTS: Final = 20
TRUST_PERIOD: Final = "168h0m0s"
GRACE_SECONDS: Final = 60


def config(settings: LedgerSettings) -> str:
    """Return config.toml. It names no other validator, so one region more changes nothing in it.

    A validator takes peers whose id it knows, and nobody else: there is room for no other, and nobody is told of
    addresses. Several regions may share an address behind one NAT.
    """
    listen = f"127.0.0.1:{INNER_PEER_PORT}" if syncs(settings) else f"0.0.0.0:{PEER_PORT}"
    application = BUILT_IN if settings.application.image is None else SOCKET
    return f"""\
proxy_app = "{application}"
abci = "socket"
db_backend = "goleveldb"
log_level = "info"
log_format = "json"
genesis_file = "config/genesis.json"
node_key_file = "config/node_key.json"
priv_validator_key_file = "config/priv_validator_key.json"
priv_validator_state_file = "data/priv_validator_state.json"

[rpc]
laddr = "tcp://127.0.0.1:{RPC_PORT}"
unsafe = true
timeout_broadcast_tx_commit = "30s"

[p2p]
laddr = "tcp://{listen}"
pex = false
addr_book_strict = false
allow_duplicate_ip = true
max_num_inbound_peers = 0
max_num_outbound_peers = 0
persistent_peers_max_dial_period = "{DIAL_SECONDS}s"

[consensus]
create_empty_blocks = false
create_empty_blocks_interval = "{HEARTBEAT_SECONDS}s"

[tx_index]
indexer = "kv"

[instrumentation]
prometheus = true
prometheus_listen_addr = ":{METRICS_PORT}"
"""


def _servers() -> str:
    return ",".join(f"http://127.0.0.1:{port}" for port in OTHER_PORTS)


def syncs(settings: LedgerSettings) -> bool:
    """Whether new validators begin with a snapshot."""
    return settings.snapshot_interval is not None


START_SCRIPT: Final = f"""\
#!/bin/sh
# Starts a validator of the ledger. Reads POD_NAME, REGION and SYNC: whether a new one begins with a snapshot.
set -eu
index=${{POD_NAME##*-}}
mkdir -p {DATA}/config {DATA}/data

# What it has signed. Without it, it might sign something else for the same block, which the others take for a lie.
if [ ! -e {DATA}/data/priv_validator_state.json ]; then
  if [ -e {DATA}/data/blockstore.db ]; then
    echo "{DATA}/data/priv_validator_state.json is missing beside blocks: see docs/runbooks/ledger-node-down.md" >&2
    exit 1
  fi
  printf '{{"height":"0","round":0,"step":0}}\\n' >{DATA}/data/first.json
  mv {DATA}/data/first.json {DATA}/data/priv_validator_state.json
fi

# The genesis of its first start stays, whatever ledger.genesisRegions says by now.
if [ ! -e {DATA}/config/genesis.json ]; then
  cp {MEMBERS}/genesis.json {DATA}/config/first.json
  mv {DATA}/config/first.json {DATA}/config/genesis.json
elif ! cmp -s {MEMBERS}/genesis.json {DATA}/config/genesis.json; then
  echo "ledger.genesisRegions has changed, and a genesis never changes: going on with the one of the first start" >&2
fi

# Links, so that no key is on the disk.
ln -sf "{KEYS}/$POD_NAME.node_key.json" {DATA}/config/node_key.json
ln -sf "{KEYS}/$POD_NAME.priv_validator_key.json" {DATA}/config/priv_validator_key.json

cp {SETTINGS}/config.toml {DATA}/config/config.toml

# Asks another validator.
ask() {{
  curl --silent --fail --max-time 10 --header "Content-Type: application/json" \\
    --data '{{"jsonrpc":"2.0","id":1,"method":"'"$1"'","params":{{'"$2"'}}}}' "http://127.0.0.1:{OTHER_PORTS[0]}/"
}}

# Prints what a snapshot is checked with: the newest block of another region, which has shown its certificate.
trust() {{
  status=$(ask status "") || return 1
  height=$(printf '%s' "$status" | jq -r .result.sync_info.latest_block_height)
  commit=$(ask commit '"height":"'"$height"'"') || return 1
  printf '\\n[statesync]\\nenable = true\\nrpc_servers = "%s"\\n' "{_servers()}"
  printf 'trust_height = %s\\ntrust_hash = "%s"\\ntrust_period = "{TRUST_PERIOD}"\\n' "$height" \\
    "$(printf '%s' "$commit" | jq -r .result.signed_header.commit.block_id.hash)"
}}

# It is new if it has never voted and the ledger did not begin with it. Where nobody answers, it reads all blocks.
own=$(jq -r .pub_key.value {DATA}/config/priv_validator_key.json)
if [ "$SYNC" = true ] && grep -q '"height": *"0"' {DATA}/data/priv_validator_state.json &&
  ! grep -qF "$own" {DATA}/config/genesis.json; then
  attempts={SYNC_ATTEMPTS}
  until trust >{DATA}/config/statesync.toml || [ "$attempts" -le 0 ]; do
    echo "Waiting for another validator, to begin with a snapshot."
    attempts=$((attempts - 1))
    sleep 3
  done
  cat {DATA}/config/statesync.toml >>{DATA}/config/config.toml
fi

# Prints the other validators, with commas between them: their ids, addresses with ids, or the same in quotes.
others() {{
  awk -v region="$REGION" -v own="$index" -v what="$1" '
    !($1 == region && $2 == own) {{
      one = what == "ids" ? $3 : $3 "@" $4
      if (what == "quoted") one = "\\"" one "\\""
      printf "%s%s", between, one
      between = ","
    }}' {MEMBERS}/peers
}}

# Validators that join later are in the file some time after, and names may get other addresses. Both without a restart.
dial() {{
  while kill -0 "$$" 2>/dev/null; do
    sleep {DIAL_SECONDS}
    peers=$(others quoted)
    [ -z "$peers" ] || curl --silent --output /dev/null --max-time 60 --get --data-urlencode "peers=[$peers]" \\
      --data "persistent=true" --data "unconditional=true" --data "private=true" \\
      "http://127.0.0.1:{RPC_PORT}/dial_peers" || true
  done
}}
dial &

exec cometbft node --home={DATA} --moniker="$REGION-$index" \\
  --p2p.persistent_peers="$(others addresses)" --p2p.unconditional_peer_ids="$(others ids)"
"""
