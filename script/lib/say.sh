# shellcheck shell=bash
# How the scripts speak: progress on stderr, one line each; and how they wait, time, clear away and become root.

say() { printf '%s\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# The whole seconds since $1, itself a value of EPOCHSECONDS.
seconds_since() { printf '%d' $((EPOCHSECONDS - $1)); }

# wait_for SECONDS WHAT COMMAND…: runs the command until it succeeds.
wait_for() {
  local until=$((EPOCHSECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((EPOCHSECONDS < until)) || fail "$what did not get ready in time"
    sleep 0.1
  done
}

# quietly WHAT LOG COMMAND…: the end of the command's output is shown if it fails, which ends the script. Call it as a plain
# statement: in a condition bash would let the command run on after its first error.
quietly() {
  local what=$1 log=$2 status
  shift 2
  set +e
  (set -e && "$@") >"$log" 2>&1 </dev/null
  status=$?
  set -e
  ((status == 0)) && return
  tail -n 300 "$log" | sed 's/^/  | /' >&2
  fail "$what failed"
}

# Runs a command as root. sudo drops PATH and the library path, so both are handed over by hand.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif can_be_root; then
    sudo -n env "PATH=$PATH" "LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}" "$@"
  else
    fail "root is needed for '$1': run this as root, or install sudo and allow it without a password"
  fi
}

can_be_root() { ((EUID == 0)) || sudo -n true 2>/dev/null; }

# remove PATH…, signal NAME PID: as oneself where that does, since only private engines have things that are root's.
remove() { rm -rf "$@" 2>/dev/null || as_root rm -rf "$@"; }
signal() { kill "-$1" "$2" 2>/dev/null || [[ ! -d /proc/$2 ]] || as_root kill "-$1" "$2"; }
