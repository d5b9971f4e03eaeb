#!/bin/sh
# Adds what fp's checks need and the base lacks: two components of Rust, and tools that tests call.
set -eu

for component in rustfmt clippy; do
  case $component in
    rustfmt) program=rustfmt ;;
    clippy) program=cargo-clippy ;;
  esac
  command -v "$program" >/dev/null || rustup component add "$component"
  "$program" --version
done

missing=
for tool in git make gcc python3; do
  command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ]; then
  apt-get update -qq
  # Each of these tools is in a package of its own name.
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
  rm -rf /var/lib/apt/lists/*
fi
