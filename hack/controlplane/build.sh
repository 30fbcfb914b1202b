#!/usr/bin/env bash
# Copyright The Breakwater Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Builds the control plane binaries that the tool directives of go.mod pin into
# bin/controlplane, each once. Names as arguments build only these.
# If KUBEBUILDER_ASSETS is set, its binaries are used and nothing is built.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
bin=$(cd ../.. && pwd)/bin/controlplane
heartbeat_seconds=30

fail() {
  echo "controlplane: $*" >&2
  exit 1
}

# tools prints "name package" for each tool directive.
tools() {
  sed -nE '/^tool \($/,/^\)$/ s/^\t([^ ]+).*/\1/p; s/^tool ([^( ]+).*/\1/p' go.mod |
    while read -r package; do
      case $package in
        go.etcd.io/etcd/server/*) echo "etcd $package" ;;
        *) echo "${package##*/} $package" ;;
      esac
    done
}

# linker_flags prints those of one package. Kubernetes takes its version from
# them, and without says v0.0.0-master.
linker_flags() {
  local version major minor set="-X k8s.io/component-base/version"
  if [[ $1 != k8s.io/kubernetes/* ]]; then
    echo "-s -w"
    return
  fi
  version=$(sed -nE 's/^\tk8s.io\/kubernetes (v[^ ]+).*/\1/p' go.mod)
  IFS=. read -r major minor _ <<<"${version#v}"
  echo "-s -w $set.gitVersion=$version $set.gitMajor=$major $set.gitMinor=$minor $set.gitTreeState=clean"
}

# fingerprint prints what a binary depends on besides the Go release.
fingerprint() {
  { go env GOOS GOARCH && echo "$1" && linker_flags "$1" && cat go.mod go.sum; } | sha256sum | cut -d' ' -f1
}

elapsed() {
  printf '%dm%02ds' $(($1 / 60)) $(($1 % 60))
}

# heartbeat <label> <log> <total> prints a line now and then while a build runs:
# the log has one line per package compiled.
heartbeat() {
  local start=$SECONDS
  while sleep 1; do
    if (((SECONDS - start) % heartbeat_seconds == 0)); then
      echo "$1: $(elapsed $((SECONDS - start))), $(wc -l <"$2") packages compiled, at most $3 to compile"
    fi
  done
}

# build <label> <name> <package> builds one binary.
build() {
  local label=$1 name=$2 package=$3 start=$SECONDS total
  echo "$label: building (the first time takes minutes; modules may be downloaded)"
  total=$(CGO_ENABLED=0 go list -deps "$package" | wc -l)

  : >"$work/log"
  heartbeat "$label" "$work/log" "$total" &
  heartbeat_pid=$!
  if ! CGO_ENABLED=0 go build -v -trimpath -ldflags "$(linker_flags "$package")" \
    -o "$work/$name" "$package" 2>"$work/log"; then
    tail -n 20 "$work/log" >&2
    fail "$name did not build (its last lines are above)"
  fi
  stop_heartbeat

  mv "$work/$name" "$bin/$name"
  fingerprint "$package" >"$bin/.$name.built-from"
  echo "$label: built in $(elapsed $((SECONDS - start)))"
}

stop_heartbeat() {
  if [[ -n $heartbeat_pid ]]; then
    kill "$heartbeat_pid" 2>/dev/null || true
    wait "$heartbeat_pid" 2>/dev/null || true
    heartbeat_pid=
  fi
}

cleanup() {
  stop_heartbeat
  rm -rf "$work"
}

mapfile -t known < <(tools)
names=("$@")
if ((${#names[@]} == 0)); then
  names=("${known[@]%% *}")
fi

declare -A package_of
for line in "${known[@]}"; do
  package_of[${line%% *}]=${line#* }
done
for name in "${names[@]}"; do
  [[ -n ${package_of[$name]:-} ]] || fail "unknown binary $name: choose from ${known[*]%% *}"
done

if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
  for name in "${names[@]}"; do
    [[ -x $KUBEBUILDER_ASSETS/$name ]] ||
      fail "KUBEBUILDER_ASSETS is set, but $KUBEBUILDER_ASSETS/$name is no executable file: add it, or unset KUBEBUILDER_ASSETS to build it"
  done
  echo "controlplane: using the binaries in $KUBEBUILDER_ASSETS"
  exit 0
fi

mkdir -p "$bin"
missing=()
for name in "${names[@]}"; do
  if [[ ! -x $bin/$name || $(cat "$bin/.$name.built-from" 2>/dev/null) != $(fingerprint "${package_of[$name]}") ]]; then
    missing+=("$name")
  fi
done

heartbeat_pid=
work=$(mktemp -d "$bin/.build.XXXXXX")
trap cleanup EXIT
for i in "${!missing[@]}"; do
  name=${missing[$i]}
  build "$name ($((i + 1)) of ${#missing[@]})" "$name" "${package_of[$name]}"
done
