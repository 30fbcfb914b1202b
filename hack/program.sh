#!/usr/bin/env bash
# Copyright The Breakwater Authors.
# SPDX-License-Identifier: Apache-2.0
#
# program.sh <program> <what its test checks>
#
# Makes a program of Debian available that a test runs. As root on Debian it is installed; where that cannot be,
# this says that the test is skipped, because go test does not.

set -euo pipefail

program=$1 checked=$2

command -v "$program" >/dev/null && exit

skipped() {
  echo "NOT CHECKED: $checked, because $program is not installed and $1" >&2
  exit 0
}

[[ $EUID -eq 0 ]] || skipped "only root can install it: apt-get install $program"
command -v apt-get >/dev/null || skipped "there is no apt-get"
echo "installing $program, for the test of $checked"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# Debian starts what it installs as a service, where there is an init system; a test wants the program alone.
if ! { apt-get update && RUNLEVEL=1 apt-get install -y --no-install-recommends "$program"; } >"$log" 2>&1; then
  tail -n 5 "$log" >&2
  skipped "apt-get could not install it, see above"
fi
