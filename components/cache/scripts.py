"""Shell scripts of the Redis pods.

They read NODES (the DNS names of all nodes), SELF (the pod's own) and the files of the pod's volumes.
"""

from typing import Final

from components.cache.config import (
    CERTIFICATES,
    CREDENTIALS,
    PORT,
    PRIMARY,
    SENTINEL_DATA,
    SENTINEL_PORT,
    SETTINGS,
)

_COMMON: Final = f"""\
# Read by the other scripts. The password goes to redis-cli in its environment, never in an argument.
REDISCLI_AUTH=$(cat {CREDENTIALS}/password)
export REDISCLI_AUTH
known={SENTINEL_DATA}/sentinel.conf

# ask HOST PORT COMMAND...: the answer, or nothing within three seconds.
ask() {{
  host=$1
  port=$2
  shift 2
  timeout 3 redis-cli -h "$host" -p "$port" --tls --cacert {CERTIFICATES}/ca.crt "$@" 2>/dev/null | tr -d '\\r'
}}

is_node() {{
  case " $NODES " in *" ${{1:-none}} "*) return 0 ;; esac
  return 1
}}

# The node that takes writes: as the Sentinels say, else as this pod last knew, else the first.
find_primary() {{
  for node in $NODES; do
    answer=$(ask "$node" {SENTINEL_PORT} sentinel get-master-addr-by-name {PRIMARY} | head -n 1)
    if is_node "$answer"; then
      echo "$answer"
      return
    fi
  done
  answer=$(sed -n 's/^sentinel monitor {PRIMARY} "*\\([^" ]*\\).*/\\1/p' "$known" 2>/dev/null || true)
  if is_node "$answer"; then
    echo "$answer"
    return
  fi
  echo "${{NODES%% *}}"
}}
"""

_START_REDIS: Final = f"""\
#!/bin/sh
# Starts a node: as the primary, or as a replica of it.
set -eu
. {SETTINGS}/common.sh

set -- {SETTINGS}/redis.conf --replica-announce-ip "$SELF"
primary=$(find_primary)
if [ "$primary" != "$SELF" ]; then
  set -- "$@" --replicaof "$primary" {PORT}
fi
unset REDISCLI_AUTH
exec redis-server "$@"
"""

_START_SENTINEL: Final = f"""\
#!/bin/sh
# Starts a Sentinel. Settings come from the platform; who is who comes from what this pod knew before, so that a
# primary that does not come back is replaced also when all pods have restarted.
set -eu
. {SETTINGS}/common.sh
umask 077
mkdir -p {SENTINEL_DATA}

primary=$(find_primary)
{{
  sed "s/@PRIMARY@/$primary/" {SETTINGS}/sentinel.conf
  echo "sentinel myid $(printf '%s' "$SELF" | sha1sum | cut -c 1-40)"
  echo "sentinel announce-ip $SELF"
  echo "sentinel announce-port {SENTINEL_PORT}"
  cat {CREDENTIALS}/sentinel.conf
  if [ -f "$known" ]; then
    for node in $NODES; do
      grep -E "^sentinel known-(replica|sentinel) {PRIMARY} \\"?$node\\"? " "$known" || true
    done
    grep -E '^sentinel (current|config|leader)-epoch ' "$known" || true
  fi
}} >"$known.new"
mv "$known.new" "$known"
unset REDISCLI_AUTH
exec redis-server "$known" --sentinel
"""

_CHECK: Final = f"""\
#!/bin/sh
# check.sh live: the process answers, be it that it loads its data. check.sh ready: it is the primary, or a replica
# that follows it. check.sh sentinel: the Sentinel answers.
set -eu
. {SETTINGS}/common.sh

case "$1" in
  live)
    case "$(ask localhost {PORT} ping)" in PONG | LOADING* | MASTERDOWN*) exit 0 ;; esac
    ;;
  ready)
    if ask localhost {PORT} info replication | grep -qE '^(role:master|master_link_status:up)$'; then
      exit 0
    fi
    ;;
  sentinel)
    case "$(ask localhost {SENTINEL_PORT} ping)" in PONG) exit 0 ;; esac
    ;;
esac
exit 1
"""

_LEAVE: Final = f"""\
#!/bin/sh
# Before a primary stops, another node takes over, so that clients wait for an election and not for a timeout.
set -eu
. {SETTINGS}/common.sh

is_primary() {{
  ask localhost {PORT} info replication | grep -q '^role:master$'
}}

if [ "$NODES" = "$SELF" ] || ! is_primary; then
  exit 0
fi
for node in $NODES; do
  if [ "$node" != "$SELF" ] && [ "$(ask "$node" {SENTINEL_PORT} sentinel failover {PRIMARY})" = OK ]; then
    break
  fi
done
for _ in 1 2 3 4 5 6 7 8 9 10; do
  is_primary || break
  sleep 1
done
"""

PROXY_START: Final = f"""\
#!/bin/sh
# HAProxy's resolver needs complete names: the cluster's domain is taken from the pod's search list.
set -eu
CLUSTER_DOMAIN=$(sed -n 's/^search.* svc\\.\\([^ ]*\\).*/\\1/p' /etc/resolv.conf)
export CLUSTER_DOMAIN="${{CLUSTER_DOMAIN:-cluster.local}}"
exec haproxy -W -db -f {SETTINGS}/haproxy.cfg
"""

SCRIPTS: Final = {
    "common.sh": _COMMON,
    "redis.sh": _START_REDIS,
    "sentinel.sh": _START_SENTINEL,
    "check.sh": _CHECK,
    "leave.sh": _LEAVE,
}
