# shellcheck shell=bash
# A Dockerfile frontend that knows `COPY --parents`: the one of the newest engine's own BuildKit, compiled once more with the
# tag for what is experimental there. Debian has no such program, but packages of its source, of all that it imports, and of Go.

readonly FRONTEND_SUITE=forky FRONTEND_GO=1.27
readonly FRONTEND_PROGRAM=github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend

# What the program imports, as Debian's packages golang-NAME-dev.
readonly FRONTEND_IMPORTS=(
  github-agext-levenshtein github-cespare-xxhash-v2
  github-containerd-{containerd,containerd-api,continuity,errdefs,log,platforms,stargz-snapshotter,ttrpc,typeurl}
  github-distribution-reference github-docker-{docker,go-units} github-felixge-httpsnoop github-go-logr-{logr,stdr}
  github-gofrs-flock github-gogo-protobuf github-golang-protobuf-1-5 github-google-{go-cmp,shlex,uuid}
  github-grpc-ecosystem-grpc-gateway github-in-toto-{attestation,in-toto-golang} github-klauspost-compress
  github-mitchellh-hashstructure github-moby-{docker-image-spec,locker,patternmatcher,sys}
  github-opencontainers-{go-digest,image-spec} github-pkg-errors github-planetscale-vtprotobuf
  github-secure-systems-lab-go-securesystemslib github-shibumi-go-pathspec github-sirupsen-logrus
  github-tonistiigi-{dchapes-mode,fsutil} github-vbatts-tar-split github-coreos-bbolt
  golang-x-{crypto,net,sync,sys,text} google-{genproto,grpc,protobuf} opentelemetry-{contrib,otel,proto}
)

# 100 MB of packages, and a minute of two processors.
make_frontend() {
  local packages=("${FRONTEND_IMPORTS[@]/#/golang-}") source=$1.source go=$1.go imports
  unpack_alone "$FRONTEND_SUITE" "$source" "${packages[@]/%/-dev}"
  unpack_alone "$FRONTEND_SUITE" "$go" "golang-$FRONTEND_GO-go" "golang-$FRONTEND_GO-src"
  imports=$source/usr/share/gocode
  # Without modules Go looks for a second version in a folder of that name.
  ln -s . "$imports/src/github.com/mitchellh/hashstructure/v2"
  mkdir -p "$1"
  env -i "PATH=$PATH" "HOME=$source" "GOCACHE=$source/cache" "GOPATH=$imports" GO111MODULE=off GOTOOLCHAIN=local \
    CGO_ENABLED=0 "$go/usr/lib/go-$FRONTEND_GO/bin/go" build -ldflags='-s -w' -tags dfparents -o "$1/frontend" "$FRONTEND_PROGRAM"
}

# Pushes it to the open registry: frontends are images. Only the newest engine is known to run it.
offer_frontend() {
  local dir=$1 reference
  [[ -d $dir/engine-newest ]] || return 0
  install_if_possible frontend 'COPY --parents is not tested' || return 0
  reference=$(<"$dir/registry/address")/docker/dockerfile:labs
  tar --directory "$(part frontend)" --create --file "$dir/frontend.tar" frontend
  lab_docker "$dir" import --change 'ENTRYPOINT ["/frontend"]' "$dir/frontend.tar" "$reference" >/dev/null
  lab_docker "$dir" push --quiet "$reference" >/dev/null
  rm "$dir/frontend.tar"
  export_variable "$dir" FP_LAB_FRONTEND_NEWEST "$reference"
}
