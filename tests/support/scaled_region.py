"""A region's API server and controllers with KEDA and Prometheus as processes, and one service that they scale.

The service has simulated pods. Its users are a number that the test sets; Prometheus scrapes it as a pod's metric.
Last weeks' load is written into Prometheus' blocks before Prometheus starts.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from components.monitoring import ScalingPlan
from components.monitoring.names import prometheus_url
from components.monitoring.rules import rules_file
from components.monitoring.rules.scaling import GROWTH_HOURS, LOAD, WEEK_MINUTES
from components.namespaces import KEDA, MONITORING, SERVICES
from components.scaling.scaled_services import API_VERSION, KIND, TAKES_OVER, scaled_object
from components.services.settings import ServiceSettings
from sandbox.controlplane import Cluster
from tests.support import apiserver
from tests.support.binaries import binary, run
from tests.support.manifests import stream, template
from tests.support.monitoring_examples import PLACE, SCALING, TARGETS
from tests.support.reference_data import reference
from tests.support.servers import Processes, eventually, free_ports, processes, write_certificate

SERVICE = "sacred-messaging"
SETTINGS = ServiceSettings.model_validate({"minReplicas": 2, "maxReplicas": 9})
USERS_OF_A_REPLICA = 4000
"""Four fifths of `usersPerReplica`."""
WEEKS = 3
LEAD = 1
"""Minutes. The settings allow no fewer than five; a test has less patience."""
PEAK_REPLICAS = 6
STEP = 2
"""Seconds between two samples, and between two evaluations of the rules."""
SECONDS = 420
"""Time limit for each step on a busy machine."""
PLAN = ScalingPlan(
    services=[one for one in SCALING.services if one.name == SERVICE], weeks=WEEKS, lead_minutes=LEAD, max_growth=2.0
)
ADAPTER = "keda-operator-metrics-apiserver"
EXTERNAL_METRICS = "external.metrics.k8s.io"


@dataclass
class ScalingMetrics:
    """Prometheus with weeks of history, and the service's users whom it scrapes."""

    directory: Path
    running: Processes
    port: int
    """Of Prometheus."""
    users: "Users"

    def start_prometheus(self) -> None:
        """Start Prometheus on its data, and wait until it records the load."""
        self.running.start(
            "prometheus",
            [
                str(binary("prometheus")),
                f"--config.file={self.directory / 'prometheus.json'}",
                f"--storage.tsdb.path={self.directory / 'data'}",
                "--storage.tsdb.retention.time=60d",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
        )
        eventually(lambda: self.needed(LOAD) is not None, seconds=SECONDS, what="Prometheus records the load")

    def needed(self, record: str) -> float | None:
        """The recorded replicas of the service; None if Prometheus has none, or does not answer."""
        query = urlencode({"query": f'{record}{{service="{SERVICE}"}}'})
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{query}", timeout=5) as answer:
                found = json.load(answer)["data"]["result"]
        except URLError:
            return None
        return float(found[0]["value"][1]) if found else None


@dataclass
class ScaledRegion:
    """The processes and the cluster, with what the test does to them."""

    directory: Path
    cluster: Cluster
    running: Processes
    metrics: ScalingMetrics
    replicas: "Watch" = field(init=False)

    def get(self, kind: str, name: str = SERVICE) -> dict[str, Any]:
        """The object in the services' namespace; empty if there is none."""
        found = self.cluster.kubectl("get", kind, name, "-n", SERVICES, "-o", "json", "--ignore-not-found")
        assert found.returncode == 0, found.stderr
        return dict(json.loads(found.stdout or "{}"))

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Apply the objects as the program would."""
        done = self.cluster.kubectl(
            "apply",
            "--server-side",
            "--field-manager=sacred-council",
            "-f",
            "-",
            stdin=stream([dict(o) for o in objects]),
        )
        assert done.returncode == 0, done.stderr

    def condition(self, name: str) -> str:
        """The status of a condition of the scaled object."""
        conditions = self.get("scaledobject").get("status", {}).get("conditions", [])
        return next((str(one["status"]) for one in conditions if one["type"] == name), "")

    def reaches(self, replicas: int, what: str) -> None:
        """Wait until the Deployment is meant to have so many replicas."""
        eventually(lambda: self.replicas.now() == replicas, seconds=SECONDS, what=f"{what}: {self.replicas.seen()}")


class Users(ThreadingHTTPServer):
    """Publishes the users of the service's only scraped pod."""

    number = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Metrics)
        Thread(target=self.serve_forever, daemon=True).start()


