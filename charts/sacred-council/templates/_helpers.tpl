{{/* The settings of one service as YAML: `defaults` with the service's own on top. Takes (dict "root" $ "name" ...). */}}
{{- define "sacred-council.settings" -}}
{{- $own := get .root.Values.services .name | default dict -}}
{{- $settings := mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy $own) -}}
{{- $default := .root.Values.defaults.image -}}
{{- $image := deepCopy ($own.image | default $default) -}}
{{- if and (not (hasKey $image "command")) (eq $image.repository $default.repository) -}}
{{- $_ := set $image "command" $default.command -}}
{{- end -}}
{{- $_ := set $settings "image" $image -}}
{{- include "sacred-council.check" (dict "name" .name "settings" $settings) -}}
{{- toYaml $settings -}}
{{- end -}}

{{/* Rules between values, which the schema cannot say. */}}
{{- define "sacred-council.check" -}}
{{- $replicas := .settings.replicas -}}
{{- if gt (int $replicas.min) (int $replicas.max) -}}
{{- fail (printf "services.%s.replicas: min %d is greater than max %d; raise max or lower min" .name (int $replicas.min) (int $replicas.max)) -}}
{{- end -}}
{{- range $shift := $replicas.shifts -}}
{{- if gt (int $shift.min) (int $replicas.max) -}}
{{- fail (printf "services.%s.replicas.shifts: min %d of %s is greater than max %d; raise max or lower min" $.name (int $shift.min) $shift.name (int $replicas.max)) -}}
{{- end -}}
{{- if gt (len (printf "%s-%s" $.name $shift.name)) 52 -}}
{{- fail (printf "services.%s.replicas.shifts: %s-%s is longer than the 52 characters that a CronJob can have; shorten the shift's name" $.name $.name $shift.name) -}}
{{- end -}}
{{- end -}}
{{- if eq (.settings.image.tag | default "") "latest" -}}
{{- fail (printf "services.%s.image: tag latest can be another program tomorrow; name a version or a digest" .name) -}}
{{- end -}}
{{- $shutdown := .settings.shutdown -}}
{{- if ge (int $shutdown.drain) (int $shutdown.grace) -}}
{{- fail (printf "services.%s.shutdown: drain %d leaves nothing of grace %d for the service to end; raise grace" .name (int $shutdown.drain) (int $shutdown.grace)) -}}
{{- end -}}
{{- end -}}

{{- define "sacred-council.selector" -}}
app.kubernetes.io/name: {{ .name }}
{{- end -}}

{{/* Labels of the pods: what the selector needs, and what does not change with the chart's version. */}}
{{- define "sacred-council.podLabels" -}}
{{ include "sacred-council.selector" . }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: sacred-council
app.kubernetes.io/component: service
app.kubernetes.io/version: {{ .settings.image.tag | default .root.Chart.AppVersion | trunc 63 | trimSuffix "-" | trimSuffix "." | quote }}
sacred-council.love/region: {{ .root.Values.region }}
{{- end -}}

{{- define "sacred-council.labels" -}}
{{ include "sacred-council.podLabels" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Metadata of an object of one service. Takes (dict "root" $ "name" ... "settings" ...). */}}
{{- define "sacred-council.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "sacred-council.labels" . | nindent 2 }}
{{- end -}}

{{- define "sacred-council.image" -}}
{{ .repository }}{{ with .tag }}:{{ . }}{{ end }}{{ with .digest }}@{{ . }}{{ end }}
{{- end -}}

{{/* Not empty if a connection or a peer is for this service: it names no `services`, or this one among them.
     Takes (dict "of" ... "name" ...). */}}
{{- define "sacred-council.concerns" -}}
{{- if or (not .of.services) (has .name .of.services) -}}true{{- end -}}
{{- end -}}

{{/* One peer of a network policy. */}}
{{- define "sacred-council.peer" -}}
{{- if .cidr -}}
- ipBlock:
    cidr: {{ .cidr }}
{{- else -}}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ .namespace }}
  podSelector:
    {{- if .podLabels }}
    matchLabels:
      {{- toYaml .podLabels | nindent 6 }}
    {{- else }} {}
    {{- end }}
{{- end -}}
{{- end -}}

{{/* TCP ports of a network policy's rule. Takes (dict "ports" [...] "named" .Values.ports). */}}
{{- define "sacred-council.peerPorts" -}}
{{- range $index, $port := .ports }}
{{- if $index }}
{{ end -}}
- port: {{ if kindIs "string" $port }}{{ get $.named $port }}{{ else }}{{ int $port }}{{ end }}
  protocol: TCP
{{- end }}
{{- end -}}
