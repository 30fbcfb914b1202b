#!/usr/bin/env bash
# Copyright The Breakwater Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Makes the phases of make test, and says how long each took. Integration waits more than it computes, and schedules
# compute only: they are played beside it, at the lowest priority, so that they take what it leaves.

set -euo pipefail
cd "$(dirname "$0")/.."

# phase <target> [<command to run make by>]
phase() {
  local target=$1 start=$SECONDS
  shift
  echo "==> make $target"
  "$@" "${MAKE:-make}" --no-print-directory "$target" || { echo "==> make $target: FAILED" >&2; return 1; }
  echo "==> make $target: passed in $((SECONDS - start)) s"
}

phase verify
phase lint
phase unit

mkdir -p bin
set -m # so that the schedules are a process group, which can be ended as one
phase schedules nice -n 19 >bin/schedules.log 2>&1 &
schedules=$!
set +m
trap 'kill -- "-$schedules" 2>/dev/null || true' EXIT
phase integration
wait "$schedules" || { cat bin/schedules.log >&2; exit 1; }
trap - EXIT
cat bin/schedules.log
echo "==> everything passed in $SECONDS s"
