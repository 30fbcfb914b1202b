{{- define "type" -}}
{{- if markdownShouldRenderType . }}

## {{ .Name }}

{{ .Doc }}
{{- if .References }}

Used in {{ range $i, $t := .SortedReferences }}{{ if $i }}, {{ end }}{{ markdownRenderTypeLink $t }}{{ end }}.
{{- end }}
{{- if .IsAlias }}

A {{ markdownRenderTypeLink .UnderlyingType }}.
{{- with .EnumValues }} One of
{{- range $i, $v := . }}{{ if $i }},{{ end }} `{{ $v.Name }}`{{ end }}.
{{- end }}
{{- end }}
{{- with index .Markers "kubebuilder:validation:XValidation" }}
{{- $messages := list }}{{ range . }}{{ $messages = append $messages .Message }}{{ end }}
{{ range uniq $messages }}
- {{ . }}
{{- end }}
{{- end }}
{{- if .Members }}

| field | type | what it is | default | limits |
|---|---|---|---|---|
{{- range .Members }}
| `{{ .Name }}` | {{ markdownRenderType .Type }} | {{ template "type_members" . }} | {{ template "default" . }} | {{ template "limits" .Validation }} |
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "default" -}}
{{- if .Default }}`{{ .Default }}`{{ end }}
{{- end -}}

{{- define "limits" -}}
{{- $limits := list }}
{{- range . }}
{{- if hasPrefix "Required:" . }}{{ $limits = append $limits "required" }}
{{- else if not (or (hasPrefix "Optional:" .) (hasPrefix "Enum:" .)) }}{{ $limits = append $limits (replace "|" "\\|" .) }}
{{- end }}
{{- end }}
{{- join "; " (sortAlpha $limits) }}
{{- end -}}
