#!/usr/bin/env bash
# Copyright The Breakwater Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Builds golangci-lint with the kube-api-linter plugin: hack/tools/lint/build.sh <output file>
# A cold build takes some minutes, so it says how far it is.

set -euo pipefail

out=${1:?"usage: hack/tools/lint/build.sh <output file>"}
cd "$(dirname "$0")/../../.."

echo "building golangci-lint: once, about 3 minutes on 2 cores"
compiled=0
# -v prints one line per compiled package. A line with a space is a download or an error.
go build -v -buildvcs=false -modfile=hack/tools/lint/go.mod -o "$out.new" \
    sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter 2>&1 |
  while IFS= read -r line; do
    case $line in
    'go: downloading '*) ;;
    *' '*) echo "$line" ;;
    *)
      compiled=$((compiled + 1))
      ((compiled % 200)) || echo "  $compiled packages compiled, $SECONDS s"
      ;;
    esac
  done
mv "$out.new" "$out"
echo "built $out in $SECONDS s"
