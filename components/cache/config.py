"""The configuration of Redis, of its Sentinels and of the proxy before them. Pure: no resources."""

from typing import Final

APP: Final = "redis"
SERVICE: Final = "redis"
HEADLESS_SERVICE: Final = "redis-headless"
PROXY_APP: Final = "redis-proxy"
PORT: Final = 6379
SENTINEL_PORT: Final = 26379
EXPORTER_PORT: Final = 9121
PROXY_METRICS_PORT: Final = 8405

SETTINGS: Final = "/etc/redis-settings"
CREDENTIALS: Final = "/etc/redis-credentials"
CERTIFICATES: Final = "/etc/redis-certificates"
DATA: Final = "/data"
SENTINEL_DATA: Final = f"{DATA}/sentinel"

PRIMARY: Final = "primary"
"""What Sentinel calls the group of nodes, and clients of Sentinel ask for."""
DOWN_AFTER_MS: Final = 5000
FAILOVER_TIMEOUT_MS: Final = 30000
REPLICA_LAG_SECONDS: Final = 10
BACKLOG_SHARE: Final = 16

NODE_NAMES: Final = (
    "localhost",
    *(SERVICE + suffix for suffix in ("", ".{0}", ".{0}.svc", ".{0}.svc.cluster.local")),
    *(f"*.{HEADLESS_SERVICE}" + suffix for suffix in ("", ".{0}", ".{0}.svc", ".{0}.svc.cluster.local")),
)
"""DNS names of the nodes' certificate; {0} is the namespace."""

_TLS: Final = f"""\
tls-cert-file {CERTIFICATES}/tls.crt
tls-key-file {CERTIFICATES}/tls.key
tls-ca-cert-file {CERTIFICATES}/ca.crt
tls-auth-clients no
tls-replication yes
"""


def nodes(replicas: int, namespace: str) -> list[str]:
    """DNS names of the nodes, resolvable from every namespace."""
    return [f"{APP}-{index}.{HEADLESS_SERVICE}.{namespace}.svc" for index in range(replicas)]


def sentinels(replicas: int, namespace: str) -> str:
    """Addresses of the Sentinels, as clients that speak to them want: host:port, comma separated."""
    return ",".join(f"{node}:{SENTINEL_PORT}" for node in nodes(replicas, namespace))


def quorum(replicas: int) -> int:
    """How many Sentinels must agree that the primary is down: a majority."""
    return replicas // 2 + 1


def render_redis(*, replicas: int, max_memory: int, policy: str) -> str:
    """The text of redis.conf. `max_memory` is in bytes. The password comes from the file it includes."""
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
maxmemory-policy {policy}
repl-backlog-size {max(max_memory // BACKLOG_SHARE, 2**20)}
{replicated}"""


def render_sentinel(*, replicas: int) -> str:
    """The text of sentinel.conf, but for who is the primary, which is found out at start. `@PRIMARY@` stands for it."""
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
    """The files of the Secret: what redis.conf includes, what sentinel.conf ends with, and the password alone."""
    return {
        "redis.conf": f"requirepass {password}\nmasterauth {password}\n",
        "sentinel.conf": (
            f"requirepass {password}\nsentinel sentinel-pass {password}\nsentinel auth-pass {PRIMARY} {password}\n"
        ),
        "password": password,
    }


def render_proxy(*, replicas: int) -> str:
    """The text of haproxy.cfg: connections go, still encrypted, to the node that says it is the primary.

    A connection that a node refuses is tried on another at once: a dead primary counts as up until two checks failed.
    It reads REDIS_PASSWORD, POD_NAMESPACE and CLUSTER_DOMAIN. Names are complete because HAProxy's own resolver, which
    follows pods to new addresses, knows no search list.
    """
    domain = f"{HEADLESS_SERVICE}.${{POD_NAMESPACE}}.svc.${{CLUSTER_DOMAIN}}"
    servers = "\n".join(f'  server {APP}-{i} "{APP}-{i}.{domain}:{PORT}"' for i in range(replicas))
    return f"""\
global
  log stdout format raw local0 info
  maxconn 4096

defaults
  mode tcp
  log global
  timeout connect 4s
  timeout client 1h
  timeout server 1h
  timeout check 2s

resolvers cluster
  parse-resolv-conf
  hold valid 5s
  accepted_payload_size 8192

frontend redis
  bind :{PORT}
  default_backend primary

backend primary
  option redispatch 1
  option tcp-check
  tcp-check send "AUTH ${{REDIS_PASSWORD}}\\r\\n"
  tcp-check expect string +OK
  tcp-check send "INFO replication\\r\\n"
  tcp-check expect string role:master
  default-server check check-ssl verify required ca-file {CERTIFICATES}/ca.crt inter 1s fall 2 rise 1 \
on-marked-down shutdown-sessions resolvers cluster init-addr last,libc,none
{servers}

frontend metrics
  mode http
  bind :{PROXY_METRICS_PORT}
  http-request use-service prometheus-exporter if {{ path /metrics }}
  monitor-uri /healthz
"""
