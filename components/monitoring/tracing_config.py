"""Configuration of Jaeger and of the OpenTelemetry collector before it. Pure: no resources."""

import json
from typing import Any

from components.monitoring import names

JAEGER_USER = 10001
JAEGER_CLAIM = "jaeger-badger"
BADGER = "/badger"
TRACES_KEPT = "72h"

SPAN_METRICS = "spanmetrics"
SPAN_METRICS_KEPT = "30m"
LATENCY_BUCKETS = ["5ms", "10ms", "25ms", "50ms", "100ms", "250ms", "500ms", "1s", "2500ms", "5s", "10s"]


def jaeger_values() -> dict[str, Any]:
    """Values of chart `jaeger`: all in one process, with its spans in Badger on a volume of their own."""
    return {
        "fullnameOverride": names.JAEGER,
        "userconfig": jaeger_config(),
        "jaeger": {
            "podSecurityContext": {
                "runAsNonRoot": True,
                "runAsUser": JAEGER_USER,
                "runAsGroup": JAEGER_USER,
                "fsGroup": JAEGER_USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "serviceAccount": {"automountServiceAccountToken": False},
            "resources": {
                "requests": {"cpu": "50m", "memory": "768Mi"},
                "limits": {"cpu": "1", "memory": "768Mi"},
            },
            # Badger's caches alone may take half a gibibyte: collect garbage before the limit, not after it.
            "extraEnv": [{"name": "GOMEMLIMIT", "value": "650MiB"}],
            "extraVolumes": [{"name": "badger", "persistentVolumeClaim": {"claimName": JAEGER_CLAIM}}],
            "extraVolumeMounts": [{"name": "badger", "mountPath": BADGER}],
        },
    }


def jaeger_config() -> dict[str, Any]:
    """Jaeger's own configuration: OTLP in, Badger below, the user interface and its API out."""
    return {
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["batch"],
                    "exporters": ["jaeger_storage_exporter"],
                }
            },
            "telemetry": _self_telemetry(),
        },
        "extensions": {
            "healthcheckv2": {"use_v2": True, "http": {"endpoint": f"0.0.0.0:{names.HEALTH_PORT}"}},
            "jaeger_query": {"storage": {"traces": "badger"}},
            "jaeger_storage": {
                "backends": {
                    "badger": {
                        "badger": {
                            "directories": {"keys": f"{BADGER}/keys", "values": f"{BADGER}/values"},
                            "ephemeral": False,
                            "ttl": {"spans": TRACES_KEPT},
                        }
                    }
                }
            },
        },
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"0.0.0.0:{names.OTLP_GRPC_PORT}"}}}},
        "processors": {"batch": {}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "badger"}},
    }


def collector_config(*, region: str, jaeger_host: str) -> str:
    """The collector's configuration file: OTLP in, `region` added to each span, OTLP out to Jaeger.

    From the spans it also makes metrics, whose exemplars lead from a latency to a trace. JSON, which is YAML, too.
    """
    return json.dumps(_collector(region, jaeger_host), indent=2, sort_keys=True) + "\n"


def _collector(region: str, jaeger_host: str) -> dict[str, Any]:
    return {
        "extensions": {"health_check": {"endpoint": f"0.0.0.0:{names.HEALTH_PORT}"}},
        "receivers": {
            "otlp": {
                "protocols": {
                    "grpc": {"endpoint": f"0.0.0.0:{names.OTLP_GRPC_PORT}"},
                    "http": {"endpoint": f"0.0.0.0:{names.OTLP_HTTP_PORT}"},
                }
            }
        },
        "processors": {
            # Refuses data before the memory limit kills the process; percentages are of that limit.
            "memory_limiter": {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20},
            "resource": {"attributes": [{"key": "cloud.region", "value": region, "action": "upsert"}]},
            "batch": {"send_batch_size": 1024, "timeout": "2s"},
        },
        "exporters": {
            # Plain text inside one namespace, where network policies let only the collector reach Jaeger.
            "otlp_grpc/jaeger": {
                "endpoint": f"{jaeger_host}:{names.OTLP_GRPC_PORT}",
                "tls": {"insecure": True},
                "sending_queue": {"queue_size": 1000},
                "retry_on_failure": {"max_elapsed_time": "300s"},
            },
            # Exemplars exist in OpenMetrics only.
            "prometheus": {
                "endpoint": f"0.0.0.0:{names.SPAN_METRICS_PORT}",
                "enable_open_metrics": True,
                "metric_expiration": SPAN_METRICS_KEPT,
            },
        },
        "connectors": {SPAN_METRICS: _span_metrics()},
        "service": {
            "extensions": ["health_check"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter", "resource", "batch"],
                    "exporters": ["otlp_grpc/jaeger", SPAN_METRICS],
                },
                "metrics/spans": {"receivers": [SPAN_METRICS], "exporters": ["prometheus"]},
            },
            "telemetry": _self_telemetry(),
        },
    }


def _span_metrics() -> dict[str, Any]:
    """Durations of spans by service. Only sampled ones: good for latencies and examples, not for counting requests."""
    return {
        "namespace": "traces.span.metrics",
        "histogram": {"unit": "ms", "explicit": {"buckets": LATENCY_BUCKETS}},
        # Names of spans may hold anything, and each would be a series.
        "exclude_dimensions": ["span.name"],
        "resource_metrics_key_attributes": ["service.name"],
        "exemplars": {"enabled": True, "max_per_data_point": 5},
        "metrics_flush_interval": "15s",
        "metrics_expiration": SPAN_METRICS_KEPT,
    }


def _self_telemetry() -> dict[str, Any]:
    prometheus = {
        "host": "0.0.0.0",  # noqa: S104 - network policies say who may
        "port": names.SELF_METRICS_PORT,
        # Counters end in _total, whatever format the scraper asks for.
        "without_type_suffix": False,
    }
    return {
        "metrics": {"level": "normal", "readers": [{"pull": {"exporter": {"prometheus": prometheus}}}]},
        "logs": {"encoding": "json"},
    }
