# shellcheck shell=bash
# Docker engines: private ones, which share nothing with an engine that the machine may run already (own containerd, own
# bridge, own folders, no packet filter rules, no kernel settings), or the user's own, which is left as it was found.

# start_engine DIR user|private STORE
start_engine() {
  local dir=$1 prefer=$2 store=$3
  install_part b3sum
  mkdir -p "$dir/bin" "$dir/docker/cli-plugins"
  printf '{}\n' >"$dir/docker/config.json"
  if { [[ $prefer == user ]] || ! can_be_private; } && find_users_engine "$dir"; then
    use_users_engine "$dir"
  else
    start_private_engines "$dir" "$store"
  fi
  ln -s "$(part b3sum)/usr/bin/b3sum" "$dir/bin/"
  export_variable "$dir" DOCKER_CONFIG "$dir/docker"
  export_variable "$dir" PATH "$dir/bin:$PATH"
}

offer_old_client() {
  install_part old-client
  export_variable "$1" FP_LAB_OLD_CLIENT "$(part old-client)/usr/bin/docker"
}

# ---- The user's engine

# Notes the address of an engine that answers and that reaches this machine's loopback: one in a virtual machine, in another
# network namespace or elsewhere does not, and could neither pull from the lab's registries nor push to them.
find_users_engine() {
  local dir=$1 address answer
  [[ $(docker version --format '{{.Server.Version}}' 2>/dev/null) ]] || return 1
  address=${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}')}
  printf '%s\n' "$address" >"$dir/users-engine"
  answer=$(users_docker "$dir" pull "$(<"$dir/registry/address")/lab/nothing:1" 2>&1) || true
  [[ $answer != *'not found'* ]] || return 0
  rm "$dir/users-engine"
  say "lab: the engine at $address does not reach registries on this machine's loopback, so it is not used: ${answer##*$'\n'}"
  return 1
}

use_users_engine() {
  local dir=$1 address store=CLASSIC
  address=$(<"$dir/users-engine")
  ln -s "$(command -v docker)" "$dir/bin/docker"
  if ! users_docker "$dir" buildx version >/dev/null 2>&1; then
    say "lab: the docker client lacks buildx, which is brought along"
    install_part engine
    ln -s "$(part engine)/usr/libexec/docker/cli-plugins/docker-buildx" "$dir/docker/cli-plugins/"
  fi
  export_variable "$dir" DOCKER_HOST "$address"
  ! users_docker "$dir" info --format '{{.DriverStatus}}' | grep -q io.containerd.snapshotter || store=CONTAINERD
  export_variable "$dir" "FP_LAB_ENGINE_$store" "$address"
  say "lab: using the engine that runs at $address"
}

users_docker() { DOCKER_HOST=$(<"$1/users-engine") DOCKER_CONFIG=$1/docker docker "${@:2}"; }

