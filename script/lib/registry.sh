# shellcheck shell=bash
# Registries of the CNCF's implementation, on 127.0.0.1 and a port that the kernel chooses: one that is open, one that
# asks for a password.

# The password holds what shells and URLs trip over.
# shellcheck disable=SC2016
readonly REGISTRY_USER=fp REGISTRY_PASSWORD='lab $ecret'

start_open_registry() {
  local dir=$1
  install_part registry
  start_registry "$dir" "$dir/registry" ''
  export_variable "$dir" FP_LAB_REGISTRY "$(<"$dir/registry/address")"
}

start_guarded_registry() {
  local dir=$1
  start_registry "$dir" "$dir/auth-registry" "auth: {htpasswd: {realm: lab, path: $dir/auth-registry/htpasswd}}"
  export_variable "$dir" FP_LAB_AUTH_REGISTRY "$(<"$dir/auth-registry/address")"
  export_variable "$dir" FP_LAB_AUTH_USER "$REGISTRY_USER"
  export_variable "$dir" FP_LAB_AUTH_PASSWORD "$REGISTRY_PASSWORD"
}

# start_registry DIR FOLDER LINE: the line of configuration decides who may come in. The lab notes the addresses of all its
# registries, since images are named by them.
start_registry() {
  local dir=$1 folder=$2
  mkdir -p "$folder/data"
  printf '%s:%s\n' "$REGISTRY_USER" "$(bcrypt "$REGISTRY_PASSWORD")" >"$folder/htpasswd"
  cat >"$folder/config.yml" <<END
version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $folder/data}, delete: {enabled: true}}
http: {addr: "127.0.0.1:0", secret: lab}
$3
END
  env -i "PATH=$PATH" OTEL_TRACES_EXPORTER=none setsid "$(part registry)/usr/bin/docker-registry" serve "$folder/config.yml" \
    </dev/null >"$folder/log" 2>&1 9>&- &
  printf '%s\n' $! >"$folder/pid"
  wait_for 20 "the registry ($folder/log)" grep -q 'listening on' "$folder/log"
  sed -n 's/.*listening on \([0-9.:]*\).*/\1/p' "$folder/log" >"$folder/address"
  printf '%s/\n' "$(<"$folder/address")" >>"$dir/addresses"
}

stop_registries() {
  local folder
  for folder in "$1/registry" "$1/auth-registry"; do
    stop_process "$folder/pid" "$folder/config.yml" 5
  done
}

# A password as htpasswd files have it; perl is on every Debian, htpasswd is not.
bcrypt() {
  # shellcheck disable=SC2016 # perl's variables
  perl -e 'print crypt($ARGV[0], q($2y$05$) . "labLABlabLABlabLABlab.")' "$1"
}
