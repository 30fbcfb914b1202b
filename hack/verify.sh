#!/usr/bin/env bash
# Copyright The Breakwater Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Checks what is generated or derived against what is committed, and changes nothing in the work tree.
# Reports everything that is wrong, and exits 1 if anything is.

set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# report <what is wrong> <what to do>
report() {
  echo "verify: $1: $2" >&2
  failed=1
}

# compare <committed file> <generated file>
compare() {
  diff -u "$1" "$2" || report "$1 is out of date" "run 'make manifests' and commit the result"
}

echo "generated files"
mkdir "$work"/{object,crd,rbac}
go tool -modfile=hack/tools/go.mod controller-gen \
  object:headerFile=hack/boilerplate.go.txt crd rbac:roleName=breakwater-manager \
  paths=./api/... paths=./internal/... \
  output:object:dir="$work/object" output:crd:dir="$work/crd" output:rbac:dir="$work/rbac"
compare api/v1alpha1/zz_generated.deepcopy.go "$work/object/zz_generated.deepcopy.go"
compare config/rbac/role.yaml "$work/rbac/role.yaml"
compare charts/breakwater/files/role.yaml "$work/rbac/role.yaml"
compare charts/breakwater/files/crd.yaml "$work/crd/llm.breakwater.dev_llmbackends.yaml"
compare charts/breakwater/files/rules.yaml config/components/prometheus/rules.yaml
compare charts/breakwater/files/dashboard.json config/components/prometheus/dashboard.json
diff -ru config/crd/bases "$work/crd" ||
  report "config/crd/bases is out of date" "run 'make manifests' and commit the result"
# The arguments are also in the Makefile.
go tool -modfile=hack/tools/go.mod crd-ref-docs --log-level=ERROR --renderer=markdown \
  --config=hack/tools/refdocs/config.yaml --templates-dir=hack/tools/refdocs/templates --source-path=api/v1alpha1 \
  --output-path="$work/api.md"
compare docs/api.md "$work/api.md"

echo "go.mod files"
for mod in go.mod test/go.mod bench/go.mod hack/controlplane/go.mod hack/tools/go.mod hack/tools/{lint,helm,ollama,sbom}/go.mod; do
  go -C "$(dirname "$mod")" mod tidy -diff >/dev/null ||
    report "$mod is not tidy" "run 'go -C $(dirname "$mod") mod tidy' and commit the result"
done

echo "formatting"
unformatted=$(gofmt -l api bench cmd config hack/mutants internal test)
[[ -z $unformatted ]] || report "not formatted: ${unformatted//$'\n'/ }" "run 'make fmt'"

echo "manifests"
kubectl=${KUBEBUILDER_ASSETS:-bin/controlplane}/kubectl
"$kubectl" kustomize config/default >"$work/manifests.yaml" ||
  report "config/default cannot be rendered" "see what kubectl kustomize says above"

exit "$failed"
