{{/* Labels of every object. */}}
{{- define "breakwater.labels" -}}
app.kubernetes.io/name: breakwater
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Labels that select the operator's Pods. They never change: a Deployment's selector cannot. */}}
{{- define "breakwater.selector" -}}
app.kubernetes.io/name: breakwater
app.kubernetes.io/component: manager
{{- end }}

{{- define "breakwater.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* What every Pod of the chart needs for the "restricted" Pod Security level. */}}
{{- define "breakwater.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "breakwater.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Where metrics are served: nowhere, if nobody could be asked who may read them. */}}
{{- define "breakwater.metricsAddress" -}}
{{- $askable := or .Values.metrics.clientCertificates.secretName (not .Values.namespaces) -}}
{{ if and .Values.metrics.enabled $askable }}:8443{{ else }}0{{ end }}
{{- end }}