class _Metrics(BaseHTTPRequestHandler):
    server: Users

    def do_GET(self) -> None:
        text = (
            f"# TYPE sacred_websocket_connections gauge\nsacred_websocket_connections {self.server.number}\n".encode()
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing."""


class Watch:
    """All numbers of replicas that the Deployment was meant to have, one after the other."""

    def __init__(self, region: ScaledRegion) -> None:
        self._log = region.directory / "replicas.log"
        command = [
            str(region.cluster.layout.bin / "kubectl"),
            "--kubeconfig",
            str(region.cluster.kubeconfig),
            "get",
            "deployment",
        ]
        options = ["-n", SERVICES, SERVICE, "--watch", "-o", "jsonpath={.spec.replicas}{'\\n'}"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([*command, *options], stdout=log, stderr=subprocess.STDOUT)

    def seen(self) -> list[int]:
        """The different numbers so far, in their order."""
        numbers = [int(line) for line in self._log.read_text().splitlines() if line.isdigit()]
        return [one for one, before in zip(numbers, [None, *numbers], strict=False) if one != before]

    def now(self) -> int:
        """The last number."""
        return self.seen()[-1] if self.seen() else 0

    def stop(self) -> None:
        """End the watch."""
        self._process.kill()
        self._process.wait()


@contextmanager
def scaled_region(directory: Path) -> Iterator[ScaledRegion]:
    """Start all but KEDA's scaled object: the service still has the chart's autoscaler."""
    definitions = reference("crds", "keda-2.20.2.yaml")
    for name in ("keda-operator", "keda-adapter", "helm"):
        binary(name)
    with metrics(directory) as made, apiserver.running(directory, "scaled", slot=19) as cluster:
        region = ScaledRegion(directory, cluster, made.running, made)
        _objects(region, definitions)
        _keda(region)
        region.replicas = Watch(region)
        try:
            yield region
        finally:
            region.replicas.stop()


@contextmanager
def metrics(directory: Path) -> Iterator[ScalingMetrics]:
    """The users, and a Prometheus that is not started yet."""
    for name in ("prometheus", "promtool"):
        binary(name)
    users, (port,) = Users(), free_ports(1)
    with processes(directory / "logs") as running:
        try:
            yield ScalingMetrics(directory, running, port, users)
        finally:
            users.shutdown()
            users.server_close()


def chart(autoscaler: str = "hpa") -> list[dict[str, Any]]:
    """The service's Deployment, and its autoscaler if it has one."""
    replicas = {"min": 3, "max": SETTINGS.max_replicas}
    values = {"autoscaler": autoscaler, "services": {SERVICE: {"replicas": replicas}}}
    wanted = ("Deployment", "HorizontalPodAutoscaler", "ServiceAccount")
    made = template(values, namespace=SERVICES)
    return [one for one in made if one["kind"] in wanted and one["metadata"]["name"] == SERVICE]


def scaled(region: ScaledRegion) -> dict[str, Any]:
    """The program's scaled object, which asks the test's Prometheus, and which removes replicas at once."""
    spec = scaled_object(SERVICE, SETTINGS, plan=PLAN, time_zone="Etc/UTC")
    text = json.dumps(spec).replace(prometheus_url(MONITORING), f"http://127.0.0.1:{region.metrics.port}")
    behavior = json.loads(text)["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    quick = {
        **behavior["scaleDown"],
        "stabilizationWindowSeconds": 0,
        "policies": [{"type": "Pods", "value": 100, "periodSeconds": 15}],
    }
    spec = json.loads(text)
    spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] = {**behavior, "scaleDown": quick}
    metadata = {"name": SERVICE, "namespace": SERVICES, "annotations": {TAKES_OVER: "true"}}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}


def write_history(metrics: ScalingMetrics, *, peak_in: float, peak_lasts: float) -> None:
    """Write weeks of a need of 3 replicas, with a peak of `PEAK_REPLICAS` at the time `peak_in` seconds from now.

    The samples are as far apart as those of the running Prometheus, so that they count as much in a mean.
    """
    now = int(time.time())
    hours = GROWTH_HOURS * 3600
    samples = {now - second: 3 for second in range(STEP, hours + 60, STEP)}
    for week in range(1, WEEKS + 1):
        then = now - week * WEEK_MINUTES * 60
        for second in range(-hours - 60, 1800, STEP):
            samples[then + second] = PEAK_REPLICAS if peak_in <= second < peak_in + peak_lasts else 3
    lines = [f"# HELP {LOAD} Replicas.", f"# TYPE {LOAD} gauge"]
    lines += [f'{LOAD}{{service="{SERVICE}"}} {samples[at]} {at}' for at in sorted(samples)]
    text = metrics.directory / "history.om"
    text.write_text("\n".join([*lines, "# EOF", ""]))
    made = run("promtool", "tsdb", "create-blocks-from", "openmetrics", text, metrics.directory / "data")
    assert made.returncode == 0, made.stderr
    _configure_prometheus(metrics)


