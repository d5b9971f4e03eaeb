# shellcheck shell=bash
# Podman for the tests: it has no daemon, so this is a folder with its settings and its storage, and what is done on `down`.
# It shares nothing with a podman that the machine may have. Root's only: for others podman needs programs with root's
# rights (newuidmap), which a folder of unpacked packages does not give.

start_podman() {
  local dir=$1 folder=$1/podman programs
  [[ $(machine_distribution) == debian ]] && ((EUID == 0)) || return 0
  install_part podman
  programs=$(part podman)/usr
  mkdir -p "$folder"
  ln -s "$programs/bin/podman" "$folder/podman"
  # Containers share the machine's network: a bridge would need packet filter rules.
  cat >"$folder/containers.conf" <<END
[containers]
netns = "host"
default_ulimits = ["nofile=1024:4096", "nproc=1024:4096"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
conmon_path = ["$programs/bin/conmon"]
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$folder/run/libpod"
[engine.runtimes]
runc = ["$programs/sbin/runc"]
[network]
network_backend = "cni"
network_config_dir = "$folder/net.d"
cni_plugin_dirs = ["$programs/lib/cni"]
END
  cat >"$folder/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$folder/storage"
runroot = "$folder/run/storage"
END
  cat >"$folder/registries.conf" <<END
[[registry]]
location = "127.0.0.1"
insecure = true
END
  printf '{"default": [{"type": "insecureAcceptAnything"}]}\n' >"$folder/policy.json"
  lab_podman "$dir" info >"$folder/log" 2>&1 || fail "podman does not work here ($folder/log)"
  export_variable "$dir" FP_LAB_PODMAN "$folder"
}

stop_podman() {
  local dir=$1 process
  [[ -d $dir/podman ]] || return 0
  lab_podman "$dir" rm --all --force --time 0 >/dev/null 2>&1 || true
  # Each container has one that watches it, and names the folder in its arguments; and what runs in one has its root there.
  for process in /proc/[0-9]*; do
    if is_running "${process#/proc/}" "$dir/podman/storage/" || has_root_in "$process" "$dir/podman/storage/"; then
      signal KILL "${process#/proc/}"
    fi
  done
}

# has_root_in PROCESS FOLDER: the process, a folder of /proc, sees an image of that storage as its whole world.
has_root_in() {
  awk -v folder="$2" '$5 == "/" && index($0, folder) { found = 1 } END { exit !found }' "$1/mountinfo" 2>/dev/null
}

# lab_podman DIR ARGUMENT…
lab_podman() {
  local folder=$1/podman
  shift
  mkdir -p "$folder/home/.config/containers"
  cp "$folder/policy.json" "$folder/home/.config/containers/"
  env -i "PATH=$PATH" "HOME=$folder/home" "CONTAINERS_CONF=$folder/containers.conf" \
    "CONTAINERS_STORAGE_CONF=$folder/storage.conf" "CONTAINERS_REGISTRIES_CONF=$folder/registries.conf" \
    "$folder/podman" "$@"
}
