{{- define "type_members" -}}
{{ .Doc | replace "\n\n" "<br><br>" | replace "\n" " " | replace "|" "\\|" }}
{{- end -}}
