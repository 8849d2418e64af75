"""The OpenTelemetry collector of an edge site, which keeps traces on its disk until the home region has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.context import RegionContext
from components.metadata import CERTIFICATE_ANNOTATION, DONE_AT_ONCE, selector
from components.monitoring import collector, names
from components.namespaces import MONITORING
from components.peering import PeerNames, PeerNamesArgs, host, peer_name
from components.ports import OTLP_GRPC_PORT
from components.trust import Certificate, CertificateArgs
from components.workload import (
    CHECKSUM_ANNOTATION,
    AppMetadata,
    config_volume,
    digest,
    disruption_budget,
    headless_service,
    pod_template,
    read_only,
    secret_volume,
    service_account,
    service_port,
    stateful_set,
)

APP: Final = names.COLLECTOR
"""The name of a region's collector, so that services and proxies look for both in the same place."""
HEADLESS_SERVICE: Final = f"{APP}-headless"
DATA: Final = "/var/lib/otelcol"
QUEUE: Final = f"{DATA}/queue"
QUEUE_BYTES: Final = 256 * 2**20
"""Most traces that wait for the home. When there are more, the newest are dropped."""
STORAGE: Final = "1Gi"
"""Disk of the queue. Its file keeps the place of what has been sent until it is compacted, into a second file."""
ATTEMPT: Final = "30s"
"""Time for the home's answer."""
PING_ANSWER: Final = "20s"
"""Time for the answer to a ping. Without one, the collector connects anew."""
PORTS: Final = {**collector.INPUT_PORTS, "health": names.HEALTH_PORT}


@dataclass(frozen=True, kw_only=True)
class HomeCollector:
    """The collector of the home region, as an edge site sees it."""

    region: str
    addresses: Sequence[pulumi.Output[str]]
    """IPv4 addresses of its peer endpoint for sites."""

    def egress(self) -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
        """Let the site's collector reach it."""
        targets = (network.cidr(pulumi.Output.concat(address, "/32")) for address in self.addresses)
        return network.egress([names.SITES_PORT], *targets)


class SiteCollector(pulumi.ComponentResource):
    """An OpenTelemetry collector at an edge site. It takes traces as a region's does, and sends them to its `home`.

    `clients` are the namespaces that send traces.

    No outputs: services and proxies find it by its name, and nobody waits for it.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        home: HomeCollector,
        *,
        clients: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:sites:SiteCollector", name, None, context.child(opts))
        self._child = pulumi.ResourceOptions(parent=self)
        namespace = context.namespaces[MONITORING]
        self._app = AppMetadata(app=APP, region=context.region, namespace=namespace)
        PeerNames(
            f"{name}-peers",
            PeerNamesArgs(
                region=context.region,
                app=APP,
                namespace=namespace,
                port=names.SITES_PORT,
                hosts={host(home.region): home.addresses},
            ),
            self._child,
        )
        self._app.network_policy(
            f"{name}-network-policy",
            ingress=[
                network.ingress(
                    list(collector.INPUT_PORTS.values()), *(network.peer(namespace=client) for client in clients)
                )
            ],
            egress=[home.egress()],
            opts=self._child,
        )
        self._services(name)
        service_account(name, self._app, self._child)
        disruption_budget(name, self._app, self._child)
        stateful_set(
            name,
            self._app,
            replicas=1,
            headless=HEADLESS_SERVICE,
            pods=self._template(name, home.region, self._certificate(name, context)),
            storage=STORAGE,
            storage_class=context.storage_class,
            opts=self._child,
        )
        self.register_outputs({})

    def _services(self, name: str) -> None:
        headless_service(
            name,
            self._app,
            service=HEADLESS_SERVICE,
            ports=[service_port("otlp-grpc", OTLP_GRPC_PORT, "grpc")],
            opts=self._child,
        )
        k8s.core.v1.Service(
            f"{name}-service",
            metadata=self._app.meta(APP, annotations=DONE_AT_ONCE),
            spec=k8s.core.v1.ServiceSpecArgs(selector=selector(APP), ports=collector.input_ports()),
            opts=self._child,
        )

    def _certificate(self, name: str, context: RegionContext) -> Certificate:
        return Certificate(
            f"{name}-certificate",
            CertificateArgs(
                authority=context.authority,
                common_name=f"{APP} of {context.region}",
                app=APP,
                region=context.region,
                namespace=self._app.namespace,
                secret_name=names.COLLECTOR_CERTIFICATE,
                usages=("client",),
            ),
            self._child,
        )

    def _template(self, name: str, home: str, certificate: Certificate) -> k8s.core.v1.PodTemplateSpecArgs:
        site = self._app.region
        config = pulumi.Output.from_input(self._app.namespace).apply(
            lambda namespace: site_config(site=site, home=peer_name(home, namespace))
        )
        files = k8s.core.v1.ConfigMap(
            f"{name}-config",
            metadata=self._app.meta(APP),
            data={collector.CONFIG_FILE: config},
            opts=self._child,
        )
        mounts = [
            *read_only({"config": collector.CONFIG_DIRECTORY, "certificates": collector.CERTIFICATES}),
            k8s.core.v1.VolumeMountArgs(name="data", mount_path=DATA),
        ]
        return pod_template(
            self._app,
            containers=[collector.collector_container(PORTS, mounts)],
            volumes=[config_volume("config", files), secret_volume("certificates", certificate.secret_name)],
            annotations={
                CERTIFICATE_ANNOTATION: certificate.fingerprint,
                CHECKSUM_ANNOTATION: config.apply(digest),
            },
        )


def site_config(*, site: str, home: str) -> str:
    """Return the configuration of the collector of `site`: OTLP input, and a queue on the disk for the host `home`.

    What the home has not acknowledged stays in the queue, and is sent again without end.
    https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/exporterhelper#persistent-queue
    """
    return collector.as_file(
        {
            "extensions": {**collector.health_check(), "file_storage": _file_storage()},
            "receivers": collector.otlp_input(),
            "processors": collector.processors(site),
            "exporters": {"otlp_grpc/home": _to(home)},
            "service": {
                "extensions": ["health_check", "file_storage"],
                "pipelines": {
                    "traces": {
                        "receivers": ["otlp"],
                        "processors": ["memory_limiter", "resource", "batch"],
                        "exporters": ["otlp_grpc/home"],
                    }
                },
                "telemetry": collector.self_telemetry(),
            },
        }
    )


def _file_storage() -> dict[str, Any]:
    return {
        "directory": QUEUE,
        "create_directory": True,
        # A machine near its users may lose its power at any time.
        "fsync": True,
        "compaction": {"directory": QUEUE, "on_start": True, "on_rebound": True, "cleanup_on_start": True},
    }


def _to(home: str) -> dict[str, Any]:
    return {
        "endpoint": f"{home}:{names.SITES_PORT}",
        "tls": {**collector.certificate_files(), "ca_file": f"{collector.CERTIFICATES}/ca.crt"},
        "timeout": ATTEMPT,
        "keepalive": {"time": collector.SITES_PING, "timeout": PING_ANSWER, "permit_without_stream": True},
        "sending_queue": {"storage": "file_storage", "sizer": "bytes", "queue_size": QUEUE_BYTES},
        # Zero: for ever.
        "retry_on_failure": {"max_elapsed_time": "0s"},
    }
