{{/* The pod of one service. Takes (dict "root" $ "name" ... "settings" ...). */}}
{{- define "sacred-council.pod" -}}
serviceAccountName: {{ .name }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ int .settings.shutdown.grace }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ int .root.Values.user }}
  runAsGroup: {{ int .root.Values.user }}
  fsGroup: {{ int .root.Values.user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{ include "sacred-council.placement" . }}
containers:
  - {{ include "sacred-council.container" . | nindent 4 | trim }}
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: {{ index .settings.resources.limits "ephemeral-storage" }}
  {{- range $connection, $source := .root.Values.connections }}
  {{- if and $source.secret (include "sacred-council.concerns" (dict "of" $source "name" $.name)) }}
  - name: {{ $connection }}-connection
    secret:
      secretName: {{ $source.secret }}
      optional: {{ $source.optional }}
      # Read by the group: the files belong to root and the pod's fsGroup.
      defaultMode: 0440
  {{- end }}
  {{- end }}
{{- end -}}

{{/* Pods apart in zones and on nodes. Preferred, not required: a cluster of one node must hold the service, too. */}}
{{- define "sacred-council.placement" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "sacred-council.selector" . | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "sacred-council.selector" . | nindent 14 }}
{{- end -}}

{{- define "sacred-council.container" -}}
name: {{ .name }}
image: {{ include "sacred-council.image" .settings.image | quote }}
imagePullPolicy: {{ .settings.imagePullPolicy }}
{{- with .settings.image.command }}
command:
  {{- toYaml . | nindent 2 }}
{{- end }}
env:
  {{- include "sacred-council.env" . | nindent 2 }}
ports:
  - name: http
    containerPort: {{ int .root.Values.ports.http }}
    protocol: TCP
  - name: metrics
    containerPort: {{ int .root.Values.ports.metrics }}
    protocol: TCP
startupProbe:
  {{- include "sacred-council.probe" .settings.probes.liveness | nindent 2 }}
  periodSeconds: 2
  failureThreshold: 60
readinessProbe:
  {{- include "sacred-council.probe" .settings.probes.readiness | nindent 2 }}
  periodSeconds: 5
  failureThreshold: 2
livenessProbe:
  {{- include "sacred-council.probe" .settings.probes.liveness | nindent 2 }}
  periodSeconds: 10
  failureThreshold: 3
lifecycle:
  preStop:
    sleep:
      seconds: {{ int .settings.shutdown.drain }}
resources:
  {{- toYaml .settings.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- range $connection, $source := .root.Values.connections }}
  {{- if and $source.secret (include "sacred-council.concerns" (dict "of" $source "name" $.name)) }}
  - name: {{ $connection }}-connection
    mountPath: /etc/sacred-council/{{ $connection }}
    readOnly: true
  {{- end }}
  {{- end }}
{{- end -}}

{{- define "sacred-council.probe" -}}
httpGet:
  path: {{ . }}
  port: http
timeoutSeconds: 2
{{- end -}}

{{/* The environment; what comes first can be used by what comes later and by the command. */}}
{{- define "sacred-council.env" -}}
- name: SERVICE_NAME
  value: {{ .name }}
- name: REGION
  value: {{ .root.Values.region | quote }}
- name: HTTP_PORT
  value: {{ .root.Values.ports.http | quote }}
- name: METRICS_PORT
  value: {{ .root.Values.ports.metrics | quote }}
# An empty name turns tracing off in images that have a switch for it.
- name: OTEL_SERVICE_NAME
  value: {{ ternary .name "" (ne .root.Values.telemetry.endpoint "") | quote }}
{{- with .root.Values.telemetry.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
- name: OTEL_EXPORTER_OTLP_PROTOCOL
  value: grpc
- name: OTEL_TRACES_SAMPLER
  value: parentbased_traceidratio
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ $.root.Values.telemetry.sampling | quote }}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: {{ printf "cloud.region=%s,service.namespace=sacred-council" $.root.Values.region | quote }}
{{- end }}
{{- range $connection, $source := .root.Values.connections }}
{{- if and $source.secret (include "sacred-council.concerns" (dict "of" $source "name" $.name)) }}
- name: {{ upper $connection | replace "-" "_" }}_CONNECTION_DIR
  value: /etc/sacred-council/{{ $connection }}
{{- end }}
{{- end }}
{{- range $key, $value := .settings.env }}
- name: {{ $key }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}
