#!/bin/sh
# Installs the named tools, as far as the base image lacks them. A base that has them all needs no network.
set -eu

missing=
for tool in "$@"; do
  command -v "$tool" >/dev/null || missing="$missing $tool"
done

if [ -n "$missing" ]; then
  echo "installing:$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # Each of these tools is in a package of its own name.
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends ca-certificates $missing
  rm -rf /var/lib/apt/lists/*
fi