def _configure_prometheus(metrics: ScalingMetrics) -> None:
    targets = replace(TARGETS, ingress=None, control_plane=None)
    groups = json.loads(rules_file(targets, PLACE, runbooks="docs/runbooks", scaling=PLAN))["groups"]
    needs = [group for group in groups if group["name"] == "sacred-council-scaling"]
    (metrics.directory / "rules.json").write_text(json.dumps({"groups": needs}))
    target = {"targets": [f"127.0.0.1:{metrics.users.server_port}"], "labels": {"namespace": SERVICES, "pod": "p"}}
    config = {
        "global": {"scrape_interval": f"{STEP}s", "evaluation_interval": f"{STEP}s"},
        "rule_files": ["rules.json"],
        "scrape_configs": [{"job_name": SERVICE, "static_configs": [target]}],
    }
    (metrics.directory / "prometheus.json").write_text(json.dumps(config))


def _objects(region: ScaledRegion, definitions: Path) -> None:
    applied = region.cluster.kubectl("apply", "--server-side", "-f", str(definitions))
    assert applied.returncode == 0, applied.stderr
    names = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in (SERVICES, KEDA)]
    region.apply(*names)
    region.apply(*chart())
    eventually(
        lambda: region.get("deployment").get("spec", {}).get("replicas") == 3,
        seconds=SECONDS,
        what="the chart's autoscaler brings its minimum",
    )


def _keda(region: ScaledRegion) -> None:
    """Start the operator and the metrics server, and tell the API server where the latter is."""
    grpc, api = free_ports(2)
    certificates = write_certificate(region.directory / "certificates")
    environment = {
        **os.environ,
        "WATCH_NAMESPACE": SERVICES,
        "POD_NAMESPACE": KEDA,
        # In a pod it comes from the ServiceAccount's files.
        "KEDA_CLUSTER_OBJECT_NAMESPACE": KEDA,
        "KEDA_HTTP_DEFAULT_TIMEOUT": "3000",
    }
    region.running.start("keda-operator", _operator(region.cluster, certificates, grpc), environment)
    region.running.start("keda-adapter", _adapter(region.cluster, certificates, grpc, api), environment)
    region.apply(*_external_metrics(api))

    def available() -> bool:
        found = region.cluster.kubectl("get", "apiservice", f"v1beta1.{EXTERNAL_METRICS}", "-o", "json")
        conditions = json.loads(found.stdout).get("status", {}).get("conditions", [])
        return any(one["type"] == "Available" and one["status"] == "True" for one in conditions)

    eventually(available, seconds=SECONDS, what="the API server reaches KEDA's metrics server")


def _operator(cluster: Cluster, certificates: Path, grpc: int) -> list[str]:
    """The command of KEDA's operator, which the metrics server asks at the port `grpc`."""
    metrics, probes = free_ports(2)
    return [
        str(binary("keda-operator")),
        f"--kubeconfig={cluster.kubeconfig}",
        f"--cert-dir={certificates}",
        "--enable-webhook-patching=false",
        f"--metrics-bind-address=127.0.0.1:{metrics}",
        f"--health-probe-bind-address=127.0.0.1:{probes}",
        f"--metrics-service-bind-address=127.0.0.1:{grpc}",
    ]


def _adapter(cluster: Cluster, certificates: Path, grpc: int, api: int) -> list[str]:
    """The command of KEDA's metrics server, which the API server asks at the port `api`."""
    (unused,) = free_ports(1)
    return [
        str(binary("keda-adapter")),
        f"--kubeconfig={cluster.kubeconfig}",
        f"--lister-kubeconfig={cluster.kubeconfig}",
        f"--authentication-kubeconfig={cluster.kubeconfig}",
        f"--authorization-kubeconfig={cluster.kubeconfig}",
        f"--client-ca-file={cluster.directory / 'pki' / 'ca.crt'}",
        "--bind-address=127.0.0.1",
        f"--secure-port={api}",
        f"--port={unused}",
        f"--metrics-service-address=localhost:{grpc}",
        f"--cert-dir={certificates}",
        f"--tls-cert-file={certificates / 'tls.crt'}",
        f"--tls-private-key-file={certificates / 'tls.key'}",
    ]


def _external_metrics(port: int) -> list[dict[str, Any]]:
    """The objects by which the API server finds KEDA's metrics server at a port of this machine."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": ADAPTER, "namespace": KEDA},
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
    }
    api_service = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1beta1.{EXTERNAL_METRICS}"},
        "spec": {
            "group": EXTERNAL_METRICS,
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": ADAPTER, "namespace": KEDA, "port": port},
        },
    }
    return [service, api_service]
