"""Files for Redis' pods: configuration of nodes and Sentinels, and shell scripts. Pure.

Scripts read NODES (DNS names of all nodes), SELF (the pod's own name) and the files of the pod's volumes.
"""

from typing import Final

from components.cache.settings import EVICTION

APP: Final = "redis"
SERVICE: Final = "redis"
HEADLESS_SERVICE: Final = "redis-headless"
PORT: Final = 6379
SENTINEL_PORT: Final = 26379
EXPORTER_PORT: Final = 9121

SETTINGS: Final = "/etc/redis-settings"
CREDENTIALS: Final = "/etc/redis-credentials"
CERTIFICATES: Final = "/etc/redis-certificates"
DATA: Final = "/data"
SENTINEL_DATA: Final = f"{DATA}/sentinel"

PRIMARY: Final = "primary"
"""Name of the group of nodes, which clients ask the Sentinels for."""
DOWN_AFTER_MS: Final = 5000
FAILOVER_TIMEOUT_MS: Final = 30000
REPLICA_LAG_SECONDS: Final = 10
BACKLOG_SHARE: Final = 16

_TLS: Final = f"""\
tls-cert-file {CERTIFICATES}/tls.crt
tls-key-file {CERTIFICATES}/tls.key
tls-ca-cert-file {CERTIFICATES}/ca.crt
tls-auth-clients no
tls-replication yes
"""


def nodes(replicas: int, namespace: str) -> list[str]:
    """Return the DNS names of the nodes, resolvable from every namespace."""
    return [f"{APP}-{index}.{HEADLESS_SERVICE}.{namespace}.svc" for index in range(replicas)]


def sentinels(replicas: int, namespace: str) -> str:
    """Return the Sentinels' addresses for clients: host:port, comma separated."""
    return ",".join(f"{node}:{SENTINEL_PORT}" for node in nodes(replicas, namespace))


def quorum(replicas: int) -> int:
    """Return how many Sentinels must agree that the primary is down: a majority."""
    return replicas // 2 + 1


def files(*, replicas: int, max_memory: int) -> dict[str, str]:
    """Return all files that the nodes' pods share, by name. `max_memory` is in bytes."""
    return {
        **SCRIPTS,
        "redis.conf": render_redis(replicas=replicas, max_memory=max_memory),
        "sentinel.conf": render_sentinel(replicas=replicas),
    }


def render_redis(*, replicas: int, max_memory: int) -> str:
    """Return the text of redis.conf. `max_memory` is in bytes. An included file sets the password."""
    replicated = f"min-replicas-to-write 1\nmin-replicas-max-lag {REPLICA_LAG_SECONDS}\n" if replicas > 1 else ""
    return f"""\
include {CREDENTIALS}/redis.conf
bind * -::*
port 0
tls-port {PORT}
{_TLS}\
dir {DATA}
appendonly yes
appendfsync everysec
save 3600 1 300 100 60 10000
maxmemory {max_memory}
maxmemory-policy {EVICTION}
repl-backlog-size {max(max_memory // BACKLOG_SHARE, 2**20)}
{replicated}"""


def render_sentinel(*, replicas: int) -> str:
    """Return the text of sentinel.conf. `@PRIMARY@` stands for the primary, which a script finds at start."""
    return f"""\
bind * -::*
port 0
tls-port {SENTINEL_PORT}
{_TLS}\
dir {SENTINEL_DATA}
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel monitor {PRIMARY} @PRIMARY@ {PORT} {quorum(replicas)}
sentinel down-after-milliseconds {PRIMARY} {DOWN_AFTER_MS}
sentinel failover-timeout {PRIMARY} {FAILOVER_TIMEOUT_MS}
sentinel parallel-syncs {PRIMARY} 1
"""


def render_credentials(password: str) -> dict[str, str]:
    """Return the Secret's files: redis.conf's include, the end of sentinel.conf, and the password alone."""
    return {
        "redis.conf": f"requirepass {password}\nmasterauth {password}\n",
        "sentinel.conf": (
            f"requirepass {password}\nsentinel sentinel-pass {password}\nsentinel auth-pass {PRIMARY} {password}\n"
        ),
        "password": password,
    }


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

SCRIPTS: Final = {
    "common.sh": _COMMON,
    "redis.sh": _START_REDIS,
    "sentinel.sh": _START_SENTINEL,
    "check.sh": _CHECK,
    "leave.sh": _LEAVE,
}
"""Scripts by file name."""
