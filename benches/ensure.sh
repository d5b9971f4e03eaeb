# shellcheck shell=bash
# What `fp ensure` takes beyond the engine and the registry, for script/bench.

# Engine and registry are the lab's own, on loopback, so that what is measured is what each program itself does.
engine_and_registry() {
  local group=ensure tree=$work/image before='' lab=$work/lab clients reference
  say 'measuring fp ensure'
  "$project/script/lab" install clients
  "$project/script/lab" up --prefer private --store containerd --for $$ "$lab"
  clients=$("$project/script/lab" where clients)
  # shellcheck source=/dev/null
  . "$lab/env"
  export LD_LIBRARY_PATH
  LD_LIBRARY_PATH=$(echo "$clients"/usr/lib/*-linux-gnu)
  make_tree "$tree" '["app"]'
  corpus tree "$tree/app" 40 200000
  printf 'FROM %s\nCOPY app /app\nRUN cat /app/stamp >/stamp\n' "$FP_LAB_BASE_BUSYBOX" >"$tree/Dockerfile"
  printf 'repository = "%s/bench/fp"\npush = "always"\n' "$FP_LAB_REGISTRY" >>"$tree/fingerprint.toml"

  before="sh -c 'date +%s%N >$tree/app/stamp'"
  compare 'a miss' "$tree" 3 "$fp ensure" \
    'docker buildx build --push' '150 ms more' \
    "docker buildx build --push --provenance=false --tag $FP_LAB_REGISTRY/bench/bare:1 $tree"
  before=''

  reference=$(cd "$tree" && "$fp" ensure 2>/dev/null)
  reference=${reference%@*}
  compare 'a hit, the image is in the engine' "$tree" 20 "$fp ensure" \
    'crane digest, docker image inspect' 1.0 "sh -c '$clients/usr/bin/crane digest $reference; docker image inspect $reference'"
  compare 'a hit, only the name is wanted' "$tree" 20 "$fp ensure --no-pull" \
    'crane digest' 1.0 "$clients/usr/bin/crane digest $reference" \
    'skopeo inspect --raw' 1.0 "$clients/usr/bin/skopeo inspect --raw --tls-verify=false docker://$reference" \
    'docker manifest inspect' 1.0 "docker manifest inspect --insecure $reference"
}
