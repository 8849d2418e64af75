"""A small chart with everything that the sandbox changes in real charts: a hook, a definition, webhooks."""

from sandbox.charts import packages

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
POLICY = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: stays}\n"


def small(name: str, version: str) -> bytes:
    """The chart's package."""
    files = {
        "Chart.yaml": ABOUT.format(name=name, version=version),
        "values.yaml": "webhook: true\n",
        "crds/small.yaml": DEFINITION,
        "templates/webhooks.yaml": WEBHOOKS,
        "templates/others.yaml": OTHERS,
        "templates/hook.yaml": HOOK,
        "templates/policy.yaml": POLICY,
        "templates/definition.yaml": DEFINITION.replace("smalls", "templated"),
    }
    return packages.write({f"{name}/{path}": text.encode() for path, text in files.items()})