# Removes the references that name registries of the lab, which no image of the user's has; with its last one an image goes.
restore_users_engine() {
  local dir=$1 images references names='{{range .RepoTags}}{{println .}}{{end}}{{range .RepoDigests}}{{println .}}{{end}}'
  mapfile -t images < <(users_docker "$dir" image ls --all --quiet --no-trunc | sort -u)
  ((${#images[@]})) || return 0
  mapfile -t references < <(
    users_docker "$dir" image inspect --format "$names" "${images[@]}" 2>/dev/null | grep -F -f "$dir/addresses"
  )
  ((${#references[@]} == 0)) || users_docker "$dir" image rm --force "${references[@]}" >/dev/null 2>&1 || true
}

# ---- Private engines

can_be_private() { [[ $(machine_distribution) == debian ]] && can_be_root; }

start_private_engines() {
  local dir=$1 store=$2
  can_be_private || fail "a private engine needs Debian and root: run this as root, allow sudo without a password, or start docker"
  install_part engine
  command -v ip >/dev/null || install_part network
  ln -s "$(part engine)/usr/bin/docker" "$dir/bin/docker"
  ln -s "$(part engine)/usr/libexec/docker/cli-plugins/docker-buildx" "$dir/docker/cli-plugins/"
  case $store in
    containerd) start_private_engine "$dir" containerd true engine ;;
    classic) start_private_engine "$dir" classic false engine ;;
    both)
      start_private_engine "$dir" containerd true engine
      start_private_engine "$dir" classic false engine
      store=containerd
      ;;
    *) fail "there is no image store '$store': containerd, classic or both" ;;
  esac
  export_variable "$dir" DOCKER_HOST "unix://$dir/engine-$store/docker.sock"
  export_variable "$dir" FP_LAB_CTR "$(part engine)/usr/bin/ctr"
}

# Beside whichever engine the lab uses, the newest that Debian has, for what only its BuildKit knows. It is always private, and
# not there where none can be.
start_newest_engine() {
  if can_be_private; then
    install_if_possible newest-engine 'what only it knows is not tested' || return 0
    command -v ip >/dev/null || install_part network
    start_private_engine "$1" newest true newest-engine
  else
    say "lab: there is no newest engine, since a private one needs Debian and root"
  fi
}

# start_private_engine DIR NAME SNAPSHOTTER PART: engine and containerd, from that part, with everything they keep below one
# folder.
start_private_engine() {
  local dir=$1 folder=$1/engine-$2 programs bridge number
  programs=$(part "$4")/usr
  number=$(lab_number "$dir")
  bridge=fp$number${2:0:2}
  mkdir -p "$folder"
  # The socket is the user's own, so that the tests reach it with ctr.
  cat >"$folder/containerd.toml" <<END
version = 2
root = "$folder/containerd"
state = "$folder/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$folder/containerd.sock"
uid = $(id -u)
gid = $(id -g)
[plugins."io.containerd.internal.v1.opt"]
path = "$folder/opt"
END
  printf '{"features": {"containerd-snapshotter": %s}}\n' "$3" >"$folder/daemon.json"
  in_network ip link show "$bridge" >/dev/null 2>&1 || in_network ip link add "$bridge" type bridge

  start_as_root "$programs" "$folder/containerd.pid" "$folder/containerd.log" containerd --config "$folder/containerd.toml"
  wait_for 30 "containerd ($folder/containerd.log)" test -S "$folder/containerd.sock"
  start_as_root "$programs" "$folder/dockerd.pid" "$folder/dockerd.log" dockerd --config-file "$folder/daemon.json" \
    --host "unix://$folder/docker.sock" --group "$(id -gn)" --containerd "$folder/containerd.sock" \
    --data-root "$folder/data" --exec-root "$folder/run/docker" --pidfile "$folder/run/dockerd.pid" \
    --bridge "$bridge" --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --userland-proxy=false \
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/fp-lab-$number"
  wait_for 60 "the docker engine ($folder/dockerd.log)" \
    env "DOCKER_HOST=unix://$folder/docker.sock" "DOCKER_CONFIG=$dir/docker" "$programs/bin/docker" version
  export_variable "$dir" "FP_LAB_ENGINE_${2^^}" "unix://$folder/docker.sock"
}

# start_as_root PROGRAMS PIDFILE LOG COMMAND…: in the background, with the programs of that folder first in PATH.
start_as_root() {
  local programs=$1 pidfile=$2 log=$3
  shift 3
  # shellcheck disable=SC2016 # expanded by the inner shell
  as_root env "PATH=$programs/sbin:$programs/bin:$PATH" setsid sh -c 'echo $$ >"$0"; exec "$@"' "$pidfile" "$@" \
    </dev/null >"$log" 2>&1 9>&- &
}

# Runs `ip` as root, the machine's own or the lab's.
in_network() {
  local network
  network=$(part network)
  PATH=$PATH:$network/sbin:$network/bin LD_LIBRARY_PATH=$network/usr/lib/$(uname -m)-linux-gnu as_root "$@"
}

stop_engine() {
  local dir=$1 folder
  [[ ! -e $dir/users-engine ]] || restore_users_engine "$dir"
  for folder in "$dir"/engine-*; do
    [[ -d $folder ]] || continue
    stop_process "$folder/dockerd.pid" "$folder/daemon.json" 20
    stop_process "$folder/containerd.pid" "$folder/containerd.toml" 10
    sweep_processes "$folder"
    sweep_mounts "$folder"
    in_network ip link del "fp$(lab_number "$dir")$(basename "$folder" | cut -c 8-9)" 2>/dev/null || true
  done
  sweep_control_groups "fp-lab-$(lab_number "$dir")"
}

# stop_process PIDFILE ARGUMENT SECONDS: only if that process still has the argument in its command line, since the pid
# of a process that ended may have been given to another.
stop_process() {
  local pid=0 until=$((EPOCHSECONDS + $3))
  [[ ! -s $1 ]] || pid=$(<"$1")
  is_running "$pid" "$2" || return 0
  signal TERM "$pid"
  while is_running "$pid" "$2"; do
    ((EPOCHSECONDS < until)) || signal KILL "$pid"
    sleep 0.1
  done
}

is_running() { grep -q -F -z -e "$2" "/proc/$1/cmdline" 2>/dev/null; }

# What an engine that was itself killed leaves behind: its shims name the folder in their arguments, and the processes
# of its containers are in its control group.
sweep_processes() {
  local process
  for process in /proc/[0-9]*; do
    if is_running "${process#/proc/}" "$1/containerd.sock"; then
      signal KILL "${process#/proc/}"
    fi
  done
}

sweep_mounts() {
  local mount
  awk -v folder="$1/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r |
    while read -r mount; do
      as_root umount -l "$mount" || true
    done
}

sweep_control_groups() {
  local group pid
  find /sys/fs/cgroup -depth -type d -path "*/$1*" 2>/dev/null | while read -r group; do
    while read -r pid; do
      signal KILL "$pid"
    done <"$group/cgroup.procs"
    wait_for 5 "the end of $group" as_root rmdir "$group"
  done
}
