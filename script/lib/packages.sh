# shellcheck shell=bash
# Debian packages, unpacked into private folders. Nothing is installed into the system and /etc/apt stays as it
# is: apt-get works on an index of its own, fetched from the mirror that the machine's own sources name.

# unpack_packages FOLDER PACKAGE…: packages of the machine's own suite, whichever version it has installed, with those of their
# dependencies that it lacks.
unpack_packages() {
  local folder=$1 suite
  suite=$(machine_suite)
  shift
  fetch "$suite" "$folder.archives" -o APT::Get::ReInstall=1 install --download-only --no-install-recommends \
    --allow-downgrades --allow-change-held-packages "${@/%//$suite}"
  unpack "$folder" "$@"
}

# unpack_alone SUITE FOLDER PACKAGE…: packages without their dependencies. Those of another suite would drag in another
# libc; the caller has checked that they can do without.
unpack_alone() {
  local suite=$1 folder=$2
  shift 2
  fetch "$suite" "$folder.archives" download "$@"
  unpack "$folder" "$@"
}

# download_system FOLDER PACKAGE…: adds the archives of these packages and of all that they depend on, as for a machine that has
# nothing yet.
download_system() {
  local folder=$1 suite
  suite=$(machine_suite)
  shift
  fetch "$suite" "$folder" -o Dir::State::status=/dev/null install --download-only --no-install-recommends "$@"
}

# fetch SUITE FOLDER ARGUMENT…: the archives that apt-get with these arguments brings.
fetch() {
  local suite=$1 folder=$2
  shift 2
  mkdir -p "$folder/partial"
  prepare_index "$suite"
  (cd "$folder" && private_apt "$suite" -o "Dir::Cache::archives=$folder" "$@")
}

# unpack FOLDER PACKAGE…: FOLDER.archives into FOLDER; each of the packages has to be among them.
unpack() {
  local folder=$1 package archive
  shift
  for package in "$@"; do
    [[ $(compgen -G "$folder.archives/${package}_*.deb") ]] || fail "apt-get brought no package '$package'"
  done
  mkdir -p "$folder"
  for archive in "$folder.archives"/*.deb; do
    dpkg-deb -x "$archive" "$folder"
  done
}

machine_suite() { (. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}"); }
machine_distribution() { (. /etc/os-release && printf '%s' "${ID:-}"); }

# The address from which this machine gets its own packages; asked of apt, which reads every form of sources and needs no
# index for this answer.
machine_mirror() {
  local suite mirror
  suite=$(machine_suite)
  mirror=$(apt-get update --print-uris -o Debug::NoLocking=1 | sed -n "s|^'\(.*\)/dists/$suite/InRelease'.*|\1|p" | head -n 1)
  [[ $mirror ]] || fail "apt's sources name no mirror with '$suite'; add one to /etc/apt/sources.list.d"
  printf '%s\n' "$mirror"
}

# Fetches the package index of a suite, at most once a day.
prepare_index() {
  local apt=$LAB_CACHE/apt-$1 mirror signed_by='' keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [[ -z $(find "$apt/fresh" -mtime -1 2>/dev/null) ]] || return 0
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
  [[ $(machine_distribution) != debian || ! -e $keyring ]] || signed_by="[signed-by=$keyring] "
  mirror=$(machine_mirror)
  printf 'deb %s%s %s main\n' "$signed_by" "$mirror" "$1" >"$apt/sources.list"
  private_apt "$1" update
  touch "$apt/fresh"
}

private_apt() {
  local apt=$LAB_CACHE/apt-$1
  shift
  apt-get --yes -qq \
    -o "Dir::State=$apt/state" -o Dir::State::status=/var/lib/dpkg/status -o "Dir::Cache=$apt/cache" \
    -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o Debug::NoLocking=1 -o APT::Sandbox::User= -o APT::Update::Error-Mode=any -o Acquire::Retries=3 \
    "$@"
}
