#!/usr/bin/env bash
# Copyright The Breakwater Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Makes buildah available, with which a test builds the image. As root on Debian it is installed; where that
# cannot be, this says that the test is skipped, because go test does not.

set -euo pipefail

command -v buildah >/dev/null && exit

skipped() {
  echo "NOT CHECKED: the image, because buildah is not installed and $1" >&2
  exit 0
}

[[ $EUID -eq 0 ]] || skipped "only root can install it: apt-get install buildah"
command -v apt-get >/dev/null || skipped "there is no apt-get"
echo "installing buildah, for the test of the image"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-install-recommends buildah; } >"$log" 2>&1; then
  tail -n 5 "$log" >&2
  skipped "apt-get could not install it, see above"
fi
