"""Names of namespaces: this is the one place that spells them.

What looks a namespace up (network policies, monitors, alerts, DNS names, the chart's values) takes its name from here.
"""

from typing import Final

SERVICES: Final = "sacred-council"
"""The platform's services and the Secrets that connect them to the data services."""
COCKROACHDB: Final = "cockroachdb"
POSTGRESQL: Final = "postgresql"
"""What makes the application's user in a cloud's PostgreSQL server."""
REDIS: Final = "redis"
NATS: Final = "nats"
MONITORING: Final = "monitoring"
ISTIO: Final = "istio-system"
"""The mesh's control plane."""
INGRESS: Final = "istio-ingress"
"""The gateways: for users, and for other regions."""
CERT_MANAGER: Final = "cert-manager"
ARGO_CD: Final = "argocd"
RANCHER: Final = "cattle-system"
RANCHER_CLUSTERS: Final = "fleet-default"
"""Where Rancher wants its clusters to be described."""
SYSTEM: Final = "kube-system"
