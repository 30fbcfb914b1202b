{{- define "gvList" -}}
<!-- Generated from api/v1alpha1 by "make manifests". Do not edit. -->

# API reference

{{ range . }}{{ template "gvDetails" . }}{{ end }}
{{- end -}}
