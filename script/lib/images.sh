# shellcheck shell=bash
# Base images for builds that cannot reach a public registry: a shell (busybox, 2 MB), a Debian (minbase with a few tools)
# and that Debian with this machine's own Rust. Each is made once, as the storage of a registry that holds nothing else,
# and kept in the cache; every lab's open registry gets a copy.

readonly DEBIAN_BASE=('?essential' apt usr-is-merged)
readonly DEBIAN_TOOLS=(ca-certificates curl gcc git libc6-dev make python3)

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
  local version=r3
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

# make_base DIR NAME STORAGE: has the image made and pushed into a registry of its own, whose storage is the result.
make_base() {
  local dir=$1 name=$2 storage=$3 folder=$3.making reference
  start_registry "$dir" "$folder" ''
  reference=$(<"$folder/address")/lab/$name:1
  "make_${name}_base" "$dir" "$reference" "$folder"
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
  tar --directory "$root" --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --file "$root.tar" .
  lab_docker "$dir" import "$root.tar" "$reference"
  lab_docker "$dir" push --quiet "$reference"
}

# What debootstrap does, but within the engine, where it takes no root of this machine: the essential packages are unpacked by
# hand, so that they can then install themselves and the tools. dpkg waits for the disk after each of its steps; where it
# notes them is in memory, which costs nothing.
make_debian_base() {
  local dir=$1 reference=$2 folder=$3 archive
  mkdir -p "$folder"/root/usr/{bin,lib,lib64,sbin}
  ln -s usr/{bin,lib,lib64,sbin} "$folder/root/"
  download_system "$folder/archives" "${DEBIAN_BASE[@]}"
  for archive in "$folder"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$archive" |
      tar --directory "$folder/root" --extract --preserve-permissions --keep-directory-symlink
  done
  download_system "$folder/archives" "${DEBIAN_BASE[@]}" "${DEBIAN_TOOLS[@]}"
  cat >"$folder/Dockerfile" <<'END'
FROM scratch AS made
COPY root /
RUN --mount=type=bind,source=archives,target=/archives --mount=type=tmpfs,target=/var/lib/dpkg/updates \
    export DEBIAN_FRONTEND=noninteractive && cd /archives && ln -s mawk /usr/bin/awk && : >/var/lib/dpkg/status && \
    dpkg --force-depends --force-unsafe-io --install base-passwd_*.deb base-files_*.deb && \
    dpkg --force-depends --force-unsafe-io --install *.deb && \
    rm -rf /usr/share/doc /usr/share/man /usr/share/locale
FROM scratch
COPY --from=made / /
END
  lab_docker "$dir" buildx build --progress plain --push --provenance=false --tag "$reference" "$folder"
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
  lab_docker "$dir" buildx build --quiet --push --provenance=false --tag "$reference" --file "$folder/Dockerfile" \
    --build-context "toolchain=$toolchain" --build-context "certificates=$certificates" "$folder/context"
}

# The docker client as the lab's users get it.
lab_docker() (
  # shellcheck source=/dev/null
  . "$1/env"
  exec docker "${@:2}"
)
