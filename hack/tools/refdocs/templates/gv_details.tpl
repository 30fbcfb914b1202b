{{- define "gvDetails" -}}
Group and version: `{{ .GroupVersionString }}`. What the fields do together is in [Using an LLMBackend](llmbackend.md);
`kubectl explain llmbackend.spec --recursive` shows the same texts in a cluster.

Where a type has rules, the API server refuses what breaks them, with these words.
{{- range .SortedKinds }}{{ template "type" ($.TypeForKind .) }}{{ end }}
{{- range .SortedTypes }}{{ if not .GVK }}{{ template "type" . }}{{ end }}{{ end }}
{{- end -}}
