"""A small chart with everything that the sandbox changes in real charts, and repositories of charts for tests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sandbox.certificates import Authority
from sandbox.charts import packages
from sandbox.charts.repositories import Chart

ABOUT = "apiVersion: v2\nname: {name}\nversion: {version}\n"
WEBHOOKS = """{{- define "small.rules" }}
{{- if true }}rules: []{{ end }}
{{- end }}
{{- /* a comment with {{ if }} in it */}}
{{- if .Values.webhook }}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: {{ .Release.Name }}
---
# Of the same condition.
apiVersion: v1
kind: Service
metadata:
  name: webhook
  annotations: {note: {{ "has {{ braces }}" | quote }}}
spec:
  ports: [{port: 443}]
{{- end }}
{{- range list "one" "two" }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ . }}
---
kind: "MutatingWebhookConfiguration"
apiVersion: admissionregistration.k8s.io/v1
metadata:
  name: {{ . }}
{{- end }}
"""
OTHERS = """apiVersion: v1
kind: ConfigMap
metadata:
  name: includes
data:
  value: {{ include "small.rules" . | quote }}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  name: v1.example.org
spec: {service: {name: nobody, namespace: nowhere}}
"""
HOOK = """apiVersion: batch/v1
kind: Job
metadata:
  name: hook
  annotations: {helm.sh/hook: pre-install}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: hook, image: example.org/hook:1}]
"""
DEFINITION = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: smalls.example.org
spec:
  group: example.org
  names: {kind: Small, plural: smalls}
  scope: Namespaced
  conversion:
    strategy: Webhook
    webhook:
      clientConfig:
        service: {name: nobody, namespace: nowhere}
      conversionReviewVersions: [v1]
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
"""
POLICY = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: stays}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [example.org], apiVersions: [v1], operations: [CREATE], resources: [smalls]}
  validations: [{expression: "true"}]
"""


def small(name: str, version: str) -> bytes:
    """The package of a chart with a hook, definitions, webhooks, an aggregated API and a policy."""
    files = {
        "Chart.yaml": ABOUT.format(name=name, version=version),
        "values.yaml": "webhook: true\n",
        "crds/small.yaml": DEFINITION,
        "templates/webhooks.yaml": WEBHOOKS,
        "templates/others.yaml": OTHERS,
        "templates/hook.yaml": HOOK,
        "templates/policy.yaml": POLICY,
        "templates/definition.yaml": DEFINITION.replace("smalls", "templated").replace(
            "kind: Small", "kind: Templated"
        ),
    }
    return packages.write({f"{name}/{path}": text.encode() for path, text in files.items()})


def write_pins(project: Path, *pins: Chart) -> None:
    """Write `components/versions.py` with these charts into the project."""
    lines = [
        "from dataclasses import dataclass",
        "@dataclass(frozen=True, kw_only=True)",
        "class ChartVersion:\n    repository: str\n    name: str\n    version: str",
        *(f"PIN_{number} = ChartVersion(**{vars(pin)!r})" for number, pin in enumerate(pins)),
    ]
    (project / "components").mkdir(parents=True)
    (project / "components" / "versions.py").write_text("\n".join(lines))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


@contextmanager
def repository(folder: Path, certificates: Path) -> Iterator[str]:
    """A chart repository on this machine; yields its address. Clients must trust the file `certificates`."""
    authority = Authority()
    certificates.write_text(authority.pem)
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *arguments: _Quiet(*arguments, directory=str(folder)))
    server.socket = authority.context("localhost").wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
