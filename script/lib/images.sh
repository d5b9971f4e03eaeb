# shellcheck shell=bash
# Base images for builds that cannot reach a public registry: a shell (busybox, 2 MB), a Debian (minbase with a few tools)
# and that Debian with this machine's own Rust. Each is made once, as the storage of a registry that holds nothing else,
# and kept in the cache; every lab's open registry gets a copy.

readonly DEBIAN_TOOLS=ca-certificates,curl,gcc,git,libc6-dev,make,python3

offer_bases() {
  local dir=$1 name
  shift
  for name in "$@"; do
    [[ $(type -t "make_${name}_base") ]] || fail "there is no base image '$name': busybox, debian or rust"
    [[ -d $(base_storage "$name") ]] || finish_once "$(base_storage "$name")" "base image $name" make_base "$dir" "$name"
    copy_storage "$(base_storage "$name")" "$dir/registry/data"
    export_variable "$dir" "FP_LAB_BASE_${name^^}" "$(<"$dir/registry/address")/lab/$name:1"
  done
}

base_storage() {
  local version=r2
  [[ $1 != rust ]] || version+=-$(rustc -vV | cksum | cut -d ' ' -f 1)
  printf '%s/bases/%s-%s-%s-%s' "$LAB_CACHE" "$1" "$(machine_suite)" "$(uname -m)" "$version"
}

# Blobs are written once and never changed, so hard links do; links and tags are small and may be overwritten.
copy_storage() {
  local from=$1/docker/registry/v2 to=$2/docker/registry/v2
  mkdir -p "$to"
  cp -al "$from/blobs" "$to/" 2>/dev/null || cp -a "$from/blobs" "$to/"
  cp -a "$from/repositories" "$to/"
}

# make_base DIR NAME STORAGE: pushes the image into a registry of its own, whose storage is the result.
make_base() {
  local dir=$1 name=$2 storage=$3 folder=$3.making reference
  start_registry "$folder" ''
  reference=$(<"$folder/address")/lab/$name:1
  "make_${name}_base" "$dir" "$reference" "$folder"
  lab_docker "$dir" push --quiet "$reference"
  lab_docker "$dir" image rm --force "$reference"
  stop_process "$folder/pid" "$folder/config.yml" 5
  mv "$folder/data" "$storage"
}

make_busybox_base() {
  local dir=$1 reference=$2 root=$3/root applet
  install_part busybox
  mkdir -p "$root"/{bin,etc,root,tmp}
  chmod 1777 "$root/tmp"
  cp "$(part busybox)/bin/busybox" "$root/bin/"
  for applet in $("$root/bin/busybox" --list); do
    [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\n' >"$root/etc/group"
  import_folder "$dir" "$root" "$reference"
}

make_debian_base() {
  local dir=$1 reference=$2 root=$3/root part libraries
  install_part debootstrap
  part=$(part debootstrap)
  libraries=$part/usr/lib/$(uname -m)-linux-gnu
  # dpkg waits for the disk after every file; in memory that costs nothing.
  mkdir -p "$root"
  as_root mount -t tmpfs -o mode=755,size=2g fp-lab "$root"
  PATH=$PATH:$part/usr/bin:/usr/sbin:/sbin LD_LIBRARY_PATH=$libraries as_root env "DEBOOTSTRAP_DIR=$part/usr/share/debootstrap" \
    "$part/usr/sbin/debootstrap" --variant=minbase --include="$DEBIAN_TOOLS" \
    "$(machine_suite)" "$root" "$(machine_mirror)"
  as_root rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}
  import_folder "$dir" "$root" "$reference"
  as_root umount "$root"
}

# The machine's certificates come along: jobs in this image fetch crates as the machine itself does.
make_rust_base() {
  local dir=$1 reference=$2 folder=$3 toolchain certificates=/etc/ssl/certs
  toolchain=$(rustc --print sysroot)
  [[ -d $(base_storage debian) ]] || finish_once "$(base_storage debian)" 'base image debian' make_base "$dir" debian
  copy_storage "$(base_storage debian)" "$folder/data"
  cat >"$folder/Dockerfile" <<END
FROM $(<"$folder/address")/lab/debian:1
COPY --from=toolchain bin /usr/local/bin
COPY --from=toolchain lib /usr/local/lib
COPY --from=toolchain libexec /usr/local/libexec
COPY --from=certificates ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
END
  mkdir "$folder/context"
  lab_docker "$dir" buildx build --quiet --load --provenance=false --tag "$reference" --file "$folder/Dockerfile" \
    --build-context "toolchain=$toolchain" --build-context "certificates=$certificates" "$folder/context"
}

import_folder() {
  as_root tar --directory "$2" --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner . |
    lab_docker "$1" import - "$3"
}

# The docker client as the lab's users get it.
lab_docker() (
  # shellcheck source=/dev/null
  . "$1/env"
  exec docker "${@:2}"
)
