{{/* The names of the services whose smallest number of pods follows the time of the day, as a YAML list. */}}
{{- define "sacred-council.shifted" -}}
{{- $found := list -}}
{{- if eq .Values.autoscaler "hpa" -}}
{{- range $name := keys .Values.services | sortAlpha -}}
{{- $settings := include "sacred-council.settings" (dict "root" $ "name" $name) | fromYaml -}}
{{- if $settings.replicas.shifts -}}
{{- $found = append $found $name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{- define "sacred-council.shiftsName" -}}
follow-the-sun
{{- end -}}

{{- define "sacred-council.shiftsSelector" -}}
app.kubernetes.io/name: {{ include "sacred-council.shiftsName" . }}
{{- end -}}

{{- define "sacred-council.shiftsLabels" -}}
{{ include "sacred-council.shiftsSelector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: sacred-council
app.kubernetes.io/component: autoscaling
app.kubernetes.io/managed-by: {{ .Release.Service }}
sacred-council.love/region: {{ .Values.region }}
{{- end -}}

{{/* Metadata of what the shifts have in common. */}}
{{- define "sacred-council.shiftsMetadata" -}}
name: {{ include "sacred-council.shiftsName" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "sacred-council.shiftsLabels" . | nindent 2 }}
{{- end -}}

{{/* The pod of one shift. Takes (dict "root" $ "name" ... "shift" ...). */}}
{{- define "sacred-council.shiftPod" -}}
serviceAccountName: {{ include "sacred-council.shiftsName" .root }}
automountServiceAccountToken: true
enableServiceLinks: false
restartPolicy: OnFailure
securityContext:
  runAsNonRoot: true
  runAsUser: {{ int .root.Values.user }}
  runAsGroup: {{ int .root.Values.user }}
  seccompProfile:
    type: RuntimeDefault
containers:
  - name: kubectl
    image: {{ include "sacred-council.image" .root.Values.kubectl | quote }}
    imagePullPolicy: Always
    command:
      - kubectl
      - patch
      - horizontalpodautoscaler/{{ .name }}
      - --namespace={{ .root.Release.Namespace }}
      - --type=merge
      - --patch={{ dict "spec" (dict "minReplicas" (int .shift.min)) | toJson }}
      - --field-manager={{ include "sacred-council.shiftsName" .root }}
      - --cache-dir=/tmp
    resources:
      requests: {cpu: 50m, memory: 64Mi, ephemeral-storage: 16Mi}
      limits: {cpu: 200m, memory: 64Mi, ephemeral-storage: 16Mi}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
    volumeMounts:
      - name: tmp
        mountPath: /tmp
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: 16Mi
{{- end -}}
