"""A proxy that always leads to the primary of a replicated Redis."""

from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.cache import redis_configuration as redis
from components.context import RegionContext
from components.metadata import CERTIFICATE_ANNOTATION, selector
from components.namespaces import MONITORING, REDIS, SERVICES
from components.pod_security import restricted_container
from components.trust import Certificate
from components.versions import HAPROXY_IMAGE
from components.workload import (
    CHECKSUM_ANNOTATION,
    AppMetadata,
    Resources,
    config_volume,
    digest,
    disruption_budget,
    http_probe,
    metrics_service,
    pod_field,
    pod_template,
    read_only,
    secret_value,
    secret_volume,
    service_account,
    service_monitor,
)

APP: Final = "redis-proxy"
METRICS_PORT: Final = 8405
REPLICAS: Final = 2
RESOURCES: Final = Resources(cpu="100m", memory="64Mi", scratch="16Mi")


class PrimaryProxy(pulumi.ComponentResource):
    """A proxy for clients without Sentinel support. It leads to the node that takes writes, also after a failover.

    `replicas` is the number of nodes, `certificate` is theirs, and `credentials` contains their password.
    The proxy forwards connections still encrypted.

    Outputs: `deployment`.
    """

    deployment: k8s.apps.v1.Deployment

    def __init__(
        self,
        name: str,
        context: RegionContext,
        *,
        replicas: int,
        certificate: Certificate,
        credentials: k8s.core.v1.Secret,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cache:PrimaryProxy", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._app = AppMetadata(app=APP, region=context.region, namespace=context.namespaces[REDIS])
        service_account(name, self._app, self._child)
        disruption_budget(name, self._app, self._child)
        self._network_policy(name, context.namespaces[SERVICES])
        self._metrics(name, context.monitored_by)
        self.deployment = k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=self._app.meta(APP),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=REPLICAS,
                selector=self._app.selecting(),
                template=self._template(name, replicas, certificate, credentials),
            ),
            opts=self._child,
        )
        self.register_outputs({})

    def _network_policy(self, name: str, client_namespace: pulumi.Input[str]) -> None:
        self._app.network_policy(
            f"{name}-network-policy",
            ingress=[
                network.ingress([redis.PORT], network.peer(namespace=client_namespace)),
                network.ingress([METRICS_PORT], network.peer(namespace=MONITORING)),
            ],
            egress=[network.egress([redis.PORT], network.peer(pods=selector(redis.APP)))],
            opts=self._child,
        )

    def _metrics(self, name: str, monitored_by: pulumi.Resource | None) -> None:
        metrics_service(name, self._app, service="redis-proxy-metrics", port=METRICS_PORT, opts=self._child)
        service_monitor(name, self._app, endpoint={"port": "metrics"}, monitored_by=monitored_by, opts=self._child)

    def _template(
        self, name: str, replicas: int, certificate: Certificate, credentials: k8s.core.v1.Secret
    ) -> k8s.core.v1.PodTemplateSpecArgs:
        files = {"haproxy.cfg": render(replicas=replicas), "start.sh": START_SCRIPT}
        settings = k8s.core.v1.ConfigMap(f"{name}-settings", metadata=self._app.meta(APP), data=files, opts=self._child)
        return pod_template(
            self._app,
            containers=[_container(credentials)],
            volumes=[secret_volume("certificates", certificate.secret_name), config_volume("settings", settings)],
            annotations={
                CERTIFICATE_ANNOTATION: certificate.fingerprint,
                CHECKSUM_ANNOTATION: digest(*files.values()),
            },
        )


def _container(credentials: k8s.core.v1.Secret) -> k8s.core.v1.ContainerArgs:
    return k8s.core.v1.ContainerArgs(
        name="haproxy",
        image=HAPROXY_IMAGE,
        image_pull_policy="Always",
        command=["/bin/sh", f"{redis.SETTINGS}/start.sh"],
        env=[
            pod_field("POD_NAMESPACE", "metadata.namespace"),
            secret_value("REDIS_PASSWORD", credentials.metadata.name, "password"),
        ],
        ports=[
            k8s.core.v1.ContainerPortArgs(name="redis", container_port=redis.PORT),
            k8s.core.v1.ContainerPortArgs(name="metrics", container_port=METRICS_PORT),
        ],
        resources=RESOURCES.requirements(),
        security_context=restricted_container(),
        readiness_probe=k8s.core.v1.ProbeArgs(
            tcp_socket=k8s.core.v1.TCPSocketActionArgs(port="redis"), period_seconds=5
        ),
        liveness_probe=http_probe("/healthz", port="metrics", period=10),
        volume_mounts=read_only({"certificates": redis.CERTIFICATES, "settings": redis.SETTINGS}),
    )


def render(*, replicas: int) -> str:
    """Return the text of haproxy.cfg: forward connections, still encrypted, to the node that reports to be the primary.

    If a node refuses a connection, HAProxy tries another node at once, because a dead primary counts as up until two
    checks have failed.
    The file reads REDIS_PASSWORD, POD_NAMESPACE and CLUSTER_DOMAIN.
    Names are complete, because HAProxy's own resolver, which follows pods to new addresses, has no search list.
    """
    domain = f"{redis.HEADLESS_SERVICE}.${{POD_NAMESPACE}}.svc.${{CLUSTER_DOMAIN}}"
    servers = "\n".join(f'  server {redis.APP}-{i} "{redis.APP}-{i}.{domain}:{redis.PORT}"' for i in range(replicas))
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
  bind :{redis.PORT}
  default_backend primary

backend primary
  option redispatch 1
  option tcp-check
  tcp-check send "AUTH ${{REDIS_PASSWORD}}\\r\\n"
  tcp-check expect string +OK
  tcp-check send "INFO replication\\r\\n"
  tcp-check expect string role:master
  default-server check check-ssl verify required ca-file {redis.CERTIFICATES}/ca.crt inter 1s fall 2 rise 1 \
on-marked-down shutdown-sessions resolvers cluster init-addr last,libc,none
{servers}

frontend metrics
  mode http
  bind :{METRICS_PORT}
  http-request use-service prometheus-exporter if {{ path /metrics }}
  monitor-uri /healthz
"""


START_SCRIPT: Final = f"""\
#!/bin/sh
# HAProxy's resolver needs complete names: the cluster's domain is taken from the pod's search list.
set -eu
CLUSTER_DOMAIN=$(sed -n 's/^search.* svc\\.\\([^ ]*\\).*/\\1/p' /etc/resolv.conf)
export CLUSTER_DOMAIN="${{CLUSTER_DOMAIN:-cluster.local}}"
exec haproxy -W -db -f {redis.SETTINGS}/haproxy.cfg
"""
