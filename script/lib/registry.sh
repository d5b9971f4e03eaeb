# shellcheck shell=bash
# Registries of the CNCF's implementation, on 127.0.0.1 and a port that the kernel chooses: one that is open, one that
# asks for a password, one that asks for a token. And one of another implementation, which is open.

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

# The token server comes first: the registry tells its clients where it is.
start_token_registry() {
  local dir=$1 folder=$1/token-registry server
  server=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../../tests/token-server")
  mkdir -p "$folder"
  env -i "PATH=$PATH" "TOKEN_USER=$REGISTRY_USER" "TOKEN_PASSWORD=$REGISTRY_PASSWORD" \
    setsid python3 -B "$server/server.py" "$folder/token-address" </dev/null >"$folder/token-log" 2>&1 9>&- &
  printf '%s\n' $! >"$folder/token-pid"
  wait_for 20 "the token server ($folder/token-log)" test -e "$folder/token-address"
  start_registry "$dir" "$folder" "auth: {token: {realm: 'http://$(<"$folder/token-address")/token', service: lab, issuer: lab,\
 rootcertbundle: $server/certificate.pem}}"
  export_variable "$dir" FP_LAB_TOKEN_REGISTRY "$(<"$folder/address")"
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

# This one does not tell which port the kernel chose, so a free one is looked for; should somebody be faster, then another.
start_second_registry() {
  local dir=$1 folder=$1/second-registry tries port
  install_part second-registry
  mkdir -p "$folder/data"
  for ((tries = 0; tries < 5; tries++)); do
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    env -i "PATH=$PATH" NO_COLOR=1 "FERRO_OCI_LISTEN=127.0.0.1:$port" "FERRO_OCI_STORAGE_DIR=$folder/data" \
      setsid "$(part second-registry)/bin/ferro-oci-server" </dev/null >"$folder/log" 2>&1 9>&- &
    printf '%s\n' $! >"$folder/pid"
    wait_for 20 "the second registry ($folder/log)" grep -q -i -e 'listening' -e 'error' "$folder/log"
    sleep 0.2
    ! is_running "$(<"$folder/pid")" ferro-oci-server || break
  done
  printf '127.0.0.1:%s\n' "$port" >"$folder/address"
  printf '%s/\n' "$(<"$folder/address")" >>"$dir/addresses"
  export_variable "$dir" FP_LAB_SECOND_REGISTRY "$(<"$folder/address")"
}

# A client of registries that knows nothing of fp.
offer_oras() {
  install_part oras
  export_variable "$1" FP_LAB_ORAS "$(part oras)/usr/bin/oras"
}

stop_registries() {
  local folder
  stop_process "$1/second-registry/pid" "$(part second-registry)/bin/ferro-oci-server" 5
  for folder in "$1/registry" "$1/auth-registry" "$1/token-registry"; do
    stop_process "$folder/pid" "$folder/config.yml" 5
  done
  stop_process "$1/token-registry/token-pid" "$1/token-registry/token-address" 5
}

# A password as htpasswd files have it; perl is on every Debian, htpasswd is not.
bcrypt() {
  # shellcheck disable=SC2016 # perl's variables
  perl -e 'print crypt($ARGV[0], q($2y$05$) . "labLABlabLABlabLABlab.")' "$1"
}
